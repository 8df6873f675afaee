//! Checking a schema as a whole (`spec typing 11`): field types, computed fields, check constraints,
//! index paths, function bodies, predicates.
//!
//! The whole schema is checked at every schema write. What is inferred on the way (signatures of
//! functions, types of computed fields) is handed back to be stored, and is what queries see.

use super::definitions::{
    CheckedSchema, CollectionCheck, ComputedCheck, FunctionCheck, PathCheck, ResourceCheck,
    SchemaCheck, Sourced,
};
use super::dependencies::dependency_order;
use super::display::Shown;
use super::engine::{Engine, Scheme};
use super::environment::{Environment, PathStep};
use super::failure::Problem;
use super::native::{NativeTypes, id};
use super::persist;
use super::resolve::Resolver;
use super::term::{Function, Kind, Lit, Loc, Ty, VarId};
use crate::fql::syntax::ast::{Lambda, Str, TypeExpr, TypeKind};
use crate::fql::syntax::{Diagnostic, Location, Severity, Source, Span};
use std::sync::Arc;

/// Checks a schema.
pub fn check_schema(
    native: &Arc<NativeTypes>,
    schema: SchemaCheck,
) -> Result<CheckedSchema, Vec<Diagnostic>> {
    let mut sources: Vec<Arc<Source>> = Vec::new();
    let mut env = Environment::empty(native.clone());
    let mut computed_vars: VarId = 0;
    // Computed fields without a signature are variables, the first of the engine below.
    let mut computed: Vec<Arc<Vec<(Str, Ty)>>> = Vec::new();
    for collection in &schema.collections {
        env.add_collection(Arc::new(collection.env.clone()), None, Loc::NONE);
    }
    let mut declared: Vec<Declared> = Vec::new();
    let mut problems: Vec<Problem> = Vec::new();
    for collection in &schema.collections {
        let mut place = Places {
            sources: &mut sources,
        };
        declared.push(declare(
            &env,
            collection,
            schema.typechecked,
            &mut place,
            &mut problems,
        ));
        let fields: Vec<(Str, Ty)> = collection
            .computed
            .iter()
            .zip(&declared[declared.len() - 1].computed)
            .map(|(field, ty)| {
                let ty = ty.clone().unwrap_or_else(|| {
                    computed_vars += 1;
                    Ty::leaf(Kind::Var(computed_vars - 1), Loc::NONE)
                });
                (field.name.clone(), ty)
            })
            .collect();
        computed.push(Arc::new(fields));
        if let Some(declared) = declared.last_mut() {
            declared.typed = problems.is_empty();
        }
    }
    // The types of collections, except from the first with an error on.
    let mut env = Environment::empty(native.clone());
    for ((collection, computed), declared) in
        schema.collections.iter().zip(&computed).zip(&declared)
    {
        let at = Places {
            sources: &mut sources,
        }
        .optional(collection.name_at.as_ref());
        // Types of fields have the places where they are declared.
        let fields = collection.fields.iter().zip(&declared.fields);
        let located: Vec<(Str, Ty)> = fields
            .filter_map(|(field, ty)| Some((field.name.clone(), ty.clone()?)))
            .chain(computed.iter().cloned())
            .collect();
        env.add_collection(
            Arc::new(collection.env.clone()),
            Some(Arc::new(located)),
            at,
        );
        if !declared.typed || !schema.typechecked {
            env.hide_last(collection.env.alias.is_some());
        }
    }
    let mut engine = Engine::new(&env, Source::hidden("*schema*"));
    engine.sources = sources;
    engine.problems = problems;
    for _ in 0..computed_vars {
        engine.fresh_at(Loc::NONE, 0);
    }
    let mut check = Check {
        schema: &schema,
        engine,
        functions: Vec::new(),
    };
    if schema.typechecked {
        check.functions();
        check.collections(&declared, &computed);
        check.indexed_computed_fields();
    }
    if check.engine.problems.is_empty() {
        check.roles();
    }
    if check.engine.problems.is_empty() {
        check.type_names(native);
    }
    let result = check.result(&computed);
    let Check { mut engine, .. } = check;
    if engine.limit.is_some() && !engine.limit_reported {
        engine.report_limit(Loc::NONE);
    }
    if engine.problems.is_empty() {
        return Ok(result);
    }
    let sources = std::mem::take(&mut engine.sources);
    Err(engine
        .problems
        .into_iter()
        .map(|problem| problem.diagnostic(Severity::Error, &sources))
        .collect())
}

