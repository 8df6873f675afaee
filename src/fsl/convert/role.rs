//! Roles and access providers: who may do what, on which condition.

use super::literal::{Written, told_expr, told_span, written};
use super::{Converter, Names, Once};
use crate::fql::syntax::Span;
use crate::fql::syntax::node::{Node, NodeValue};
use crate::fsl::item::{GrantItem, PredicateItem, PrivilegeItem, ProviderItem, RoleItem, Setting};
use crate::value::Str;

/// What a privilege may allow.
const ACTIONS: [&str; 9] = [
    "create",
    "create_with_id",
    "delete",
    "read",
    "write",
    "history_read",
    "history_write",
    "unrestricted_read",
    "call",
];

impl Converter<'_> {
    pub(super) fn role(&mut self, members: &[Node]) -> RoleItem {
        let mut privileges = Names::new("privileges");
        let mut membership = Names::new("membership");
        let mut role = RoleItem {
            privileges: Vec::new(),
            membership: Vec::new(),
        };
        for node in members {
            match &*node.keyword.name {
                "privileges" => role
                    .privileges
                    .extend(self.privilege(node, &mut privileges)),
                "membership" => {
                    let otherwise = node.keyword.span;
                    role.membership
                        .extend(self.grant(node, otherwise, &mut membership));
                }
                other => {
                    let message = format!("Invalid member `{other}`");
                    self.error(message, node.keyword.span);
                }
            }
        }
        role
    }

    fn privilege(&mut self, node: &Node, seen: &mut Names) -> Option<PrivilegeItem> {
        self.no_annotations(&node.annotations);
        let resource = self.name(&node.name, node.keyword.span)?;
        seen.check(self, &resource);
        let value = self.value(&node.value, node.span)?;
        let (members, block) = self.block(value)?;
        let mut seen = Names::new("action");
        let mut actions = Vec::new();
        for member in members {
            actions.extend(self.action(member, &mut seen));
        }
        Some(PrivilegeItem {
            resource,
            actions,
            block,
            span: node.span,
        })
    }

    fn action(&mut self, node: &Node, seen: &mut Names) -> Option<GrantItem> {
        self.no_annotations(&node.annotations);
        self.no_name(&node.name);
        let name = node.keyword.clone();
        if !ACTIONS.contains(&&*name.name) {
            self.error(format!("Invalid action `{}`", name.name), name.span);
            return None;
        }
        seen.check(self, &name);
        Some(GrantItem {
            name,
            predicate: self.condition(&node.value),
            span: node.span,
        })
    }

    /// A membership, or a provider's role.
    fn grant(&mut self, node: &Node, otherwise: Span, seen: &mut Names) -> Option<GrantItem> {
        self.no_annotations(&node.annotations);
        let name = self.name(&node.name, otherwise)?;
        seen.check(self, &name);
        Some(GrantItem {
            name,
            predicate: self.condition(&node.value),
            span: node.span,
        })
    }

    /// `{ predicate (lambda) }`, if there is one.
    fn condition(&mut self, value: &Option<NodeValue>) -> Option<PredicateItem> {
        let (members, block) = self.block(value.as_ref()?)?;
        let [node] = members else {
            self.error("Expected a single predicate member", block);
            return None;
        };
        if &*node.keyword.name != "predicate" {
            self.error("Expecting a predicate", node.span);
            return None;
        }
        self.no_annotations(&node.annotations);
        self.no_name(&node.name);
        let expr = match self.value(&node.value, node.span)? {
            NodeValue::Literal(expr) => expr,
            other => {
                self.error("Expected an expression literal", told_span(other));
                return None;
            }
        };
        let text = self.source.text.clone();
        match written(expr, text.as_deref().unwrap_or("")) {
            Written::Parenthesised(lambda) => Some(PredicateItem {
                body: lambda.clone(),
                span: block,
            }),
            Written::Bare(_) | Written::Otherwise => {
                self.error("Expected lambda predicate", told_expr(expr));
                None
            }
        }
    }

    // ------------------------------------------------------------------------------------------ access providers

    pub(super) fn provider(&mut self, members: &[Node], block: Span) -> Option<ProviderItem> {
        let mut seen_issuer = Once::new("issuer");
        let mut seen_jwks_uri = Once::new("jwks uri");
        let mut seen_roles = Names::new("role");
        let mut issuer = None;
        let mut jwks_uri = None;
        let mut roles = Vec::new();
        for node in members {
            match &*node.keyword.name {
                "issuer" => issuer = self.text_member(node, &mut seen_issuer).or(issuer),
                "jwks_uri" => jwks_uri = self.text_member(node, &mut seen_jwks_uri).or(jwks_uri),
                "role" => roles.extend(self.grant(node, node.span, &mut seen_roles)),
                other => {
                    let message = format!("Invalid member `{other}`");
                    self.error(message, node.keyword.span);
                }
            }
        }
        seen_issuer.required(self, block);
        seen_jwks_uri.required(self, block);
        Some(ProviderItem {
            issuer: issuer?,
            jwks_uri: jwks_uri?,
            roles,
        })
    }

    fn text_member(&mut self, node: &Node, seen: &mut Once) -> Option<Setting<Str>> {
        self.no_annotations(&node.annotations);
        self.no_name(&node.name);
        seen.check(self, node.keyword.span);
        let value = self.value(&node.value, node.span)?;
        let (value, value_span) = self.string(value)?;
        Some(Setting {
            value,
            value_span,
            span: node.span,
        })
    }
}
