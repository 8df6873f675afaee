//! What changed within an item: its name, annotations, fields and members, each found again by what identifies it.

use crate::fql::syntax::ast::Ident;
use crate::fql::syntax::{
    Span, format_expr, format_key, format_lambda, format_string, format_type,
};
use crate::fsl::item::{
    Annotation, CheckItem, CollectionItem, FieldItem, FunctionItem, GrantItem, IndexItem,
    ItemContent, Listed, MigrationsItem, PrivilegeItem, SchemaItem, Setting, TermItem, UniqueItem,
    ValueItem,
};
use crate::fsl::same::{
    block_text, list_text, migrations_text, predicate_text, signature_text, term_text, value_text,
};
use crate::value::Str;
use std::collections::HashMap;

/// A part of an item that can come, go and change by itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::fsl) enum Element<'a> {
    Annotation(&'static str, &'a Annotation),
    Field(&'a FieldItem),
    /// The wildcard of a collection that declares no fields.
    ImplicitWildcard,
    Index(&'a IndexItem),
    Terms(&'a Listed<TermItem>),
    Values(&'a Listed<ValueItem>),
    Unique(&'a UniqueItem),
    Check(&'a CheckItem),
    /// `None` where it is not written, which means 0.
    HistoryDays(Option<&'a Setting<i64>>),
    TtlDays(&'a Setting<i64>),
    DocumentTtls(&'a Setting<bool>),
    Migrations(&'a MigrationsItem),
    Privilege(&'a PrivilegeItem),
    Action(&'a GrantItem),
    Membership(&'a GrantItem),
    Issuer(&'a Setting<Str>),
    JwksUri(&'a Setting<Str>),
    Role(&'a GrantItem),
}

/// A change.
#[derive(Clone, Debug)]
pub(in crate::fsl) enum Change<'a> {
    /// Another name.
    Rename { from: &'a Ident, to: &'a Ident },
    /// Something new.
    Add(Element<'a>),
    /// Something gone.
    Remove(Element<'a>),
    /// Something that says something else: before, after.
    Modify(Element<'a>, Element<'a>),
    /// Something with changes inside of it.
    Block(Element<'a>, Vec<Change<'a>>),
    /// Another block of a function.
    Body(&'a FunctionItem, &'a FunctionItem),
    /// Other parameters or another result of a function.
    Signature(&'a FunctionItem, &'a FunctionItem),
    /// Another type of a field.
    Type(&'a FieldItem, &'a FieldItem),
    /// A default that is gone.
    RemoveDefault(&'a FieldItem),
}

/// Under which heading a change of a collection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fsl) enum Category {
    Computed,
    Index,
    Constraint,
    Configuration,
}

impl Category {
    /// All, in the order they are told.
    pub(in crate::fsl) const ALL: [Category; 4] = [
        Category::Computed,
        Category::Index,
        Category::Constraint,
        Category::Configuration,
    ];

    /// The heading.
    pub(in crate::fsl) fn heading(self) -> &'static str {
        match self {
            Category::Computed => "Computed fields",
            Category::Index => "Indexes",
            Category::Constraint => "Constraints",
            Category::Configuration => "Configuration",
        }
    }
}

/// What changed between two items of a kind.
pub(in crate::fsl) fn changes<'a>(
    before: &'a SchemaItem,
    after: &'a SchemaItem,
) -> Vec<Change<'a>> {
    let mut found = Vec::new();
    if before.name.name != after.name.name {
        found.push(Change::Rename {
            from: &before.name,
            to: &after.name,
        });
    }
    aligned(annotations(before), annotations(after), &mut found);
    match (&before.content, &after.content) {
        (ItemContent::Function(before), ItemContent::Function(after)) => {
            if signature_text(before) != signature_text(after) {
                found.push(Change::Signature(before, after));
            }
            if block_text(&before.body) != block_text(&after.body) {
                found.push(Change::Body(before, after));
            }
        }
        (before, after) => {
            aligned(fields(before), fields(after), &mut found);
            aligned(members(before), members(after), &mut found);
        }
    }
    found
}

/// What there is to tell about a new or removed item: how it differs from an empty one.
pub(in crate::fsl) fn contents(item: &SchemaItem, added: bool) -> Vec<Change<'_>> {
    // What even an empty item of that kind has.
    let (empty_fields, empty_members) = match &item.content {
        ItemContent::Collection(_) => (
            vec![Element::ImplicitWildcard],
            vec![Element::HistoryDays(None)],
        ),
        ItemContent::Provider(provider) => (
            Vec::new(),
            vec![
                Element::Issuer(&provider.issuer),
                Element::JwksUri(&provider.jwks_uri),
            ],
        ),
        ItemContent::Function(_) | ItemContent::Role(_) => (Vec::new(), Vec::new()),
    };
    let mut found = Vec::new();
    for (parts, of_empty) in [
        (annotations(item), Vec::new()),
        (fields(&item.content), empty_fields),
        (members(&item.content), empty_members),
    ] {
        if added {
            aligned(of_empty, parts, &mut found);
        } else {
            aligned(parts, of_empty, &mut found);
        }
    }
    found
}

fn annotations(item: &SchemaItem) -> Vec<Element<'_>> {
    let all = item.annotations().into_iter();
    all.map(|(kind, annotation)| Element::Annotation(kind, annotation))
        .collect()
}

fn fields(content: &ItemContent) -> Vec<Element<'_>> {
    let ItemContent::Collection(collection) = content else {
        return Vec::new();
    };
    let mut fields: Vec<Element<'_>> = collection.fields.iter().map(Element::Field).collect();
    let declares = |field: &FieldItem| !matches!(field, FieldItem::Computed { .. });
    if !collection.fields.iter().any(declares) {
        fields.push(Element::ImplicitWildcard);
    }
    fields
}

fn members(content: &ItemContent) -> Vec<Element<'_>> {
    match content {
        ItemContent::Collection(collection) => collection_members(collection),
        ItemContent::Role(role) => {
            let privileges = role.privileges.iter().map(Element::Privilege);
            let membership = role.membership.iter().map(Element::Membership);
            privileges.chain(membership).collect()
        }
        ItemContent::Provider(provider) => {
            let mut members = vec![
                Element::Issuer(&provider.issuer),
                Element::JwksUri(&provider.jwks_uri),
            ];
            members.extend(provider.roles.iter().map(Element::Role));
            members
        }
        ItemContent::Function(_) => Vec::new(),
    }
}

fn collection_members(collection: &CollectionItem) -> Vec<Element<'_>> {
    let mut members: Vec<Element<'_>> = collection.indexes.iter().map(Element::Index).collect();
    members.extend(collection.uniques.iter().map(Element::Unique));
    members.extend(collection.checks.iter().map(Element::Check));
    members.push(Element::HistoryDays(collection.history_days.as_ref()));
    members.extend(collection.ttl_days.iter().map(Element::TtlDays));
    members.extend(collection.document_ttls.iter().map(Element::DocumentTtls));
    members.extend(collection.migrations.iter().map(Element::Migrations));
    members
}

/// Additions, removals, changes: elements are those of before if they have the same identity, and as many share it.
fn aligned<'a>(before: Vec<Element<'a>>, after: Vec<Element<'a>>, found: &mut Vec<Change<'a>>) {
    let before = grouped(before);
    let after = grouped(after);
    let sizes = |groups: &[(String, Vec<Element<'a>>)]| -> HashMap<String, usize> {
        let sizes = groups.iter().map(|(key, group)| (key.clone(), group.len()));
        sizes.collect()
    };
    let (sizes_before, sizes_after) = (sizes(&before), sizes(&after));
    let told = |element: &&Element<'a>| !element.is_default();
    for (key, group) in &after {
        if sizes_before.get(key) != Some(&group.len()) {
            found.extend(group.iter().filter(told).map(|it| Change::Add(*it)));
        }
    }
    for (key, group) in &before {
        if sizes_after.get(key) != Some(&group.len()) {
            found.extend(group.iter().filter(told).map(|it| Change::Remove(*it)));
        }
    }
    for (key, group) in &before {
        let others = after
            .iter()
            .find(|(other, others)| other == key && others.len() == group.len());
        if let Some((_, others)) = others {
            for (before, after) in group.iter().zip(others) {
                compare(*before, *after, found);
            }
        }
    }
}

/// Elements by identity, in the order in which identities first come.
fn grouped(elements: Vec<Element<'_>>) -> Vec<(String, Vec<Element<'_>>)> {
    let mut groups: Vec<(String, Vec<Element<'_>>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for element in elements {
        let key = element.identity();
        match places.get(&key).and_then(|at| groups.get_mut(*at)) {
            Some((_, group)) => group.push(element),
            None => {
                places.insert(key.clone(), groups.len());
                groups.push((key, vec![element]));
            }
        }
    }
    groups
}

/// What changed between two elements of one identity.
fn compare<'a>(before: Element<'a>, after: Element<'a>, found: &mut Vec<Change<'a>>) {
    match (before, after) {
        (Element::Field(old), Element::Field(new)) => compare_fields(old, new, found),
        (Element::Index(old), Element::Index(new)) => {
            let parts = |index: &'a IndexItem| {
                let terms = index.terms.iter().map(Element::Terms);
                terms
                    .chain(index.values.iter().map(Element::Values))
                    .collect()
            };
            let mut inner = Vec::new();
            aligned(parts(old), parts(new), &mut inner);
            if !inner.is_empty() {
                found.push(Change::Block(before, inner));
            }
        }
        (Element::Privilege(old), Element::Privilege(new)) => {
            let actions =
                |privilege: &'a PrivilegeItem| privilege.actions.iter().map(Element::Action);
            let mut inner = Vec::new();
            aligned(actions(old).collect(), actions(new).collect(), &mut inner);
            if !inner.is_empty() {
                found.push(Change::Block(before, inner));
            }
        }
        (Element::HistoryDays(old), Element::HistoryDays(new)) => {
            let days = |setting: Option<&Setting<i64>>| setting.map_or(0, |it| it.value);
            match (old, new) {
                _ if days(old) == days(new) => {}
                (None, _) => found.push(Change::Add(after)),
                (_, None) => found.push(Change::Remove(before)),
                (Some(_), Some(_)) => found.push(Change::Modify(before, after)),
            }
        }
        _ => {
            if before.says() != after.says() {
                found.push(Change::Modify(before, after));
            }
        }
    }
}

fn compare_fields<'a>(before: &'a FieldItem, after: &'a FieldItem, found: &mut Vec<Change<'a>>) {
    let modified = Change::Modify(Element::Field(before), Element::Field(after));
    match (before, after) {
        (
            FieldItem::Defined {
                ty: old_type,
                default: old,
                ..
            },
            FieldItem::Defined {
                ty: new_type,
                default: new,
                ..
            },
        ) => {
            match (old.as_ref().map(format_expr), new.as_ref().map(format_expr)) {
                (Some(_), None) => found.push(Change::RemoveDefault(before)),
                (old, new) if old != new => found.push(modified),
                _ => {}
            }
            if format_type(old_type) != format_type(new_type) {
                found.push(Change::Type(before, after));
            }
        }
        (
            FieldItem::Computed {
                ty: old_type,
                body: old,
                ..
            },
            FieldItem::Computed {
                ty: new_type,
                body: new,
                ..
            },
        ) => {
            if format_lambda(old) != format_lambda(new) {
                found.push(modified);
            }
            // A signature that comes or goes is not noticed (`spec schema-fsl 11.3`).
            if let (Some(old), Some(new)) = (old_type, new_type)
                && format_type(old) != format_type(new)
            {
                found.push(Change::Type(before, after));
            }
        }
        (FieldItem::Wildcard { ty: old, .. }, FieldItem::Wildcard { ty: new, .. })
            if format_type(old) != format_type(new) =>
        {
            found.push(Change::Type(before, after));
        }
        _ => {}
    }
}

impl Element<'_> {
    /// What makes it the same element in another text.
    fn identity(&self) -> String {
        match self {
            Element::Annotation(kind, _) => (*kind).to_string(),
            Element::Field(FieldItem::Computed { name, .. }) => format!("compute {}", name.name),
            Element::Field(FieldItem::Defined { name, .. }) => format!("field {}", name.name),
            Element::Field(FieldItem::Wildcard { .. }) | Element::ImplicitWildcard => "*".into(),
            Element::Index(index) => format!("index {}", index.name.name),
            Element::Check(check) => format!("check {}", check.name.name),
            Element::Unique(_) => format!("unique {}", self.says().unwrap_or_default()),
            Element::Privilege(privilege) => format!("privileges {}", privilege.resource.name),
            Element::Membership(grant) => format!("membership {}", grant.name.name),
            Element::Role(grant) => format!("role {}", grant.name.name),
            Element::Action(grant) => grant.name.name.to_string(),
            Element::Terms(_)
            | Element::Values(_)
            | Element::HistoryDays(_)
            | Element::TtlDays(_)
            | Element::DocumentTtls(_)
            | Element::Migrations(_)
            | Element::Issuer(_)
            | Element::JwksUri(_) => self.keyword().to_string(),
        }
    }

    /// Whether it says what would hold without it.
    fn is_default(&self) -> bool {
        match self {
            Element::HistoryDays(setting) => setting.is_none_or(|setting| setting.value == 0),
            _ => false,
        }
    }

    /// Its keyword.
    pub(in crate::fsl) fn keyword(&self) -> &str {
        match self {
            Element::Annotation(kind, _) => kind,
            Element::Field(FieldItem::Defined { .. }) => "field",
            Element::Field(FieldItem::Computed { .. }) => "computed field",
            Element::Field(FieldItem::Wildcard { .. }) => "wildcard",
            Element::ImplicitWildcard => "implicit wildcard",
            Element::Index(_) => "index",
            Element::Terms(_) => "terms",
            Element::Values(_) => "values",
            Element::Unique(_) => "unique",
            Element::Check(_) => "check",
            Element::HistoryDays(_) => "history_days",
            Element::TtlDays(_) => "ttl_days",
            Element::DocumentTtls(_) => "document_ttls",
            Element::Migrations(_) => "migrations",
            Element::Privilege(_) => "privileges",
            Element::Action(grant) => &grant.name.name,
            Element::Membership(_) => "membership",
            Element::Issuer(_) => "issuer",
            Element::JwksUri(_) => "jwks_uri",
            Element::Role(_) => "role",
        }
    }

    /// What it says, in canonical form; nothing for what is compared part by part.
    pub(in crate::fsl) fn says(&self) -> Option<String> {
        match self {
            Element::Annotation(_, annotation) => Some(format_key(&annotation.value.name)),
            Element::Field(_)
            | Element::ImplicitWildcard
            | Element::Index(_)
            | Element::Privilege(_) => None,
            Element::Terms(terms) | Element::Unique(terms) => Some(list_text(terms, term_text)),
            Element::Values(values) => Some(list_text(values, value_text)),
            Element::Check(check) => Some(format_lambda(&check.body)),
            Element::HistoryDays(setting) => {
                Some(setting.map_or(0, |setting| setting.value).to_string())
            }
            Element::TtlDays(setting) => Some(setting.value.to_string()),
            Element::DocumentTtls(setting) => Some(setting.value.to_string()),
            Element::Migrations(migrations) => Some(migrations_text(migrations)),
            Element::Action(grant) | Element::Membership(grant) | Element::Role(grant) => {
                predicate_text(grant)
            }
            Element::Issuer(setting) | Element::JwksUri(setting) => {
                Some(format_string(&setting.value))
            }
        }
    }

    /// Under which heading it is told; `None` if it is not.
    pub(in crate::fsl) fn category(&self) -> Option<Category> {
        match self {
            Element::Field(FieldItem::Computed { .. }) => Some(Category::Computed),
            Element::Field(_) | Element::ImplicitWildcard | Element::Migrations(_) => None,
            Element::Index(_) => Some(Category::Index),
            Element::Unique(_) | Element::Check(_) => Some(Category::Constraint),
            Element::Annotation(..)
            | Element::Terms(_)
            | Element::Values(_)
            | Element::HistoryDays(_)
            | Element::TtlDays(_)
            | Element::DocumentTtls(_)
            | Element::Privilege(_)
            | Element::Action(_)
            | Element::Membership(_)
            | Element::Issuer(_)
            | Element::JwksUri(_)
            | Element::Role(_) => Some(Category::Configuration),
        }
    }

    /// Where it stands; `None` if it is not written.
    pub(in crate::fsl) fn span(&self) -> Option<Span> {
        match self {
            Element::Annotation(_, annotation) => Some(annotation.span),
            Element::Field(field) => Some(field.span()),
            Element::ImplicitWildcard => None,
            Element::Index(index) => Some(index.span),
            Element::Terms(terms) | Element::Unique(terms) => Some(terms.span),
            Element::Values(values) => Some(values.span),
            Element::Check(check) => Some(check.span),
            Element::HistoryDays(setting) => setting.map(|setting| setting.span),
            Element::TtlDays(setting) => Some(setting.span),
            Element::DocumentTtls(setting) => Some(setting.span),
            Element::Migrations(migrations) => Some(migrations.span),
            Element::Privilege(privilege) => Some(privilege.span),
            Element::Action(grant) | Element::Membership(grant) | Element::Role(grant) => {
                Some(grant.span)
            }
            Element::Issuer(setting) | Element::JwksUri(setting) => Some(setting.span),
        }
    }

    /// Where what it says stands; `None` if it says nothing yet.
    pub(in crate::fsl) fn value_span(&self) -> Option<Span> {
        match self {
            Element::Annotation(_, annotation) => Some(annotation.value.span),
            Element::Field(FieldItem::Defined { default, .. }) => {
                default.as_ref().map(|default| default.span)
            }
            Element::Field(FieldItem::Computed { body, .. }) => Some(body.span),
            Element::Field(FieldItem::Wildcard { .. }) | Element::ImplicitWildcard => None,
            Element::Index(index) => Some(index.block),
            Element::Terms(terms) | Element::Unique(terms) => Some(terms.list),
            Element::Values(values) => Some(values.list),
            Element::Check(check) => Some(check.body_span),
            Element::HistoryDays(setting) => setting.map(|setting| setting.value_span),
            Element::TtlDays(setting) => Some(setting.value_span),
            Element::DocumentTtls(setting) => Some(setting.value_span),
            Element::Migrations(migrations) => Some(migrations.span),
            Element::Privilege(privilege) => Some(privilege.block),
            Element::Action(grant) | Element::Membership(grant) | Element::Role(grant) => {
                grant.predicate.as_ref().map(|predicate| predicate.span)
            }
            Element::Issuer(setting) | Element::JwksUri(setting) => Some(setting.value_span),
        }
    }
}

impl Change<'_> {
    /// Under which heading it is told; `None` if it is not.
    pub(in crate::fsl) fn category(&self) -> Option<Category> {
        match self {
            Change::Rename { .. } | Change::RemoveDefault(_) => Some(Category::Configuration),
            Change::Add(element)
            | Change::Remove(element)
            | Change::Modify(element, _)
            | Change::Block(element, _) => element.category(),
            Change::Body(..) | Change::Signature(..) | Change::Type(..) => None,
        }
    }
}
