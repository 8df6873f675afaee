//! Functions.

use super::Converter;
use super::literal::told_span;
use crate::fql::syntax::node::{FunctionNode, NodeValue};
use crate::fsl::item::{FunctionItem, ParamItem};

/// Why a type must be there.
const TYPED: &str = "Expecting types due to this type annotation";
/// Why no type may be there.
const UNTYPED: &str = "Expecting no types due to this argument not having a type";

impl Converter<'_> {
    pub(super) fn function(&mut self, value: &NodeValue) -> Option<FunctionItem> {
        let NodeValue::Function(node) = value else {
            self.error("Expected a function definition", told_span(value));
            return None;
        };
        self.typed_alike(node);
        let end = node.result.as_ref().map_or(node.close, |ty| ty.span);
        let params = node.params.iter().map(|param| ParamItem {
            name: param.name.clone(),
            ty: param.ty.clone(),
            variadic: param.variadic,
        });
        Some(FunctionItem {
            alias: None,
            role: None,
            params: params.collect(),
            result: node.result.clone(),
            signature: node.open.to(end),
            body: node.body.clone(),
        })
    }

    /// Either all parameters and the result have types, or none of them. Without parameters both will do.
    fn typed_alike(&mut self, node: &FunctionNode) {
        let Some(first) = node.params.first() else {
            return;
        };
        let half = "All or no arguments must have a type";
        for param in &node.params {
            match (&first.ty, &param.ty) {
                (Some(ty), None) => self.hinted(half, param.name.span, TYPED, ty.span),
                (None, Some(_)) => self.hinted(half, param.name.span, UNTYPED, first.name.span),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        match (&first.ty, &node.result) {
            (Some(ty), None) => {
                let message = "Return type is required when arguments have a type";
                self.hinted(message, node.close, TYPED, ty.span);
            }
            (None, Some(result)) => {
                let message = "Return type is not allowed when arguments do not have a type";
                self.hinted(message, result.span, UNTYPED, first.name.span);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}
