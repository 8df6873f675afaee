//! Nodes → items, with an error for everything that is not as it must be (`spec schema-fsl 10`).
//!
//! The walk goes on after an error, so that all errors of a file are told at once; a part that cannot be made sense of is left
//! out. A file with errors has no items for anybody but the patcher, which puts in what definitions say, right or wrong. The order of errors is that of the walk: an item's names before its members, members in the order
//! of the text, what an item lacks last.

mod collection;
mod function;
mod index;
mod literal;
mod migration;
mod role;

use super::item::{Annotation, ItemContent, SchemaFile, SchemaItem};
use crate::fql::syntax::ast::Ident;
use crate::fql::syntax::node::{FIELD, Node, NodeAnnotation, NodeValue};
use crate::fql::syntax::{Diagnostic, Location, Source, Span, parse_schema};
use std::collections::HashMap;
use std::sync::Arc;

/// The items of a file, or all that is wrong with it.
///
/// ```
/// use fql::fql::syntax::Source;
/// let file = fql::fsl::parse(&Source::new("main.fsl", "collection Post { title: String }")).unwrap();
/// assert_eq!(&*file.items[0].name.name, "Post");
/// ```
pub fn parse(source: &Arc<Source>) -> Result<SchemaFile, Vec<Diagnostic>> {
    let (file, errors) = converted(source)?;
    match errors.is_empty() {
        true => Ok(file),
        false => Err(errors),
    }
}

/// The items of a file whose syntax is right, whatever else is wrong with them: as far as it can be kept.
pub(super) fn parse_leniently(source: &Arc<Source>) -> Option<SchemaFile> {
    let (file, _) = converted(source).ok()?;
    Some(file)
}

fn converted(source: &Arc<Source>) -> Result<(SchemaFile, Vec<Diagnostic>), Vec<Diagnostic>> {
    let nodes = parse_schema(source)?;
    let mut converter = Converter {
        source,
        errors: Vec::new(),
    };
    let items = converter.items(&nodes);
    let file = SchemaFile {
        source: source.clone(),
        items,
    };
    Ok((file, converter.errors))
}

/// Walks the nodes of one file.
struct Converter<'a> {
    source: &'a Arc<Source>,
    errors: Vec<Diagnostic>,
}

