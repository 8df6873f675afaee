//! Whether a value fits a type, and what to say if it does not (`spec schema-fsl 4.2`).
//!
//! The whole document is checked as it would be stored, beside what is stored now: fields that only the system writes
//! may be present if they are unchanged. Of a union's members, the failures of the one that was probably meant are
//! reported, and a mismatch against the whole union otherwise.

use super::check;
use super::failure::ConstraintFailure;
use super::field_type::{Access, FieldRule, FieldType, Literal, ObjectType};
use super::type_display;
use crate::value::{CollId, Object, PathPart, Str, Value};

/// What a name in a type means: the collection of that name or alias.
pub type Resolve<'a> = &'a dyn Fn(&str) -> Option<CollId>;

/// A failure and enough of its nature to choose among a union's members.
#[derive(Clone, Debug)]
struct Fault {
    path: Vec<PathPart>,
    kind: FaultKind,
}

#[derive(Clone, Debug)]
enum FaultKind {
    Mismatch {
        expected: String,
        provided: String,
        scalar: bool,
        null: bool,
    },
    OtherCollection {
        expected: String,
    },
    Unexpected,
    Missing {
        expected: String,
        field: Str,
    },
    ReadOnly,
    Arity,
    UnionMissing(Vec<Vec<Str>>),
    Rule(String),
}

/// Everything that is wrong with `object` as the contents of a document; `previous` is what is stored now.
pub fn validate_object(
    ty: &ObjectType,
    object: &Object,
    previous: Option<&Object>,
    resolve: Resolve,
) -> Vec<ConstraintFailure> {
    let mut walk = Walk {
        resolve,
        path: Vec::new(),
    };
    let faults = walk.object(ty, object, previous);
    faults.into_iter().map(Fault::into_failure).collect()
}

/// Everything that is wrong with a value at `path`.
pub fn validate_value(
    ty: &FieldType,
    value: &Value,
    path: Vec<PathPart>,
    resolve: Resolve,
) -> Vec<ConstraintFailure> {
    let mut walk = Walk { resolve, path };
    walk.value(ty, value, None)
        .into_iter()
        .map(Fault::into_failure)
        .collect()
}

/// Whether a value fits a type, regardless of who may write it.
pub fn fits(ty: &FieldType, value: &Value, resolve: Resolve) -> bool {
    match (ty, value) {
        (FieldType::Any, _) => true,
        (FieldType::Null, Value::Null(_)) => true,
        (FieldType::Boolean, Value::Bool(_)) => true,
        (FieldType::Int, v) => as_integer(v).is_some_and(|n| i32::try_from(n).is_ok()),
        (FieldType::Long, v) => as_integer(v).is_some(),
        (FieldType::Double, Value::Double(_)) => true,
        (FieldType::Number, v) => matches!(v, Value::Double(_)) || as_integer(v).is_some(),
        (FieldType::String, Value::String(_)) => true,
        (FieldType::Time, Value::Time(_) | Value::TransactionTime) => true,
        (FieldType::Date, Value::Date(_)) => true,
        (FieldType::Bytes, Value::Bytes(_)) => true,
        (FieldType::Uuid, Value::Uuid(_)) => true,
        (FieldType::Id, Value::Id(_)) => true,
        (FieldType::AnyDoc, Value::Doc(_)) => true,
        (FieldType::Literal(literal), value) => is_literal(literal, value),
        (FieldType::Doc(name) | FieldType::NullDoc(name), Value::Doc(doc)) => {
            resolve(name) == Some(doc.coll)
        }
        (FieldType::Array(inner), Value::Array(items)) => {
            items.iter().all(|item| fits(inner, item, resolve))
        }
        (FieldType::Tuple(members), Value::Array(items)) => {
            members.len() == items.len()
                && members
                    .iter()
                    .zip(items.iter())
                    .all(|(ty, item)| fits(ty, item, resolve))
        }
        (FieldType::Union(members), value) => members.iter().any(|ty| fits(ty, value, resolve)),
        (FieldType::Intersect(members), value) => members.iter().all(|ty| fits(ty, value, resolve)),
        (FieldType::Object(ty), Value::Object(object)) => {
            object.iter().all(|(name, value)| match ty.field(name) {
                Some(field) => fits(&field.ty, value, resolve),
                None => ty
                    .wildcard
                    .as_ref()
                    .is_some_and(|ty| fits(ty, value, resolve)),
            }) && ty.fields.iter().all(|field| {
                object.contains_key(&field.name) || fits(&field.ty, &Value::NULL, resolve)
            })
        }
        (FieldType::LegacyQuery, Value::Query(_)) => true,
        (
            FieldType::Null
            | FieldType::Boolean
            | FieldType::Double
            | FieldType::String
            | FieldType::Time
            | FieldType::Date
            | FieldType::Bytes
            | FieldType::Uuid
            | FieldType::Id
            | FieldType::AnyDoc
            | FieldType::Doc(_)
            | FieldType::NullDoc(_)
            | FieldType::Array(_)
            | FieldType::Tuple(_)
            | FieldType::Object(_)
            | FieldType::LegacyQuery,
            _,
        ) => false,
    }
}

fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(i64::from(*n)),
        Value::Long(n) => Some(*n),
        _ => None,
    }
}

fn is_literal(literal: &Literal, value: &Value) -> bool {
    match (literal, value) {
        (Literal::Bool(a), Value::Bool(b)) => a == b,
        (Literal::Int(a), value) => as_integer(value) == Some(*a),
        (Literal::Double(a), Value::Double(b)) => a == b,
        (Literal::String(a), Value::String(b)) => a == b,
        (Literal::Bool(_) | Literal::Double(_) | Literal::String(_), _) => false,
    }
}

/// Whether two stored values are the same value.
pub fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null(_), Value::Null(_)) => true,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| same_value(value, other)))
        }
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Date(a), Value::Date(b)) => a == b,
        (Value::Uuid(a), Value::Uuid(b)) => a == b,
        (Value::Id(a), Value::Id(b)) => a == b,
        (Value::Doc(a), Value::Doc(b)) => a.coll == b.coll && a.key == b.key,
        (Value::TransactionTime, Value::TransactionTime) => true,
        (Value::Query(a), Value::Query(b)) => a == b,
        (a, b) => as_integer(a).is_some() && as_integer(a) == as_integer(b),
    }
}

struct Walk<'a> {
    resolve: Resolve<'a>,
    path: Vec<PathPart>,
}