/// Places in texts → places in the engine's sources.
struct Places<'a> {
    sources: &'a mut Vec<Arc<Source>>,
}

impl Places<'_> {
    fn source(&mut self, source: &Arc<Source>) -> u16 {
        let known = self
            .sources
            .iter()
            .rposition(|known| Arc::ptr_eq(known, source));
        let index = known.unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn optional(&mut self, at: Option<&Location>) -> Loc {
        match at {
            Some(at) => Loc {
                source: self.source(&at.source),
                start: at.span.start,
                end: at.span.end,
            },
            None => Loc::NONE,
        }
    }
}

/// What the declarations of a collection say.
struct Declared {
    /// Field types to check defaults against; `None` for wrong types.
    fields: Vec<Option<Ty>>,
    /// Declared types of computed fields; `None` to infer.
    computed: Vec<Option<Ty>>,
    /// Nothing was wrong so far.
    typed: bool,
}

/// Resolves the types a collection declares.
fn declare(
    env: &Environment,
    collection: &CollectionCheck,
    typechecked: bool,
    places: &mut Places<'_>,
    problems: &mut Vec<Problem>,
) -> Declared {
    let mut resolve = |expr: &Sourced<TypeExpr>, problems: &mut Vec<Problem>| {
        let source = places.source(&expr.source);
        let mut resolver = Resolver::new(env, source, false, 0);
        let ty = resolver.resolve(&expr.tree);
        let failed = !resolver.problems.is_empty();
        problems.append(&mut resolver.problems);
        let at = Loc {
            source,
            start: expr.tree.span.start,
            end: expr.tree.span.end,
        };
        ((!failed).then_some(ty), at)
    };
    let mut fields = Vec::new();
    for field in &collection.fields {
        let (mut ty, at) = resolve(&field.ty, problems);
        if let Some(resolved) = &ty {
            let causes = persist::check(env, resolved);
            if !causes.is_empty() {
                let text = format!(
                    "Field `{}` in collection {} is not persistable",
                    field.name, collection.env.name
                );
                problems.push(Problem::new(text, at).because(causes));
                ty = None;
            }
        }
        fields.push(ty);
    }
    let computed = match typechecked {
        false => collection
            .computed
            .iter()
            .map(|_| Some(Ty::any()))
            .collect(),
        true => collection
            .computed
            .iter()
            .map(|field| {
                let signature = field.signature.as_ref()?;
                Some(resolve(signature, problems).0.unwrap_or_else(Ty::any))
            })
            .collect(),
    };
    if let Some(wildcard) = &collection.wildcard
        && !matches!(wildcard.tree.kind, TypeKind::Any)
    {
        let source = places.source(&wildcard.source);
        let at = Loc {
            source,
            start: wildcard.tree.span.start,
            end: wildcard.tree.span.end,
        };
        problems.push(Problem::new("Top-level wildcard must have type `Any`", at));
    }
    Declared {
        fields,
        computed,
        typed: false,
    }
}

/// How a function is typed.
enum Typed {
    /// By its signature.
    Signed(Ty),
    /// By inference.
    Inferred(Ty),
}

struct Check<'a, 'e> {
    schema: &'a SchemaCheck,
    engine: Engine<'e>,
    functions: Vec<(Str, Typed)>,
}

