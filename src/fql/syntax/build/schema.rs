//! Schema files: pairs → nodes.
//!
//! What stops a walk here also stops the parser of the original; so a file has either one error of syntax, or specific
//! errors of its expressions and names, or nodes.

use super::expr::fatal;
use super::{Build, Builder, Children, Stop, TypeUse, children, plain_ident, span};
use crate::fql::syntax::ast::{Block, Expr, Ident, Str};
use crate::fql::syntax::diagnostic::Diagnostic;
use crate::fql::syntax::grammar::Rule;
use crate::fql::syntax::node::{
    FIELD, FieldKind, FieldNode, FunctionNode, MigrationNode, MigrationNodeKind, Node,
    NodeAnnotation, NodeValue, ParamNode, TypeNode,
};
use crate::fql::syntax::parse::path_of;
use crate::fql::syntax::source::Span;
use pest::iterators::{Pair, Pairs};

/// How often a reserved word is met where a node may begin: each form of a node tries it as a name, and reports it.
const NAMES_TRIED: usize = 5;

/// A node's keyword, name and value, and where it ends.
type Parts = (Ident, Option<Ident>, Option<NodeValue>, Span);

impl<'s> Builder<'s> {
    /// A schema file.
    pub(in crate::fql::syntax) fn schema_file(
        mut self,
        pairs: Pairs<'s, Rule>,
    ) -> Result<Vec<Node>, Vec<Diagnostic>> {
        let result = self.schema_nodes(&mut children(pairs));
        self.finish(result)
    }

    /// Nodes up to the end of a file or block.
    fn schema_nodes(&mut self, pairs: &mut Children<'s>) -> Build<Vec<Node>> {
        let mut nodes = Vec::new();
        let mut comment: Option<Span> = None;
        while let Some(pair) = pairs.next_if(|pair| pair.as_rule() != Rule::close_brace) {
            match pair.as_rule() {
                Rule::doc_comment => comment = Some(span(&pair)),
                Rule::schema_item => {
                    let mut node = self.schema_item(pair)?;
                    if let Some(comment) = comment.filter(|it| it.end == node.span.start) {
                        node.doc = Some(comment);
                        node.span = comment.to(node.span);
                    }
                    nodes.push(node);
                }
                _ => self.check(&pair)?,
            }
        }
        Ok(nodes)
    }

    fn schema_item(&mut self, pair: Pair<'s, Rule>) -> Build<Node> {
        let start = span(&pair).start;
        let mut annotations = Vec::new();
        let mut inner = children(pair.into_inner());
        while let Some(annotation) = inner.next_if(|pair| pair.as_rule() == Rule::annotation) {
            annotations.push(self.annotation(annotation)?);
        }
        let node = self.next(&mut inner)?;
        let (keyword, name, value, end) = self.node_parts(node)?;
        let end = self.semicolons_after(end.end as usize);
        self.rest(&mut inner)?;
        Ok(Node {
            annotations,
            keyword,
            name,
            value,
            span: Span::new(start as usize, end),
            doc: None,
        })
    }

