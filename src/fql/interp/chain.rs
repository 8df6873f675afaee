//! Chains: fields, methods, calls, indexes, `?.` and `!` (`spec fql10-language 4.6`).

use super::{Arity, Effect, Failure, Interp, MemberKind, Result, wrong_arity};
use crate::fql::syntax::ast::{Args, Expr, Ident, Link};
use crate::fql::syntax::{Location, Span};
use crate::model::Version;
use crate::value::{Doc, Env, Module, NativeFn, Null, NullReason, Value};
use std::sync::Arc;

/// What a name after a dot means.
pub(super) enum Found {
    /// A native function, not yet bound.
    Method(u16),
    /// A value: a native field or a data field.
    Value(Value),
    /// Neither.
    Nothing,
}

/// What stands before a dot or bracket: errors about a missing document point there, not at the name.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// Where it stands.
    pub span: Span,
    /// Frames already pushed for what comes after it.
    pub frames: usize,
}

impl Interp {
    pub(super) fn chain(&mut self, base: &Expr, links: &[Link], env: &Env) -> Result {
        let value = self.eval(base, env)?;
        self.chain_from(value, base.span, links, env)
    }

    /// The links of a chain on a value that stands at `base`.
    pub(super) fn chain_from(
        &mut self,
        mut value: Value,
        base: Span,
        links: &[Link],
        env: &Env,
    ) -> Result {
        // The extent of what `value` came from: errors about a missing document point there.
        let mut before = base;
        let mut last = base;
        let mut skipping = false;
        // Links before this one have been passed together.
        let mut passed = 0;
        for (at, link) in links.iter().enumerate() {
            if at >= passed
                && !skipping
                && let Value::Doc(doc) = &value
                && doc.cover.is_some()
                && let Some((found, steps)) =
                    self.covered_steps(&value, links.get(at..).unwrap_or_default())?
            {
                value = found;
                passed = at + steps;
            }
            if at < passed {
                last = link.span();
                before = last;
                continue;
            }
            match link {
                Link::Bang { span } => {
                    skipping = false;
                    value = self.bang(value, last.to(*span))?;
                    before = *span;
                    continue;
                }
                _ if skipping => {
                    let from = self.dot_before(last, link.span());
                    last = link.span().to(from);
                    before = last;
                    continue;
                }
                Link::Field { name, optional } => {
                    if *optional && self.nothing_to_read(&mut value, name, last)? {
                        skipping = true;
                    } else {
                        let span = name.span;
                        value = self.framed(span, |me| {
                            me.field(
                                &value,
                                name,
                                Before {
                                    span: before,
                                    frames: 1,
                                },
                            )
                        })?;
                    }
                }
                Link::Method {
                    name,
                    optional,
                    call_optional,
                    args,
                } => {
                    if *optional && self.nothing_to_read(&mut value, name, last)? {
                        skipping = true;
                        last = name.span;
                        before = last;
                        continue;
                    } else {
                        match self.method(value, name, *call_optional, args, before, env)? {
                            Ok(result) => value = result,
                            Err(null) => {
                                value = null;
                                skipping = true;
                            }
                        }
                    }
                }
                Link::Call { optional, args } => {
                    if *optional && matches!(value, Value::Null(_)) {
                        skipping = true;
                    } else {
                        self.check_callable(&value, None, args.span, before)?;
                        let values = self.arguments(args, env)?;
                        value = self.framed(args.span, |me| me.call(&value, values))?;
                    }
                }
                Link::Index { optional, args } => {
                    if *optional && matches!(value, Value::Null(_)) {
                        skipping = true;
                    } else {
                        match self.index(value, args, *optional, before, env)? {
                            Ok(result) => value = result,
                            Err(null) => {
                                value = null;
                                skipping = true;
                            }
                        }
                    }
                }
            }
            last = link.end();
            before = last;
        }
        Ok(value)
    }