impl<'a> Check<'a, '_> {
    /// Makes a text the current one.
    fn enter(&mut self, source: &Arc<Source>) {
        self.engine.source = Places {
            sources: &mut self.engine.sources,
        }
        .source(source);
    }

    /// All user-defined functions: signatures, then bodies without signature in dependency order, then the others.
    fn functions(&mut self) {
        let functions: Vec<&'a FunctionCheck> = self
            .schema
            .functions
            .iter()
            .filter(|function| self.engine.env.global(&function.name).is_none())
            .collect();
        let mut signed: Vec<(&FunctionCheck, Ty)> = Vec::new();
        let mut inferred: Vec<(&FunctionCheck, Ty)> = Vec::new();
        for function in functions {
            match &function.signature {
                Some(signature) => {
                    self.enter(&signature.source);
                    let mut resolver = Resolver::new(self.engine.env, self.engine.source, true, 0);
                    let ty = resolver.resolve(&signature.tree);
                    let problems = std::mem::take(&mut resolver.problems);
                    self.engine.problems.extend(problems);
                    let ty = named_params(&ty, &function.body.tree);
                    self.functions
                        .push((function.name.clone(), Typed::Signed(ty.clone())));
                    self.engine
                        .scope
                        .push((function.name.clone(), Scheme::Generic(ty.clone())));
                    signed.push((function, ty));
                }
                None => {
                    let variable = self.engine.fresh_at(Loc::NONE, 1);
                    self.functions
                        .push((function.name.clone(), Typed::Inferred(variable.clone())));
                    self.engine.scope.push((
                        function.name.clone(),
                        Scheme::Quantified(variable.clone(), 0),
                    ));
                    inferred.push((function, variable));
                }
            }
        }
        for name in &self.schema.legacy_functions {
            self.engine
                .scope
                .push((name.clone(), Scheme::Simple(Ty::any())));
        }
        self.infer(inferred);
        for (function, ty) in signed {
            self.enter(&function.body.source);
            let body = self.engine.lambda(&function.body.tree);
            let at = self.engine.loc(function.body.tree.span);
            self.engine.constrain(&body, &ty, at);
        }
    }

    /// Infers functions together (`spec typing 7.4`).
    fn infer(&mut self, mut functions: Vec<(&FunctionCheck, Ty)>) {
        functions.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let mut dependencies: Vec<Vec<usize>> = Vec::new();
        for (function, _) in &functions {
            let mut found: Vec<usize> = Vec::new();
            super::names::expr_names(&function.body.tree.body, &mut |name| {
                if let Ok(index) = functions.binary_search_by(|(other, _)| (*other.name).cmp(name))
                    && !found.contains(&index)
                {
                    found.push(index);
                }
            });
            found.sort_unstable();
            dependencies.push(found);
        }
        let (order, recursive) = dependency_order(&dependencies);
        for index in &order {
            if recursive.contains(index) {
                let (function, variable) = &functions[*index];
                self.enter(&function.body.source);
                let at = self.engine.loc(function.body.tree.span);
                let text = format!(
                    "Recursively defined `{}` needs explicit type.",
                    function.name
                );
                self.engine.problems.push(Problem::new(text, at));
                self.engine.constrain(&Ty::any(), variable, at);
            }
        }
        for index in &order {
            if recursive.contains(index) {
                continue;
            }
            let (function, variable) = &functions[*index];
            self.enter(&function.body.source);
            self.engine.level = 1;
            let body = self.engine.lambda(&function.body.tree);
            let at = self.engine.loc(function.body.tree.span);
            self.engine.constrain(&body, variable, at);
            self.engine.settle_known(variable, 0);
            self.engine.level = 0;
        }
        for (_, variable) in &functions {
            for at in self.engine.projections(variable) {
                let text = "Invalid projection on a unknown type. Use function signatures to fix the issue.";
                self.engine.problems.push(Problem::new(text, at));
            }
        }
    }

    /// Defaults, computed fields, checks, and paths of all collections.
    fn collections(&mut self, declared: &[Declared], computed: &[Arc<Vec<(Str, Ty)>>]) {
        for ((collection, declared), computed) in
            self.schema.collections.iter().zip(declared).zip(computed)
        {
            let Some(document) = self
                .engine
                .env
                .any_shape_id(&collection.env.name)
                .map(Ty::named)
            else {
                continue;
            };
            for (field, ty) in collection.fields.iter().zip(&declared.fields) {
                if let (Some(default), Some(ty)) = (&field.default, ty) {
                    self.enter(&default.source);
                    let value = self.engine.expr(&default.tree);
                    let at = self.engine.loc(default.tree.span);
                    self.engine.constrain(&value, ty, at);
                }
            }
            for (field, (_, ty)) in collection.computed.iter().zip(computed.iter()) {
                self.body(&field.body, &document, ty.clone());
            }
            for body in &collection.checks {
                let result = super::collection::optional(Ty::named(id::BOOLEAN));
                self.body(body, &document, result);
            }
            for path in collection
                .index_paths
                .iter()
                .chain(&collection.unique_paths)
            {
                self.path(path, &document);
            }
        }
    }

    /// A body that gets a document.
    fn body(&mut self, body: &Sourced<Arc<Lambda>>, document: &Ty, result: Ty) {
        self.enter(&body.source);
        let ty = self.engine.lambda(&body.tree);
        let at = self.engine.loc(if body.tree.short {
            body.tree.body.span
        } else {
            body.tree.span
        });
        let demanded = Ty::lambda(vec![document.clone()], result, Loc::NONE);
        self.engine.constrain(&ty, &demanded, at);
    }

    fn path(&mut self, path: &PathCheck, document: &Ty) {
        self.enter(&path.source);
        let whole = self.engine.loc(path.span);
        let this = self.engine.fresh(whole);
        let mut current = this.clone();
        for (step, span) in &path.steps {
            let at = self.engine.loc(*span);
            let result = self.engine.fresh(at);
            let using = match step {
                PathStep::Field(name) => {
                    let dot = Loc {
                        start: whole.end,
                        end: at.end.max(whole.end),
                        ..whole
                    };
                    Ty::field(name.clone(), result.clone(), dot, at)
                }
                PathStep::Index(index) => {
                    Ty::access(vec![Ty::lit(Lit::Int(*index), at)], result.clone(), at)
                }
            };
            self.engine.constrain(&current, &using, whole);
            current = result;
        }
        let function = Ty::lambda(vec![this], current, whole);
        let demanded = Ty::lambda(vec![document.clone()], Ty::any(), Loc::NONE);
        self.engine.constrain(&function, &demanded, whole);
    }

    /// Computed fields that an index needs must depend on nothing but the document.
    fn indexed_computed_fields(&mut self) {
        for collection in &self.schema.collections {
            let paths = collection
                .index_paths
                .iter()
                .chain(&collection.unique_paths);
            let first = paths.filter_map(|path| match path.steps.first() {
                Some((PathStep::Field(name), _)) => Some(name),
                _ => None,
            });
            for name in first {
                if let Some(field) = collection.computed.iter().find(|field| field.name == *name) {
                    self.indexed_computed_field(&collection.env.name, field);
                }
            }
        }
    }

    fn indexed_computed_field(&mut self, collection: &Str, field: &ComputedCheck) {
        let lambda = &field.body.tree;
        self.enter(&field.body.source);
        let mut places: Vec<(Str, Span)> = Vec::new();
        super::names::each_expr(&lambda.body, &mut |expr| {
            if let crate::fql::syntax::ast::ExprKind::Ident(name) = &expr.kind
                && !places.iter().any(|(known, _)| known == name)
            {
                places.push((name.clone(), expr.span));
            }
        });
        let bound = |name: &str| {
            lambda
                .params
                .iter()
                .any(|param| param.name.as_deref() == Some(name))
        };
        let place_of = |name: &Str| {
            places
                .iter()
                .find(|(known, _)| known == name && !bound(name))
                .map(|(_, span)| *span)
        };
        for function in &self.schema.functions {
            if let Some(span) = place_of(&function.name) {
                let at = self.engine.loc(span);
                let text = "Computed fields used in indexes or constraints cannot call UDFs";
                self.engine.problems.push(Problem::new(text, at));
            }
        }
        for other in &self.schema.collections {
            if let Some(span) = place_of(&other.env.name) {
                let at = self.engine.loc(span);
                let text =
                    "Computed fields used in indexes or constraints cannot access collections";
                self.engine.problems.push(Problem::new(text, at));
            }
        }
        self.document_selects(collection, lambda);
    }

    /// Reports selections of computed fields and of `ts` from documents.
    fn document_selects(&mut self, collection: &Str, lambda: &Lambda) {
        use crate::fql::syntax::ast::{ExprKind, Link};
        let Some(document) = self.engine.env.shape_id(collection).map(Ty::named) else {
            return;
        };
        let scope = self.engine.scope.len();
        if let Some(param) = lambda.params.first() {
            let name = if lambda.short {
                Some(Str::from("$this"))
            } else {
                param.name.clone()
            };
            if let Some(name) = name {
                self.engine.scope.push((name, Scheme::Simple(document)));
            }
        }
        let known = self.engine.problems.len();
        self.engine.recorded = Some(Vec::new());
        self.engine.expr(&lambda.body);
        let recorded = self.engine.recorded.take().unwrap_or_default();
        self.engine.scope.truncate(scope);
        self.engine.problems.truncate(known);
        let mut selected: Vec<(Ty, Str, Span)> = Vec::new();
        super::names::each_expr(&lambda.body, &mut |expr| {
            let ExprKind::Chain { base, links } = &expr.kind else {
                return;
            };
            let start = expr.span.start.min(base.span.start);
            let mut current = base.span;
            for link in links {
                if let Link::Field { name, .. } | Link::Method { name, .. } = link
                    && let Some((_, ty)) = recorded.iter().rev().find(|(span, _)| *span == current)
                {
                    selected.push((ty.clone(), name.name.clone(), name.span));
                }
                current = Span {
                    start,
                    end: link.span().end,
                };
            }
        });
        for (ty, name, span) in selected {
            let Shown::Name(document) = self.engine.shown(&ty, true) else {
                continue;
            };
            let Some(owner) = self
                .schema
                .collections
                .iter()
                .find(|other| other.env.name == document)
            else {
                continue;
            };
            let at = self.engine.loc(span);
            if owner.computed.iter().any(|field| field.name == name) {
                let text =
                    "Computed fields used in indexes or constraints cannot use computed fields";
                self.engine.problems.push(Problem::new(text, at));
            }
            if &*name == "ts" {
                let text =
                    "Computed fields used in indexes or constraints cannot use a doc's ts field";
                self.engine.problems.push(Problem::new(text, at));
            }
        }
    }

    /// Resources and predicates of roles and access providers.
    fn roles(&mut self) {
        for role in &self.schema.roles {
            for resource in &role.membership {
                self.resource(resource, false);
            }
            for resource in &role.privileges {
                self.resource(resource, true);
            }
        }
        for provider in &self.schema.access_providers {
            for role in &provider.roles {
                let at = self.place(role.at.as_ref());
                if matches!(
                    &*role.name,
                    "client" | "server" | "admin" | "server-readonly"
                ) {
                    let text = format!("Builtin role `{}` is not allowed", role.name);
                    self.engine.problems.push(Problem::new(text, at));
                } else if !self
                    .schema
                    .roles
                    .iter()
                    .any(|known| known.name == role.name)
                    && !self.schema.legacy_roles.contains(&role.name)
                {
                    self.engine.problems.push(Problem::new(
                        format!("Role `{}` does not exist", role.name),
                        at,
                    ));
                }
                self.predicates(&role.predicates);
            }
        }
    }

    fn place(&mut self, at: Option<&Location>) -> Loc {
        let at = at.or(self.schema.write_at.as_ref());
        Places {
            sources: &mut self.engine.sources,
        }
        .optional(at)
    }

    fn resource(&mut self, resource: &ResourceCheck, functions: bool) {
        const NATIVE: [&str; 9] = [
            "Key",
            "Token",
            "Credential",
            "Credentials",
            "Database",
            "Collection",
            "Function",
            "Role",
            "AccessProvider",
        ];
        let name = &resource.name;
        let is = |own: &Str, alias: &Option<Str>| own == name || alias.as_ref() == Some(name);
        let schema = self.schema;
        let known = NATIVE.contains(&&**name)
            || schema
                .collections
                .iter()
                .any(|collection| is(&collection.env.name, &collection.env.alias))
            || functions
                && (schema
                    .functions
                    .iter()
                    .any(|function| is(&function.name, &function.alias))
                    || schema.legacy_functions.contains(name));
        if !known {
            let at = self.place(resource.at.as_ref());
            self.engine.problems.push(Problem::new(
                format!("Resource `{name}` does not exist"),
                at,
            ));
        }
        self.predicates(&resource.predicates);
    }

    fn predicates(&mut self, predicates: &[Sourced<Arc<Lambda>>]) {
        if !self.schema.typechecked {
            return;
        }
        for predicate in predicates {
            self.enter(&predicate.source);
            self.engine.lambda(&predicate.tree);
        }
    }

    /// Generated type names must be unique.
    fn type_names(&mut self, native: &Arc<NativeTypes>) {
        let generated = |name: &str| {
            [
                name.to_owned(),
                format!("{name}Collection"),
                format!("Null{name}"),
            ]
        };
        let mut all: Vec<String> = Vec::new();
        for collection in &self.schema.collections {
            all.extend(generated(&collection.env.name));
            all.extend(
                collection
                    .env
                    .alias
                    .iter()
                    .flat_map(|alias| generated(alias)),
            );
        }
        for collection in &self.schema.collections {
            let at = self.place(collection.written_at.as_ref());
            let names = [
                ("name", Some(&collection.env.name), collection.renamed.0),
                ("alias", collection.env.alias.as_ref(), collection.renamed.1),
            ];
            for (kind, name, changed) in names {
                let (Some(name), true) = (name, changed) else {
                    continue;
                };
                let conflicts: Vec<String> = generated(name)
                    .into_iter()
                    .filter(|generated| {
                        let count = all.iter().filter(|other| *other == generated).count();
                        count + usize::from(native.shape_id(generated).is_some()) > 1
                    })
                    .collect();
                if !conflicts.is_empty() {
                    let text = format!(
                        "The collection {kind} `{name}` generates types that conflict with the following existing types: {}",
                        conflicts.join(", ")
                    );
                    self.engine.problems.push(Problem::new(text, at));
                }
            }
        }
    }

    /// What is to be stored.
    fn result(&mut self, computed: &[Arc<Vec<(Str, Ty)>>]) -> CheckedSchema {
        if !self.schema.typechecked || !self.engine.problems.is_empty() {
            return CheckedSchema::default();
        }
        let functions = std::mem::take(&mut self.functions);
        let functions = functions
            .into_iter()
            .map(|(name, typed)| {
                let text = match typed {
                    Typed::Signed(ty) => self.engine.scheme_text(&ty),
                    Typed::Inferred(ty) => self.engine.scheme_text(&ty),
                };
                (name, text)
            })
            .collect();
        let collections = self
            .schema
            .collections
            .iter()
            .zip(computed)
            .map(|(collection, fields)| {
                let fields = fields
                    .iter()
                    .map(|(name, ty)| (name.clone(), self.engine.show_value(ty)))
                    .collect();
                (collection.env.name.clone(), fields)
            })
            .collect();
        CheckedSchema {
            functions,
            collections,
        }
    }
}