    /// The end of what ends at `end`, with the semicolons after it on its line.
    fn semicolons_after(&self, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let (mut at, mut found) = (end, end);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' => at += 1,
                b';' => {
                    at += 1;
                    found = at;
                }
                b'/' if bytes.get(at + 1) == Some(&b'*') => match block_comment_end(bytes, at) {
                    Some(end) => at = end,
                    None => break,
                },
                _ => break,
            }
        }
        found
    }

    fn annotation(&mut self, pair: Pair<'s, Rule>) -> Build<NodeAnnotation> {
        let whole = span(&pair);
        let mut inner = children(pair.into_inner());
        let keyword = self.next(&mut inner)?;
        if keyword.as_rule() == Rule::annotation_unknown {
            for part in keyword.into_inner() {
                self.check(&part)?;
                self.ident(&part).map_err(fatal)?;
            }
            return Err(Stop::Fatal);
        }
        let keyword = plain_ident(&keyword);
        let value = self.next(&mut inner)?;
        let value = self.schema_name(value)?;
        self.rest(&mut inner)?;
        Ok(NodeAnnotation {
            keyword,
            value,
            span: whole,
        })
    }

    /// A name, reserved words reported.
    fn schema_name(&mut self, pair: Pair<'s, Rule>) -> Build<Ident> {
        let whole = span(&pair);
        let name = pair.into_inner().next().ok_or(Stop::Fatal)?;
        if name.as_rule() == Rule::name {
            return self.ident(&name).map_err(fatal);
        }
        Ok(Ident {
            name: self.string(name)?,
            span: whole,
        })
    }

    // ------------------------------------------------------------------------------------------ forms

    fn node_parts(&mut self, pair: Pair<'s, Rule>) -> Build<Parts> {
        let whole = span(&pair);
        let rule = pair.as_rule();
        let mut inner = children(pair.into_inner());
        match rule {
            Rule::reserved_node => {
                let word = self.next(&mut inner)?;
                for _ in 0..NAMES_TRIED {
                    self.reserved(word.as_str(), span(&word));
                }
                Err(Stop::Fatal)
            }
            Rule::compute_node => {
                let keyword = span(&self.next(&mut inner)?);
                self.field_node(Some(keyword), &mut inner)
            }
            Rule::wildcard_node | Rule::field_node => self.field_node(None, &mut inner),
            Rule::generic_node => self.generic_node(&mut inner),
            Rule::bare_node => {
                let keyword = plain_ident(&self.next(&mut inner)?);
                let value = self.optional_value(&mut inner)?;
                Ok(parts(keyword, None, value))
            }
            Rule::provider_node => {
                let access = span(&self.next(&mut inner)?);
                let provider = span(&self.next(&mut inner)?);
                let keyword = Ident {
                    name: Str::from("access provider"),
                    span: access.to(provider),
                };
                let name = self.next(&mut inner)?;
                let name = self.schema_name(name)?;
                let value = self.next(&mut inner)?;
                let value = self.node_value(value)?;
                Ok(parts(keyword, Some(name), Some(value)))
            }
            Rule::function_node => self.function_node(&mut inner),
            Rule::migration_node => {
                let migration = self.next(&mut inner)?;
                self.migration_node(migration)
            }
            Rule::invalid_node => {
                let keyword = plain_ident(&self.next(&mut inner)?);
                let text = span(&self.next(&mut inner)?);
                Ok((keyword, None, Some(NodeValue::Invalid(text)), whole))
            }
            _ => Err(Stop::Fatal),
        }
    }

    fn field_node(&mut self, compute: Option<Span>, inner: &mut Children<'s>) -> Build<Parts> {
        let first = self.next(inner)?;
        let mut kind = match compute {
            Some(_) => FieldKind::Computed,
            None => FieldKind::Defined,
        };
        let name = if first.as_rule() == Rule::star {
            kind = FieldKind::Wildcard;
            plain_ident(&first)
        } else {
            self.schema_name(first)?
        };
        let mut span = Span {
            start: name.span.end,
            end: name.span.end,
        };
        let mut partial = None;
        if let Some(pair) =
            inner.next_if(|pair| matches!(pair.as_rule(), Rule::type_expr | Rule::x_type))
        {
            partial = Some(self.partial_type(pair)?);
        }
        let mut value = None;
        if let Some(pair) = inner.next() {
            value = Some(self.expr(pair, false).map_err(fatal)?);
        }
        let has_type = partial.is_some();
        let ty = match partial {
            Some(partial) => {
                let colon = blank_end(self.text, name.span.end as usize);
                span = Span::new(colon, partial.span().end as usize);
                let usage = match (kind, &value) {
                    (FieldKind::Computed | FieldKind::Wildcard, _) => TypeUse::Annotation,
                    (FieldKind::Defined, None) => TypeUse::Schema,
                    (FieldKind::Defined, Some(value)) => TypeUse::beside_default(value.span),
                };
                Some(self.type_node(partial, usage)?)
            }
            None => None,
        };
        let mut end = name.span.to(span);
        if value.is_none() {
            self.valueless_end = (blank_end(self.text, end.end as usize), !has_type);
        }
        if let Some(value) = &value {
            span = if has_type {
                span.to(value.span)
            } else {
                value.span
            };
            end = end.to(value.span);
        }
        if kind == FieldKind::Wildcard && !has_type {
            // `compute *` without a type: nothing says what was expected.
            let at = end.end as usize;
            self.generic = Some(Diagnostic::error("Expected fail", self.at(self.one(at))));
            return Err(Stop::Fatal);
        }
        let keyword = Ident {
            name: Str::from(FIELD),
            span: compute.unwrap_or(name.span),
        };
        let field = NodeValue::Field(FieldNode {
            kind,
            ty,
            value,
            span,
        });
        Ok((keyword, Some(name), Some(field), end))
    }

    /// A type with the errors that are told only when the node is given a meaning.
    fn type_node(
        &mut self,
        partial: super::types::PartialType<'s>,
        usage: TypeUse,
    ) -> Build<TypeNode> {
        let known = self.errors.len();
        let ty = self.complete(partial, usage)?;
        let faults = self.errors.split_off(known);
        Ok(TypeNode { ty, faults })
    }

    fn generic_node(&mut self, inner: &mut Children<'s>) -> Build<Parts> {
        let keyword = self.next(inner)?;
        let mut name = None;
        if let Some(pair) = inner.next_if(|pair| pair.as_rule() == Rule::schema_name) {
            // A reserved word is no name, but the error stays.
            name = self.schema_name(pair).ok();
        }
        let value = self.optional_value(inner)?;
        if name.is_none() && value.is_none() {
            self.nameless_end = after_blanks(self.text, keyword.as_span().end());
        }
        Ok(parts(plain_ident(&keyword), name, value))
    }

    fn optional_value(&mut self, inner: &mut Children<'s>) -> Build<Option<NodeValue>> {
        match inner.next() {
            Some(pair) => Ok(Some(self.node_value(pair)?)),
            None => Ok(None),
        }
    }

    fn node_value(&mut self, pair: Pair<'s, Rule>) -> Build<NodeValue> {
        let whole = span(&pair);
        match pair.as_rule() {
            Rule::node_block => {
                let mut inner = children(pair.into_inner());
                let open = span(&self.next(&mut inner)?);
                let nodes = self.schema_nodes(&mut inner)?;
                let close = span(&self.next(&mut inner)?);
                Ok(NodeValue::Block { nodes, open, close })
            }
            Rule::node_paths => {
                let mut items = Vec::new();
                for part in pair.into_inner() {
                    if !matches!(part.as_rule(), Rule::open_bracket | Rule::close_bracket) {
                        items.push(self.expr(part, true).map_err(fatal)?);
                    }
                }
                Ok(NodeValue::List { items, span: whole })
            }
            _ => Ok(NodeValue::Literal(self.expr(pair, false).map_err(fatal)?)),
        }
    }

    // ------------------------------------------------------------------------------------------ functions

    fn function_node(&mut self, inner: &mut Children<'s>) -> Build<Parts> {
        let keyword = plain_ident(&self.next(inner)?);
        let name = self.next(inner)?;
        let name = self.schema_name(name)?;
        let open = span(&self.next(inner)?);
        let mut params: Vec<(ParamNode, Span)> = Vec::new();
        while let Some(pair) = inner.next_if(|pair| pair.as_rule() == Rule::function_param) {
            let whole = trimmed(&pair);
            params.push((self.function_param(pair)?, whole));
        }
        let last = params.len().saturating_sub(1);
        for (param, whole) in params.iter().take(last) {
            if param.variadic {
                self.error("Variadic argument must be the last argument.", *whole);
            }
        }
        if let Some(end) = inner.peek()
            && end.as_rule() == Rule::x_close_params
        {
            return self.unclosed_params(end.as_span().start(), params.last());
        }
        let close = span(&self.next(inner)?);
        let mut result = None;
        if let Some(pair) =
            inner.next_if(|pair| matches!(pair.as_rule(), Rule::type_expr | Rule::x_type))
        {
            result = Some(self.type_expr(pair, TypeUse::Annotation)?);
        }
        let body = self.next(inner)?;
        let whole = span(&body);
        let value = match body.as_rule() {
            Rule::function_body | Rule::function_empty => {
                let mut statements = children(body.into_inner());
                let stmts = self.body(&mut statements, "block").map_err(fatal)?;
                self.rest(&mut statements)?;
                NodeValue::Function(Box::new(FunctionNode {
                    open,
                    params: params.into_iter().map(|(param, _)| param).collect(),
                    close,
                    result,
                    body: Block { stmts, span: whole },
                }))
            }
            _ => NodeValue::Invalid(open.to(whole)),
        };
        Ok(parts(keyword, Some(name), Some(value)))
    }

    /// Parameters that are not closed: what could have stood there depends on what the last one lacks.
    fn unclosed_params<T>(&mut self, at: usize, last: Option<&(ParamNode, Span)>) -> Build<T> {
        let labels = match last.map(|(param, whole)| (&param.ty, whole.end as usize)) {
            Some((None, _)) => "`)`, `,`, or a type annotation",
            Some((Some(_), end)) if blank_end(self.text, end) == at => {
                if self.type_name_end == at {
                    "`)`, `,`, or `<`"
                } else {
                    "`)` or `,`"
                }
            }
            Some((Some(_), _)) | None => "`)`",
        };
        let error = Diagnostic::error(format!("Expected {labels}"), self.at(self.one(at)));
        self.generic = Some(error);
        Err(Stop::Fatal)
    }

    fn function_param(&mut self, pair: Pair<'s, Rule>) -> Build<ParamNode> {
        let mut inner = children(pair.into_inner());
        let variadic = inner
            .next_if(|pair| pair.as_rule() == Rule::rest_mark)
            .is_some();
        let name = self.next(&mut inner)?;
        let name = self.ident(&name).map_err(fatal)?;
        let ty = match inner.next() {
            Some(pair) => Some(self.type_expr(pair, TypeUse::Annotation)?),
            None => None,
        };
        Ok(ParamNode { name, ty, variadic })
    }

    // ------------------------------------------------------------------------------------------ migrations

    fn migration_node(&mut self, pair: Pair<'s, Rule>) -> Build<Parts> {
        let start = span(&pair).start as usize;
        let keyword = keyword_at(self.text, start);
        let rule = pair.as_rule();
        let mut inner = children(pair.into_inner());
        let mut end = keyword.span;
        let kind = match rule {
            Rule::migration_add_wildcard => MigrationNodeKind::AddWildcard,
            Rule::migration_backfill => {
                let path = self.migration_path(&mut inner)?;
                let value = self.next(&mut inner)?;
                let value = self.expr(value, false).map_err(fatal)?;
                end = value.span;
                MigrationNodeKind::Backfill(path, value)
            }
            Rule::migration_move => {
                let from = self.migration_path(&mut inner)?;
                let to = self.migration_path(&mut inner)?;
                end = to.span;
                MigrationNodeKind::Move(from, to)
            }
            Rule::migration_split => {
                let from = self.migration_path(&mut inner)?;
                end = from.span;
                let mut targets = Vec::new();
                while inner.peek().is_some() {
                    let target = self.migration_path(&mut inner)?;
                    end = target.span;
                    targets.push(target);
                }
                MigrationNodeKind::Split(from, targets)
            }
            _ => {
                let path = self.migration_path(&mut inner)?;
                end = path.span;
                match rule {
                    Rule::migration_add => MigrationNodeKind::Add(path),
                    Rule::migration_drop => MigrationNodeKind::Drop(path),
                    Rule::migration_move_conflicts => MigrationNodeKind::MoveConflicts(path),
                    _ => MigrationNodeKind::MoveWildcard(path),
                }
            }
        };
        let span = keyword.span.to(end);
        let migration = NodeValue::Migration(MigrationNode { kind, span });
        Ok((keyword, None, Some(migration), span))
    }

    fn migration_path(&mut self, inner: &mut Children<'s>) -> Build<Expr> {
        let path = self.next(inner)?;
        let path = self.expr(path, true).map_err(fatal)?;
        if let Err(at) = path_of(&path) {
            self.error("Invalid field path", at);
        }
        Ok(path)
    }
}