impl Converter<'_> {
    fn items(&mut self, nodes: &[Node]) -> Vec<SchemaItem> {
        // Collections and functions share a name space.
        let mut named = Names::new("collection or function");
        let mut roles = Names::new("role");
        let mut providers = Names::new("access provider");
        let collections: Vec<&str> = nodes
            .iter()
            .filter(|node| &*node.keyword.name == "collection")
            .filter_map(|node| node.name.as_ref().map(|name| &*name.name))
            .collect();
        let mut items = Vec::new();
        for node in nodes {
            let item = match &*node.keyword.name {
                "collection" => self.collection_item(node, &mut named),
                "function" => self.function_item(node, &mut named, &collections),
                "role" => self.role_item(node, &mut roles),
                "access provider" => self.provider_item(node, &mut providers),
                other => {
                    let message = format!("Invalid schema item `{other}`");
                    self.error(message, node.keyword.span);
                    None
                }
            };
            items.extend(item);
        }
        items
    }

    fn collection_item(&mut self, node: &Node, named: &mut Names) -> Option<SchemaItem> {
        let name = self.name(&node.name, node.keyword.span)?;
        self.annotations_of(&node.annotations, &["alias"]);
        let alias = self.annotation(&node.annotations, "alias");
        named.check(self, &name);
        if let Some(alias) = &alias {
            named.check(self, &alias.value);
        }
        let value = self.value(&node.value, node.span)?;
        let (members, _) = self.block(value)?;
        let mut collection = self.collection(members);
        collection.alias = alias;
        let content = ItemContent::Collection(collection);
        Some(self.item(node, name, node.span, content))
    }

    fn function_item(
        &mut self,
        node: &Node,
        named: &mut Names,
        collections: &[&str],
    ) -> Option<SchemaItem> {
        let name = self.name(&node.name, node.keyword.span)?;
        self.annotations_of(&node.annotations, &["alias", "role"]);
        let alias = self.annotation(&node.annotations, "alias");
        // A function may have a collection's name if there is another by which it is reached.
        let shadowed = named.knows(&name) && collections.contains(&&*name.name);
        if alias.is_none() || !shadowed {
            named.check(self, &name);
        }
        if let Some(alias) = &alias {
            named.check(self, &alias.value);
        }
        let value = self.value(&node.value, node.span)?;
        let mut function = self.function(value)?;
        function.alias = alias;
        function.role = self.annotation(&node.annotations, "role");
        // Semicolons after a function are not part of it.
        let span = Span {
            start: node.span.start,
            end: function.body.span.end,
        };
        let content = ItemContent::Function(function);
        Some(self.item(node, name, span, content))
    }

    fn role_item(&mut self, node: &Node, roles: &mut Names) -> Option<SchemaItem> {
        self.no_annotations(&node.annotations);
        let name = self.name(&node.name, node.keyword.span)?;
        roles.check(self, &name);
        let value = self.value(&node.value, node.span)?;
        let (members, _) = self.block(value)?;
        let role = self.role(members);
        Some(self.item(node, name, node.span, ItemContent::Role(role)))
    }

    fn provider_item(&mut self, node: &Node, providers: &mut Names) -> Option<SchemaItem> {
        self.no_annotations(&node.annotations);
        let name = self.name(&node.name, node.keyword.span)?;
        providers.check(self, &name);
        let value = self.value(&node.value, node.span)?;
        let (members, block) = self.block(value)?;
        let provider = self.provider(members, block)?;
        Some(self.item(node, name, node.span, ItemContent::Provider(provider)))
    }

    fn item(&self, node: &Node, name: Ident, span: Span, content: ItemContent) -> SchemaItem {
        SchemaItem {
            source: self.source.clone(),
            name,
            span,
            doc: node.doc,
            content,
        }
    }

    // ------------------------------------------------------------------------------------------ parts of nodes

    fn name(&mut self, name: &Option<Ident>, otherwise: Span) -> Option<Ident> {
        if name.is_none() {
            self.error("Missing required name", otherwise);
        }
        name.clone()
    }

    /// A name that must be an identifier.
    fn identifier(&mut self, name: &Option<Ident>, otherwise: Span) -> Option<Ident> {
        let name = self.name(name, otherwise)?;
        if !is_identifier(&name.name) {
            self.error(format!("Invalid identifier `{}`", name.name), name.span);
            return None;
        }
        Some(name)
    }

    fn no_name(&mut self, name: &Option<Ident>) {
        if let Some(name) = name {
            self.error("Name is not allowed here", name.span);
        }
    }

    fn value<'n>(
        &mut self,
        value: &'n Option<NodeValue>,
        otherwise: Span,
    ) -> Option<&'n NodeValue> {
        if value.is_none() {
            self.error("Missing required value", otherwise);
        }
        value.as_ref()
    }

    fn block<'n>(&mut self, value: &'n NodeValue) -> Option<(&'n [Node], Span)> {
        match value {
            NodeValue::Block { nodes, open, close } => Some((nodes, open.to(*close))),
            other => {
                self.error("Expected a block", literal::told_span(other));
                None
            }
        }
    }

    fn no_annotations(&mut self, annotations: &[NodeAnnotation]) {
        if let Some(first) = annotations.first() {
            self.error("Annotations are not allowed here", first.span);
        }
    }

    fn annotations_of(&mut self, annotations: &[NodeAnnotation], allowed: &[&str]) {
        for annotation in annotations {
            if !allowed.contains(&&*annotation.keyword.name) {
                self.error("Annotation not supported here", annotation.span);
            }
        }
    }

    fn annotation(&mut self, annotations: &[NodeAnnotation], kind: &str) -> Option<Annotation> {
        let mut found = annotations
            .iter()
            .filter(|annotation| &*annotation.keyword.name == kind);
        let first = found.next()?;
        for again in found {
            let message = format!("Duplicate annotation `{kind}`");
            self.duplicate(message, again.span, first.span);
        }
        Some(Annotation {
            value: first.value.clone(),
            span: first.span,
        })
    }

    // ------------------------------------------------------------------------------------------ errors

    fn at(&self, span: Span) -> Location {
        Location::new(self.source, span)
    }

    fn error(&mut self, message: impl Into<String>, span: Span) {
        let error = Diagnostic::error(message, self.at(span));
        self.errors.push(error);
    }

    fn hinted(&mut self, message: impl Into<String>, span: Span, hint: &str, at: Span) {
        let error = Diagnostic::error(message, self.at(span)).hint(hint, self.at(at));
        self.errors.push(error);
    }

    fn duplicate(&mut self, message: impl Into<String>, span: Span, first: Span) {
        self.hinted(message, span, "Originally defined here", first);
    }
}

/// Whether a word may name an index, a field or a check.
fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && crate::fql::syntax::format_key(name) == name
}

/// Whether a node is a field.
fn is_field(node: &Node) -> bool {
    &*node.keyword.name == FIELD
}

/// Names of a kind, none of which may be given twice.
struct Names {
    kind: &'static str,
    seen: HashMap<String, Span>,
}

impl Names {
    fn new(kind: &'static str) -> Names {
        Names {
            kind,
            seen: HashMap::new(),
        }
    }

    fn knows(&self, name: &Ident) -> bool {
        self.seen.contains_key(&*name.name)
    }

    fn check(&mut self, converter: &mut Converter<'_>, name: &Ident) {
        match self.seen.get(&*name.name) {
            Some(first) => {
                let message = format!("Duplicate {} `{}`", self.kind, name.name);
                converter.duplicate(message, name.span, *first);
            }
            None => {
                self.seen.insert(name.name.to_string(), name.span);
            }
        }
    }
}

/// A member that may be given once.
struct Once {
    kind: &'static str,
    seen: Option<Span>,
}

impl Once {
    fn new(kind: &'static str) -> Once {
        Once { kind, seen: None }
    }

    fn check(&mut self, converter: &mut Converter<'_>, span: Span) {
        match self.seen {
            Some(first) => converter.duplicate(format!("Duplicate {}", self.kind), span, first),
            None => self.seen = Some(span),
        }
    }

    /// Reports at `span` that it was not given.
    fn required(&self, converter: &mut Converter<'_>, span: Span) {
        if self.seen.is_none() {
            converter.error(format!("Missing {}", self.kind), span);
        }
    }
}
