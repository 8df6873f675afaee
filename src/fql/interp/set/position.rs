//! Positions in a set: where its plan is opened to go on with some element.

use crate::value::Value;
use std::sync::Arc;

/// A position, in the terms of a plan: the position in its source, wrapped by the steps that have a state.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) enum Position {
    /// Before everything.
    Begin,
    /// At a document id, in the direction of the set.
    Document(i64),
    /// At an index entry's key.
    Entry(Arc<[u8]>),
    /// At the n-th element.
    Offset(u64),
    /// `take`: so many may still follow.
    Remaining(u64, Box<Position>),
    /// `concat`: in the first set.
    First(Box<Position>),
    /// `concat`: in the second set.
    Second(Box<Position>),
    /// `flatMap`: at an element of the outer set, and in the set it yields.
    Within(Box<(Position, Position)>),
}

/// Positions nest as the plan does; a text that claims more is damaged.
const MAX_DEPTH: u32 = 100_000;

impl Position {
    /// The value a cursor holds.
    pub fn to_value(&self) -> Value {
        let tagged = |tag: i32, rest: Vec<Value>| {
            let mut items = vec![Value::Int(tag)];
            items.extend(rest);
            Value::array(items)
        };
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || match self {
            Position::Begin => Value::NULL,
            Position::Document(id) => Value::Id(*id),
            Position::Entry(key) => Value::Bytes(key.clone()),
            Position::Offset(n) => Value::Long(i64::try_from(*n).unwrap_or(i64::MAX)),
            Position::Remaining(n, inner) => tagged(
                0,
                vec![
                    Value::Long(i64::try_from(*n).unwrap_or(i64::MAX)),
                    inner.to_value(),
                ],
            ),
            Position::First(inner) => tagged(3, vec![inner.to_value()]),
            Position::Second(inner) => tagged(1, vec![inner.to_value()]),
            Position::Within(pair) => tagged(2, vec![pair.0.to_value(), pair.1.to_value()]),
        })
    }

    /// The position a cursor holds; `None` if it is none.
    pub fn of(value: &Value) -> Option<Position> {
        Position::read(value, 0)
    }

    fn read(value: &Value, depth: u32) -> Option<Position> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match value {
            Value::Null(_) => Position::Begin,
            Value::Id(id) => Position::Document(*id),
            Value::Bytes(key) => Position::Entry(key.clone()),
            Value::Int(_) | Value::Long(_) => {
                Position::Offset(u64::try_from(value.as_i64()?).ok()?)
            }
            Value::Array(items) => {
                stacker::maybe_grow(64 * 1024, 1024 * 1024, || match items.as_slice() {
                    [Value::Int(0), n, inner] => {
                        let n = u64::try_from(n.as_i64()?).ok()?;
                        Some(Position::Remaining(
                            n,
                            Box::new(Position::read(inner, depth + 1)?),
                        ))
                    }
                    [Value::Int(3), inner] => {
                        Some(Position::First(Box::new(Position::read(inner, depth + 1)?)))
                    }
                    [Value::Int(1), inner] => Some(Position::Second(Box::new(Position::read(
                        inner,
                        depth + 1,
                    )?))),
                    [Value::Int(2), outer, inner] => {
                        let pair = (
                            Position::read(outer, depth + 1)?,
                            Position::read(inner, depth + 1)?,
                        );
                        Some(Position::Within(Box::new(pair)))
                    }
                    _ => None,
                })?
            }
            _ => return None,
        })
    }
}