/// A node that ends with the last of its parts.
fn parts(keyword: Ident, name: Option<Ident>, value: Option<NodeValue>) -> Parts {
    let end = match (&name, &value) {
        (_, Some(value)) => value.span(),
        (Some(name), None) => name.span,
        (None, None) => keyword.span,
    };
    (keyword, name, value, end)
}

/// A parameter without the blanks after it.
fn trimmed(pair: &Pair<'_, Rule>) -> Span {
    let start = pair.as_span().start();
    let last = pair.clone().into_inner().last();
    let end = last.map_or(start, |last| {
        let text = last.as_str().trim_end_matches([' ', '\t']);
        last.as_span().start() + text.len()
    });
    Span::new(start, end)
}

/// The keyword at `start`.
fn keyword_at(text: &str, start: usize) -> Ident {
    let rest = text.get(start..).unwrap_or("");
    let length = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    Ident {
        name: Str::from(rest.get(..length).unwrap_or("")),
        span: Span::new(start, start + length),
    }
}

/// Where blanks and block comments after `end` end.
fn blank_end(text: &str, end: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = end;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'*') => match block_comment_end(bytes, at) {
                Some(end) => at = end,
                None => break,
            },
            _ => break,
        }
    }
    at
}

/// The same, over lines and line comments.
fn after_blanks(text: &str, end: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = end;
    loop {
        let before = at;
        at = blank_end(text, at);
        while matches!(bytes.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        if bytes.get(at) == Some(&b'/') && bytes.get(at + 1) == Some(&b'/') {
            while bytes.get(at).is_some_and(|byte| *byte != b'\n') {
                at += 1;
            }
        }
        if at == before {
            return at;
        }
    }
}

/// Where the block comment at `start` ends; they nest.
fn block_comment_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}