/// The names of a body's parameters are those of the stored signature.
fn named_params(ty: &Ty, body: &Lambda) -> Ty {
    let Kind::Function(function) = &ty.kind else {
        return ty.clone();
    };
    let names = body
        .params
        .iter()
        .map(|param| if body.short { None } else { param.name.clone() });
    let mut names = names.chain(std::iter::repeat(None));
    let params = function
        .params
        .iter()
        .map(|(name, param)| {
            (
                names.next().flatten().or_else(|| name.clone()),
                param.clone(),
            )
        })
        .collect();
    let variadic = function.variadic.as_ref().map(|(name, param)| {
        let own = body.rest.as_ref().and_then(|rest| rest.name.clone());
        (own.or_else(|| name.clone()), param.clone())
    });
    Ty::function(
        Function {
            params,
            variadic,
            result: function.result.clone(),
        },
        ty.at,
    )
}

impl Engine<'_> {
    /// A type as a stored signature: its generic parameters first.
    pub(super) fn scheme_text(&mut self, ty: &Ty) -> String {
        let resolved = self.resolve_choices(ty, true);
        let (shown, mut params) = self.coalesce_scheme(&resolved);
        params.sort();
        params.dedup();
        match params.is_empty() {
            true => format!("{shown:#}"),
            false => format!("<{}> {shown:#}", params.join(", ")),
        }
    }
}
