//! Values for property tests.

use super::kind::{CollId, Date, Doc, DocId, DocKey, Object, Time, Value};
use proptest::prelude::*;
use std::sync::Arc;

/// An object of these fields.
pub(crate) fn object(fields: &[(&str, Value)]) -> Value {
    Value::object(
        fields
            .iter()
            .map(|(key, value)| (*key, value.clone()))
            .collect::<Object>(),
    )
}

/// Numbers that meet: small, near powers of two, special.
fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3i64..4).prop_map(Value::integer),
        any::<i64>().prop_map(Value::integer),
        (0u32..63, -2i64..3, any::<bool>()).prop_map(|(bits, near, negative)| {
            let n = (1i64 << bits).saturating_add(near);
            Value::integer(if negative { n.saturating_neg() } else { n })
        }),
        (-3i32..4).prop_map(|n| Value::Double(f64::from(n) / 2.0)),
        (0i32..66, -2i64..3).prop_map(|(bits, near)| Value::Double(2f64.powi(bits) + near as f64)),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        prop_oneof![
            Just(f64::NAN),
            Just(-f64::NAN),
            Just(-0.0),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY)
        ]
        .prop_map(Value::Double),
    ]
}

/// Text that meets in prefixes, cases, accents and controls.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abAB]{0,3}",
        "[ -~]{0,12}",
        "[a\u{0}\u{1}\u{2}\u{301}éß\u{e000}😀가 ]{0,4}",
        ".{0,8}"
    ]
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any_number(),
        4 => any_text().prop_map(Value::string),
        1 => Just(Value::NULL),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Value::Bytes(bytes.into())),
        1 => (-2i64..3, 0u32..3).prop_map(|(secs, nanos)| Value::Time(Time { secs, nanos })),
        1 => Just(Value::TransactionTime),
        1 => (9_223_372_036_854i64..9_223_372_036_856, 775_800_000u32..775_810_000)
            .prop_map(|(secs, nanos)| Value::Time(Time { secs, nanos })),
        1 => (Time::MIN.secs..=Time::MAX.secs, 0u32..1_000_000_000)
            .prop_map(|(secs, nanos)| Value::Time(Time { secs, nanos })),
        1 => (Date::MIN.0..=Date::MAX.0).prop_map(|days| Value::Date(Date(days))),
        1 => any::<[u8; 16]>().prop_map(Value::Uuid),
        1 => (1024u64..1027, 0i64..3).prop_map(|(coll, id)| {
            let key = DocKey::Id(DocId(id));
            Value::Doc(Arc::new(Doc { coll: CollId(coll), key, at: None, deleted: false, named: false, cover: None }))
        }),
    ]
}

/// Any storable value.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::array),
            prop::collection::vec((any_text(), inner), 0..4)
                .prop_map(|fields| Value::object(fields.into_iter().collect::<Object>())),
        ]
    })
}
