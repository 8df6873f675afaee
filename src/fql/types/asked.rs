//! What a check asked of a request's arguments.
//!
//! Programs send one text with other values each time. A check that made no use of the literals' values holds for every
//! request whose arguments are of the same kinds: [`Asked`] remembers the kinds, never the values.

use super::{Arguments, ValueType};
use crate::fql::syntax::ast::Str;

/// Parts of all arguments together that are worth remembering.
const MAX_PARTS: usize = 64;

/// The names that a check asked for, in order, and the kinds of what it got.
#[derive(Debug, Default)]
pub struct Asked {
    names: Vec<(Str, Option<ValueType>)>,
    parts: usize,
}

impl Asked {
    /// Remembers one answer.
    pub fn note(&mut self, name: &str, answer: Option<&ValueType>) {
        let kind = answer.and_then(|value| kind_of(value, &mut self.parts));
        self.parts += 1;
        self.names.push((name.into(), kind));
    }

    /// Whether there is too much to remember.
    pub fn is_large(&self) -> bool {
        self.parts > MAX_PARTS
    }

    /// Whether other arguments would give answers of the same kinds.
    pub fn holds(&self, arguments: Arguments<'_>) -> bool {
        self.names
            .iter()
            .all(|(name, known)| match (arguments(name), known) {
                (None, None) => true,
                (Some(value), Some(known)) => is_alike(&value, known),
                (Some(_), None) | (None, Some(_)) => false,
            })
    }
}

/// A value's kind: a value of that kind that says nothing of this one. Counts its parts; a large one is cut off.
fn kind_of(value: &ValueType, parts: &mut usize) -> Option<ValueType> {
    *parts += 1;
    if *parts > MAX_PARTS {
        return None;
    }
    Some(match value {
        ValueType::Integer(value) if is_int(*value) => ValueType::Integer(0),
        ValueType::Integer(_) => ValueType::Integer(i64::MAX),
        ValueType::Double(value) if value.is_finite() => ValueType::Double(0.0),
        ValueType::Double(_) => ValueType::Double(f64::INFINITY),
        ValueType::String(_) => ValueType::String("".into()),
        ValueType::Array(items) => {
            let items = items.iter().map(|item| kind_of(item, parts));
            ValueType::Array(items.collect::<Option<_>>()?)
        }
        ValueType::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Some((name.clone(), kind_of(value, parts)?)));
            ValueType::Object(fields.collect::<Option<_>>()?)
        }
        ValueType::Null
        | ValueType::Boolean
        | ValueType::Named(_)
        | ValueType::Document(_)
        | ValueType::Set
        | ValueType::EventSource => value.clone(),
    })
}

fn is_int(value: i64) -> bool {
    i32::try_from(value).is_ok()
}

fn is_alike(a: &ValueType, b: &ValueType) -> bool {
    match (a, b) {
        (ValueType::Integer(a), ValueType::Integer(b)) => is_int(*a) == is_int(*b),
        (ValueType::Double(a), ValueType::Double(b)) => a.is_finite() == b.is_finite(),
        (ValueType::String(_), ValueType::String(_)) => true,
        (ValueType::Array(a), ValueType::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_alike(a, b))
        }
        (ValueType::Object(a), ValueType::Object(b)) => {
            let fields = a.iter().zip(b);
            a.len() == b.len()
                && fields
                    .into_iter()
                    .all(|(a, b)| a.0 == b.0 && is_alike(&a.1, &b.1))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> ValueType {
        ValueType::String(value.into())
    }

    #[test]
    fn kinds_hold_for_their_values_and_no_others() {
        let object = |n: i64| ValueType::Object(vec![("n".into(), ValueType::Integer(n))]);
        let alike = [
            (text("a"), text("b")),
            (ValueType::Integer(1), ValueType::Integer(-7)),
            (ValueType::Integer(1 << 40), ValueType::Integer(i64::MIN)),
            (ValueType::Double(0.5), ValueType::Double(-2.0)),
            (object(1), object(2)),
            (
                ValueType::Array(vec![text("a")]),
                ValueType::Array(vec![text("")]),
            ),
            (ValueType::Null, ValueType::Null),
        ];
        let asked = |value: &ValueType| {
            let mut asked = Asked::default();
            asked.note("x", Some(value));
            asked
        };
        for (n, (a, b)) in alike.iter().enumerate() {
            assert!(asked(a).holds(&|_| Some(b.clone())), "{a:?} {b:?}");
            assert!(asked(b).holds(&|_| Some(a.clone())), "{a:?} {b:?}");
            assert!(!asked(a).holds(&|_| None));
            for (m, (other, _)) in alike.iter().enumerate() {
                assert_eq!(asked(a).holds(&|_| Some(other.clone())), n == m);
            }
            // Nothing of the value is kept.
            assert!(!format!("{:?}", asked(&text("secret"))).contains("secret"));
        }
        assert!(!asked(&object(1)).holds(&|_| Some(ValueType::Object(Vec::new()))));
        let mut none = Asked::default();
        none.note("x", None);
        assert!(none.holds(&|_| None) && !none.holds(&|_| Some(ValueType::Null)));
    }

    #[test]
    fn large_arguments_are_not_kept() {
        let mut asked = Asked::default();
        asked.note("x", Some(&ValueType::Array(vec![text("a"); 10_000])));
        assert!(asked.is_large());
    }
}