    /// The `.` or `?.` between the end of a link and the next one. Only a skipped link counts it in.
    fn dot_before(&self, last: Span, next: Span) -> Span {
        let (from, to) = (last.end as usize, next.start as usize);
        let text = self
            .source
            .text
            .as_deref()
            .and_then(|text| text.get(from..to));
        match text.and_then(|text| text.find("?.").or_else(|| text.rfind('.'))) {
            Some(dot) => Span::new(from + dot, to),
            None => next,
        }
    }

    fn arguments(&mut self, args: &Args, env: &Env) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(args.items.len());
        for item in &args.items {
            values.push(self.eval(item, env)?);
        }
        Ok(values)
    }

    /// [`Interp::absent`] before a name: some names are those of the reference, whatever became of
    /// the document.
    fn nothing_to_read(&mut self, value: &mut Value, name: &Ident, span: Span) -> Result<bool> {
        match value {
            Value::Doc(doc) if names_reference(doc, &name.name) => Ok(false),
            _ => self.framed(name.span, |me| me.absent(value, span)),
        }
    }

    /// Whether `?.` stops here; a missing document becomes the null that the chain yields.
    fn absent(&mut self, value: &mut Value, span: Span) -> Result<bool> {
        match value {
            Value::Null(_) => Ok(true),
            Value::Doc(doc) => {
                let doc = doc.clone();
                self.require(Effect::Read, || "Reading a field".into())?;
                if self.missing(&doc)?.is_none() {
                    return Ok(false);
                }
                *value = Value::null(NullReason::MissingDocument(doc), Some(self.location(span)));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// `x!`
    fn bang(&mut self, value: Value, span: Span) -> Result {
        let (failure, location) = match &value {
            Value::Null(Null(cause)) => {
                let (reason, location) = match cause.as_deref() {
                    Some(cause) => (&cause.reason, cause.location.clone()),
                    None => (&NullReason::Literal, None),
                };
                let message = match reason {
                    NullReason::Literal => "Null literal value".to_string(),
                    NullReason::MissingField { field, .. } => {
                        format!("Null value, due to missing field `{field}`")
                    }
                    NullReason::NoSuchElement(reason) => format!("Null value, due to {reason}"),
                    NullReason::PermissionDenied => {
                        "Null value, due to permission denied".to_string()
                    }
                    NullReason::MissingDocument(doc) => {
                        let doc = doc.clone();
                        let failure = self.framed(span, |me| match me.missing(&doc)? {
                            Some(missing) => Ok(me.missing_failure(&doc, &missing)),
                            None => Ok(Failure::new("null_value", "Null literal value")),
                        })?;
                        return Err(self.null_hint(failure, location, span));
                    }
                };
                (Failure::new("null_value", message), location)
            }
            Value::Doc(doc) => {
                self.framed(span, |me| me.require(Effect::Read, || "`!`".into()))?;
                match self.missing(doc)? {
                    None => return Ok(value),
                    Some(missing) => (self.missing_failure(doc, &missing), None),
                }
            }
            _ => return Ok(value),
        };
        Err(self.null_hint(failure, location, span))
    }

    /// Raises at `span`, with a hint where the null came from if that is elsewhere.
    fn null_hint(&mut self, failure: Failure, origin: Option<Location>, span: Span) -> Failure {
        let here = self.location(span);
        let failure = match origin {
            Some(origin) if origin.source != here.source || !span.touches(origin.span) => {
                failure.hint("Null value created here", Some(origin))
            }
            _ => failure,
        };
        self.raise(failure.at(here))
    }

    fn null_access(&self, null: &Null, name: &str) -> Failure {
        let failure = Failure::new(
            "invalid_null_access",
            format!("Cannot access `{name}` on null."),
        );
        let origin = null.0.as_ref().and_then(|cause| cause.location.clone());
        match origin {
            Some(_) => failure.hint("Null value created here", origin),
            None => failure,
        }
    }

    /// What `name` means on `value`: a field or method of its type, else a data field.
    pub(super) fn find(&mut self, value: &Value, name: &Ident, before: Before) -> Result<Found> {
        if let Value::Doc(doc) = value {
            return self.find_in_doc(value, doc, &name.name, before);
        }
        if let Some(id) = self.member_of(value, &name.name) {
            return self.member_found(value, id);
        }
        match value {
            Value::Null(null) => Err(self.null_access(null, &name.name)),
            Value::Object(object) => Ok(object
                .get(&name.name)
                .cloned()
                .map_or(Found::Nothing, Found::Value)),
            Value::Module(Module::Native("FQL")) if &*name.name != "FQL" => Ok(self
                .static_global(&name.name)
                .map_or(Found::Nothing, Found::Value)),
            Value::Module(Module::Collection { id, .. }) => {
                Ok(self.find_in_collection(*id, value, &name.name))
            }
            _ => Ok(Found::Nothing),
        }
    }

    pub(super) fn member_found(&mut self, value: &Value, id: u16) -> Result<Found> {
        match &self.library.entry(id).member.kind {
            MemberKind::Field { get, .. } => Ok(Found::Value(get(self, value)?)),
            MemberKind::Method { .. } => Ok(Found::Method(id)),
            MemberKind::Static { .. } => Ok(Found::Nothing),
        }
    }

    /// `value.name` without a call; runs in the frame of the name.
    fn field(&mut self, value: &Value, name: &Ident, before: Before) -> Result {
        match self.find(value, name, before)? {
            Found::Value(value) => Ok(value),
            Found::Method(id) => Ok(self.bound(id, value)),
            Found::Nothing => {
                let reason = NullReason::MissingField {
                    field: name.name.clone(),
                    of: value.type_name(),
                };
                Ok(Value::null(reason, Some(self.location(name.span))))
            }
        }
    }

    /// A method as a value.
    pub(super) fn bound(&self, id: u16, this: &Value) -> Value {
        let name = self.library.entry(id).member.name;
        Value::Native(NativeFn {
            id,
            name,
            this: Some(Arc::new(this.clone())),
        })
    }

    /// `value.name(args)`; the inner `Err` is the null of a `?.(` that found nothing to call.
    fn method(
        &mut self,
        value: Value,
        name: &Ident,
        call_optional: bool,
        args: &Args,
        before: Span,
        env: &Env,
    ) -> Result<std::result::Result<Value, Value>> {
        let found = self
            .find(
                &value,
                name,
                Before {
                    span: before,
                    frames: 0,
                },
            )
            .map_err(|f| self.raise(f.at(self.location(name.span))))?;
        match found {
            Found::Method(id) => {
                let values = self.arguments(args, env)?;
                self.framed(args.span, |me| me.call_native(id, &value, values))
                    .map(Ok)
            }
            Found::Value(callee) => {
                if call_optional && matches!(callee, Value::Null(_)) {
                    return Ok(Err(callee));
                }
                self.check_callable(&callee, Some(name), args.span, before)?;
                let values = self.arguments(args, env)?;
                self.framed(args.span, |me| me.call(&callee, values))
                    .map(Ok)
            }
            Found::Nothing if call_optional => {
                let reason = NullReason::MissingField {
                    field: name.name.clone(),
                    of: value.type_name(),
                };
                Ok(Err(Value::null(reason, Some(self.location(name.span)))))
            }
            Found::Nothing => Err(self.no_function(&name.name, &value.type_name(), name.span)),
        }
    }

    fn no_function(&self, name: &str, of: &str, span: Span) -> Failure {
        let message = format!("The function `{name}` does not exist on `{of}`");
        self.raise(Failure::new("invalid_function_invocation", message).at(self.location(span)))
    }

    /// Fails, before the arguments are evaluated, if `callee` cannot be called.
    fn check_callable(
        &mut self,
        callee: &Value,
        field: Option<&Ident>,
        args: Span,
        before: Span,
    ) -> Result<()> {
        if callee.is_function() || self.applies(callee) {
            return Ok(());
        }
        if let Value::Null(Null(Some(cause))) = callee
            && let NullReason::MissingField { field: missing, of } = &cause.reason
        {
            let span = field.map_or(before, |name| name.span);
            return Err(self.no_function(missing, of, span));
        }
        Err(match field {
            Some(name) => {
                let message = format!(
                    "`{}`: Expected a function, found `{}`",
                    name.name,
                    callee.type_name()
                );
                self.raise(
                    Failure::new("invalid_function_invocation", message)
                        .at(self.location(name.span)),
                )
            }
            None => self.mismatch("Function", callee, args),
        })
    }

    /// Whether a module can be called: `Time("...")`, `Thing(1)`.
    fn applies(&self, callee: &Value) -> bool {
        matches!(callee, Value::Module(_)) && self.member_of(callee, "apply").is_some()
    }

    /// `value[args]`; the inner `Err` is the null of a `?.[` on a missing document.
    fn index(
        &mut self,
        mut value: Value,
        args: &Args,
        optional: bool,
        before: Span,
        env: &Env,
    ) -> Result<std::result::Result<Value, Value>> {
        if let Value::Null(null) = &value {
            let given = self.arguments(args, env)?.len();
            if given != 1 {
                let arity = Arity::OneOf(vec![1]);
                return self.framed(args.span, |_| Err(wrong_arity(&arity, given)));
            }
            return Err(self.raise(self.null_access(null, "[]").at(self.location(args.span))));
        }
        let member = match &value {
            // Documents of every collection are indexed alike.
            Value::Doc(_) => self.library.member("UserDocument", "[]"),
            other => self.member_of(other, "[]"),
        };
        let Some(id) = member else {
            return Err(self.no_function("[]", &value.type_name(), args.span));
        };
        let values = self.arguments(args, env)?;
        if let Value::Doc(doc) = &value
            && let [Value::String(name)] = values.as_slice()
            && !names_reference(doc, name)
        {
            let doc = doc.clone();
            if optional && self.framed(args.span, |me| me.absent(&mut value, before))? {
                return Ok(Err(value));
            }
            let before = Before {
                span: before,
                frames: 1,
            };
            self.framed(args.span, |me| me.check_readable(&doc, "[]", before))?;
        }
        self.framed(args.span, |me| me.call_native(id, &value, values))
            .map(Ok)
    }

    /// Fails if `doc` does not exist or may not be read, as reading `name` of it does.
    pub(super) fn check_readable(
        &mut self,
        doc: &Arc<Doc>,
        name: &str,
        before: Before,
    ) -> Result<()> {
        self.readable(doc, name, before).map(|_| ())
    }

    /// The version of `doc` that reading `name` of it sees; fails if there is none or it may not be read.
    pub(super) fn readable(
        &mut self,
        doc: &Arc<Doc>,
        name: &str,
        before: Before,
    ) -> Result<Arc<Version>> {
        self.require(Effect::Read, || "Reading a field".into())?;
        let missing = match self.read(doc)? {
            Ok(version) => return Ok(version),
            Err(missing) => missing,
        };
        let mut failure = self.missing_access(doc, &missing, name);
        if failure.code() == "document_not_found"
            && let Some(query) = failure.query_mut()
        {
            let here = self.location(before.span);
            let outer = self.frames().iter().rev().skip(before.frames);
            query.trace = Some(std::iter::once(&here).chain(outer).cloned().collect());
        }
        Err(self.raise(failure))
    }
}

/// Whether a name is answered by a reference alone, even to a document that does not exist.
fn names_reference(doc: &Doc, name: &str) -> bool {
    match name {
        "coll" | "exists" => true,
        "id" => !crate::model::native::is_named(doc.coll),
        "name" => crate::model::native::is_named(doc.coll),
        _ => false,
    }
}