impl Walk<'_> {
    fn fault(&self, kind: FaultKind) -> Vec<Fault> {
        vec![Fault {
            path: self.path.clone(),
            kind,
        }]
    }

    fn mismatch(&self, ty: &FieldType, value: &Value) -> Vec<Fault> {
        self.fault(FaultKind::Mismatch {
            expected: type_display::expected(ty),
            provided: type_display::provided(value),
            scalar: !matches!(value, Value::Array(_) | Value::Object(_)),
            null: value.is_null(),
        })
    }

    fn value(&mut self, ty: &FieldType, value: &Value, previous: Option<&Value>) -> Vec<Fault> {
        match (ty, value) {
            (FieldType::Object(ty), Value::Object(object)) => {
                let previous = match previous {
                    Some(Value::Object(previous)) => Some(&**previous),
                    _ => None,
                };
                self.object(ty, object, previous)
            }
            (FieldType::Array(inner), Value::Array(items)) => {
                self.elements(std::iter::repeat(&**inner).zip(items.iter()), previous)
            }
            (FieldType::Tuple(members), Value::Array(items)) if members.len() == items.len() => {
                self.elements(members.iter().zip(items.iter()), previous)
            }
            (FieldType::Tuple(_), Value::Array(_)) => self.fault(FaultKind::Arity),
            (FieldType::Union(members), _) => self.union(ty, members, value, previous),
            (FieldType::Intersect(members), _) => members
                .iter()
                .map(|ty| self.value(ty, value, previous))
                .find(|faults| !faults.is_empty())
                .unwrap_or_default(),
            (FieldType::Doc(_) | FieldType::NullDoc(_), Value::Doc(_))
                if !fits(ty, value, self.resolve) =>
            {
                self.fault(FaultKind::OtherCollection {
                    expected: type_display::expected(ty),
                })
            }
            (FieldType::Literal(literal), _) if !is_literal(literal, value) => {
                // A wrong value of the right kind is told as a value: `Expected "a", provided "b"`.
                let provided = match (literal, value) {
                    (Literal::String(_), Value::String(text)) => type_display::quoted(text),
                    (Literal::Bool(_), Value::Bool(b)) => b.to_string(),
                    _ => return self.mismatch(ty, value),
                };
                self.fault(FaultKind::Mismatch {
                    expected: type_display::expected(ty),
                    provided,
                    scalar: true,
                    null: false,
                })
            }
            _ if fits(ty, value, self.resolve) => Vec::new(),
            _ => self.mismatch(ty, value),
        }
    }

    fn elements<'v>(
        &mut self,
        items: impl Iterator<Item = (&'v FieldType, &'v Value)>,
        previous: Option<&Value>,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, (ty, item)) in items.enumerate() {
            let before = match previous {
                Some(Value::Array(previous)) => previous.get(at),
                _ => None,
            };
            self.path.push(PathPart::Index(at as i64));
            faults.extend(self.value(ty, item, before));
            self.path.pop();
        }
        faults
    }

    fn object(
        &mut self,
        ty: &ObjectType,
        object: &Object,
        previous: Option<&Object>,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, value) in object.iter() {
            let before = previous.and_then(|previous| previous.get(name));
            self.path.push(PathPart::Field(name.clone()));
            match (ty.field(name), &ty.wildcard) {
                (Some(field), _) => faults.extend(self.field(field, value, before)),
                (None, Some(wildcard)) => faults.extend(self.value(wildcard, value, before)),
                (None, None) => faults.extend(self.fault(FaultKind::Unexpected)),
            }
            self.path.pop();
        }
        for field in ty
            .fields
            .iter()
            .filter(|field| !object.contains_key(&field.name))
        {
            let before = previous.and_then(|previous| previous.get(&field.name));
            self.path.push(PathPart::Field(field.name.clone()));
            faults.extend(self.field(field, &Value::NULL, before));
            self.path.pop();
        }
        faults
    }

    fn field(&mut self, field: &FieldRule, value: &Value, previous: Option<&Value>) -> Vec<Fault> {
        let changed =
            !value.is_null() && !previous.is_some_and(|previous| same_value(previous, value));
        match field.access {
            Access::Internal if changed => return self.fault(FaultKind::Unexpected),
            Access::ReadOnly if changed => return self.fault(FaultKind::ReadOnly),
            Access::Internal | Access::ReadOnly | Access::Open => {}
        }
        let faults = self.value(&field.ty, value, previous);
        if value.is_null()
            && faults
                .iter()
                .any(|fault| fault.path == self.path && fault.kind.is_null_mismatch())
        {
            // `Any` never fails, so a failing null is a missing field.
            return match field.access {
                Access::Open => self.fault(FaultKind::Missing {
                    expected: type_display::expected(&field.ty),
                    field: field.name.clone(),
                }),
                Access::ReadOnly | Access::Internal => Vec::new(),
            };
        }
        if !faults.is_empty() {
            return faults;
        }
        let Some(rule) = field.check else {
            return faults;
        };
        check::check(rule, &self.path, value, previous)
            .into_iter()
            .map(|failure| Fault {
                path: failure.paths.into_iter().next().unwrap_or_default(),
                kind: FaultKind::Rule(failure.message),
            })
            .collect()
    }

    fn union(
        &mut self,
        ty: &FieldType,
        members: &[FieldType],
        value: &Value,
        previous: Option<&Value>,
    ) -> Vec<Fault> {
        // A member without failures settles it, unless a field rule beyond the type fails in a member that fits.
        let checks: Vec<Vec<Fault>> = members
            .iter()
            .map(|ty| self.value(ty, value, previous))
            .collect();
        if checks.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        let readonly = |faults: &&Vec<Fault>| {
            faults
                .iter()
                .any(|fault| matches!(fault.kind, FaultKind::ReadOnly))
        };
        if let Some(faults) = checks.iter().find(readonly) {
            return faults.clone();
        }
        self.structural(members.len(), &checks)
            .unwrap_or_else(|| self.whole_union(ty, value, &checks))
    }

    /// Failures inside the members, when they tell which member was meant.
    fn structural(&self, members: usize, checks: &[Vec<Fault>]) -> Option<Vec<Fault>> {
        let inside: Vec<&Vec<Fault>> = checks
            .iter()
            .filter(|faults| faults.iter().all(|fault| fault.path != self.path))
            .collect();
        // Extra fields that every member shuns.
        let mut invalid: Vec<Fault> = Vec::new();
        for fault in inside.iter().flat_map(|faults| faults.iter()) {
            let shunned = |faults: &&&Vec<Fault>| {
                faults.iter().any(|other| {
                    other.path == fault.path && matches!(other.kind, FaultKind::Unexpected)
                })
            };
            let known = invalid.iter().any(|known| known.path == fault.path);
            if matches!(fault.kind, FaultKind::Unexpected)
                && !known
                && inside.iter().filter(shunned).count() == members
            {
                invalid.push(fault.clone());
            }
        }
        // Fields that members lack; none if some member lacks none.
        let mut missing: Vec<Vec<Fault>> = Vec::new();
        for faults in &inside {
            let lacks: Vec<Fault> = faults
                .iter()
                .filter(|fault| matches!(fault.kind, FaultKind::Missing { .. }))
                .cloned()
                .collect();
            let paths = |faults: &[Fault]| {
                faults
                    .iter()
                    .map(|fault| fault.path.clone())
                    .collect::<Vec<_>>()
            };
            if !missing.iter().any(|known| paths(known) == paths(&lacks)) {
                missing.push(lacks);
            }
        }
        if !missing.is_empty() && missing.iter().all(|lacks| !lacks.is_empty()) {
            match missing.as_slice() {
                [only] if only.len() == 1 => invalid.extend(only.iter().cloned()),
                _ => {
                    let names = missing.iter().map(|lacks| {
                        lacks
                            .iter()
                            .filter_map(|fault| match &fault.kind {
                                FaultKind::Missing { field, .. } => Some(field.clone()),
                                _ => None,
                            })
                            .collect()
                    });
                    invalid.extend(self.fault(FaultKind::UnionMissing(names.collect())));
                }
            }
        }
        if !invalid.is_empty() {
            return Some(invalid);
        }
        if let [only] = inside.as_slice() {
            return Some((*only).clone());
        }
        let shape_fits: Vec<&&Vec<Fault>> = inside
            .iter()
            .filter(|faults| {
                !faults.iter().any(|fault| {
                    matches!(
                        fault.kind,
                        FaultKind::Unexpected | FaultKind::Missing { .. }
                    )
                })
            })
            .collect();
        match shape_fits.as_slice() {
            [only] => Some((**only).clone()),
            _ => None,
        }
    }

    fn whole_union(&self, ty: &FieldType, value: &Value, checks: &[Vec<Fault>]) -> Vec<Fault> {
        let here = checks
            .iter()
            .flatten()
            .next()
            .and_then(|fault| match &fault.kind {
                FaultKind::Mismatch {
                    provided,
                    scalar,
                    null,
                    ..
                } if fault.path == self.path => Some((provided, *scalar, *null)),
                _ => None,
            });
        match here {
            Some((provided, scalar, null)) => self.fault(FaultKind::Mismatch {
                expected: type_display::expected(ty),
                provided: provided.clone(),
                scalar,
                null,
            }),
            None => self.mismatch(ty, value),
        }
    }
}

impl FaultKind {
    fn is_null_mismatch(&self) -> bool {
        matches!(self, FaultKind::Mismatch { null: true, .. })
    }
}

impl Fault {
    fn into_failure(self) -> ConstraintFailure {
        let message = match self.kind {
            FaultKind::Mismatch {
                expected, provided, ..
            } => format!("Expected {expected}, provided {provided}"),
            FaultKind::OtherCollection { expected } => {
                format!("Expected {expected} document, provided document from another collection")
            }
            FaultKind::Unexpected => "Unexpected field provided".into(),
            FaultKind::Missing { expected, .. } => {
                format!("Missing required field of type {expected}")
            }
            FaultKind::ReadOnly => "Failed to update field because it is readonly".into(),
            FaultKind::Arity => "Invalid tuple arity".into(),
            FaultKind::UnionMissing(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|names| format!("[{}]", names.join(", ")))
                    .collect();
                match members.as_slice() {
                    [first, second] => format!("Union requires fields {first} or {second}"),
                    [init @ .., last] if !init.is_empty() => {
                        format!("Union requires fields {}, or {last}", init.join(", "))
                    }
                    _ => format!("Union requires fields {}", members.concat()),
                }
            }
            FaultKind::Rule(message) => message,
        };
        ConstraintFailure::at(self.path, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::native;

    fn object(fields: &[(&str, Value)]) -> Object {
        fields
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect()
    }

    fn failures(ty: FieldType, value: Value) -> Vec<String> {
        let rules = ObjectType {
            fields: vec![FieldRule::new("f", ty)],
            wildcard: None,
        };
        lines(&rules, &object(&[("f", value)]))
    }

    fn lines(rules: &ObjectType, object: &Object) -> Vec<String> {
        let resolve = |name: &str| (name == "Bar").then_some(CollId(1024));
        validate_object(rules, object, None, &resolve)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn word(text: &str) -> FieldType {
        FieldType::Literal(Literal::String(text.into()))
    }

    fn field(name: &str, ty: FieldType) -> FieldRule {
        FieldRule::new(name, ty)
    }

    #[test]
    fn wrong_types_are_named() {
        use FieldType::*;
        let text = || Value::string("x");
        for (ty, value, expected) in [
            (Number, text(), "f: Expected Number, provided String"),
            (
                Time.optional(),
                Value::Int(1),
                "f: Expected Time | Null, provided Int",
            ),
            (Int, Value::Double(1.0), "f: Expected Int, provided Double"),
            (Double, Value::Int(1), "f: Expected Double, provided Int"),
            (Int, Value::Long(1 << 40), "f: Expected Int, provided Long"),
            (
                Union(vec![word("a"), word("b")]),
                Value::string("c"),
                "f: Expected \"a\" | \"b\", provided \"c\"",
            ),
            (
                Union(vec![Doc("Bar".into()), NullDoc("Bar".into())]),
                text(),
                "f: Expected Bar | NullBar, provided String",
            ),
            (
                String.array(),
                Value::array(vec![Value::Int(1)]),
                "f[0]: Expected String, provided Int",
            ),
            (
                String,
                Value::array(vec![Value::Int(1), text()]),
                "f: Expected String, provided [Int, String]",
            ),
            (
                Tuple(vec![Int, Int]),
                Value::array(vec![Value::Int(1)]),
                "f: Invalid tuple arity",
            ),
            (
                Number,
                Value::object(object(&[("x", Value::Int(1))])),
                "f: Expected Number, provided { x: Int }",
            ),
            (
                Number,
                Value::NULL,
                "f: Missing required field of type Number",
            ),
        ] {
            assert_eq!(failures(ty, value), [expected]);
        }
    }

    #[test]
    fn what_fits_has_no_failures() {
        use FieldType::*;
        for (ty, value) in [
            (Any, Value::NULL),
            (Long, Value::Int(1)),
            (Number, Value::Double(0.5)),
            (String.optional(), Value::NULL),
            (Time, Value::TransactionTime),
            (Union(vec![word("a"), Null]), Value::string("a")),
        ] {
            assert_eq!(failures(ty, value), [""; 0]);
        }
    }

    #[test]
    fn objects_are_closed_without_a_wildcard() {
        let address = FieldType::record(vec![field("city", FieldType::String)]);
        let rules = ObjectType {
            fields: vec![field("address", address.clone())],
            wildcard: None,
        };
        let inner = object(&[("city", Value::Int(1)), ("b", Value::Int(1))]);
        assert_eq!(
            lines(
                &rules,
                &object(&[("address", Value::object(inner)), ("z", Value::Int(1))])
            ),
            [
                "address.city: Expected String, provided Int",
                "address.b: Unexpected field provided",
                "z: Unexpected field provided"
            ]
        );
        let open = ObjectType {
            fields: rules.fields.clone(),
            wildcard: Some(Box::new(FieldType::Any)),
        };
        assert_eq!(
            lines(&open, &object(&[("z", Value::Int(1))])),
            ["address: Missing required field of type { city: String }"]
        );
    }

    #[test]
    fn unions_of_objects_tell_what_is_missing() {
        let a = FieldType::record(vec![field("a", FieldType::Int)]);
        let b = FieldType::record(vec![field("b", FieldType::Int)]);
        let ab = FieldType::record(vec![field("a", FieldType::Int), field("b", FieldType::Int)]);
        let union = FieldType::Union(vec![a, b, ab]);
        assert_eq!(
            failures(union.clone(), Value::object(Object::new())),
            ["f: Union requires fields [a], [b], or [a, b]"]
        );
        let extra = Value::object(object(&[("a", Value::Int(1)), ("c", Value::Int(1))]));
        assert_eq!(failures(union, extra), ["f.c: Unexpected field provided"]);
    }

    #[test]
    fn collection_definitions() {
        let coll = native::by_id(native::COLLECTION).unwrap().object();
        let index = |fields: &[(&str, Value)]| {
            let indexes = object(&[("byX", Value::object(object(fields)))]);
            object(&[
                ("name", Value::string("Foo")),
                ("indexes", Value::object(indexes)),
            ])
        };
        let terms = Value::array(vec![Value::object(object(&[(
            "field",
            Value::string("name"),
        )]))]);
        let bad = Value::array(vec![Value::object(object(&[(
            "field",
            Value::string("a..b"),
        )]))]);
        for (definition, expected) in [
            (index(&[("terms", terms.clone())]), vec![]),
            (
                index(&[]),
                vec!["indexes.byX: Union requires fields [terms], [values], or [terms, values]"],
            ),
            (
                index(&[("terms", terms.clone()), ("unique", Value::Bool(true))]),
                vec!["indexes.byX.unique: Unexpected field provided"],
            ),
            (
                index(&[("terms", terms), ("status", Value::string("complete"))]),
                vec!["indexes.byX.status: Failed to update field because it is readonly"],
            ),
            (
                index(&[("terms", bad)]),
                vec![
                    "indexes.byX.terms[0].field: Value `a..b` is not a valid FQL path expression.",
                ],
            ),
            (
                object(&[
                    ("name", Value::Int(1)),
                    ("meta", Value::Int(1)),
                    ("backingIndexes", Value::array(vec![])),
                ]),
                vec![
                    "name: Expected String, provided Int",
                    "meta: Unexpected field provided",
                    "backingIndexes: Unexpected field provided",
                ],
            ),
            (
                object(&[("name", Value::string("Foo")), ("data", Value::string("x"))]),
                vec!["data: Expected { *: Any } | Null, provided String"],
            ),
            (
                object(&[
                    ("name", Value::string("Foo")),
                    ("history_days", Value::Int(-1)),
                ]),
                vec!["history_days: Non-negative value required."],
            ),
            (
                Object::new(),
                vec!["name: Missing required field of type String"],
            ),
        ] {
            assert_eq!(lines(coll, &definition), expected);
        }
    }
}
