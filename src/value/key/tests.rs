//! The order of keys, and that they come back.

use super::*;
use crate::store::TxnTime;
use crate::value::Date;
use crate::value::testing::{any_text, any_value, object};
use proptest::prelude::*;
use std::sync::LazyLock;

static CODEC: LazyLock<KeyCodec> = LazyLock::new(KeyCodec::new);

fn key(value: &Value, descending: bool) -> Vec<u8> {
    let mut out = Vec::new();
    assert_eq!(
        CODEC.encode(value, descending, &mut out, &mut KeyStamps::new()),
        Ok(()),
        "{value:?}"
    );
    out
}

#[test]
fn the_order_of_the_specification() {
    let string = |text: &str| Value::string(text);
    let time = |text| Value::Time(Time::parse(text).unwrap_or(Time::MIN));
    let ascending = [
        Value::Double(f64::NEG_INFINITY),
        Value::Long(i64::MIN),
        Value::Int(-1),
        Value::Double(-0.5),
        Value::Double(-0.0),
        Value::Int(0),
        Value::Double(0.0),
        Value::Int(1),
        Value::Double(1.0),
        Value::Double(1.5),
        Value::Int(2),
        Value::Long(1 << 53),
        Value::Double((1i64 << 53) as f64),
        Value::Long((1 << 53) + 1),
        Value::Long(i64::MAX - 1),
        Value::Long(i64::MAX),
        Value::Double(2f64.powi(63)),
        Value::Double(f64::INFINITY),
        Value::Double(f64::NAN),
        Value::Bytes(vec![].into()),
        Value::Bytes(vec![0].into()),
        Value::Bytes(vec![0, 1].into()),
        Value::Bytes(vec![1].into()),
        string(""),
        string("1"),
        string("10"),
        string("9"),
        string("a"),
        string("a\0"),
        string("A"),
        string("A\0"),
        string("á"),
        string("aa"),
        string("ab"),
        string("b"),
        string("B"),
        string("z"),
        Value::array(vec![]),
        Value::array(vec![Value::Int(1)]),
        Value::array(vec![Value::Int(1), Value::Int(0)]),
        Value::array(vec![Value::NULL]),
        object(&[]),
        object(&[("a", Value::Int(1))]),
        object(&[("b", Value::Int(0)), ("a", Value::Int(1))]),
        object(&[("a", Value::Int(2))]),
        time("-999999999-01-01T00:00Z"),
        time("1969-12-31T23:59:59.999999999Z"),
        time("1970-01-01T00:00:00Z"),
        time("1970-01-01T00:00:00.000000001Z"),
        time("+999999999-12-31T23:59Z"),
        Value::Date(Date(-1)),
        Value::Date(Date(0)),
        Value::query(r#"{"lambda":"x","expr":1}"#),
        Value::query("{}"),
        Value::Uuid([0; 16]),
        Value::Uuid([0xff; 16]),
        Value::Bool(false),
        Value::Bool(true),
        Value::NULL,
    ];
    let mut sorted = ascending.to_vec();
    sorted.sort_by(|a, b| CODEC.compare(a, b));
    let text = |values: &[Value]| values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>();
    assert_eq!(text(&sorted), text(&ascending));
    for pair in ascending.windows(2) {
        assert!(
            key(&pair[0], false) < key(&pair[1], false),
            "{:?} < {:?}",
            pair[0],
            pair[1]
        );
        assert!(
            key(&pair[0], true) > key(&pair[1], true),
            "{:?} > {:?} descending",
            pair[0],
            pair[1]
        );
    }
}

#[test]
fn ascii_has_a_table() {
    assert!(CODEC.collation.ascii().iter().all(Option::is_some));
    assert_ne!(CODEC.fingerprint(), 0);
}

#[test]
fn commit_times_are_stamped() {
    let value = Value::array(vec![Value::string("x"), Value::TransactionTime]);
    let at = Value::Time(TxnTime(1_700_000_000_123_456).into());
    let stamped = Value::array(vec![Value::string("x"), at]);
    for descending in [false, true] {
        let (mut out, mut stamps) = (vec![7; 3], KeyStamps::new());
        assert_eq!(
            CODEC.encode(&value, descending, &mut out, &mut stamps),
            Ok(())
        );
        let Stamp {
            place,
            offset,
            inverted,
        } = stamps[0];
        assert_eq!(
            (place, inverted, stamps.len()),
            (StampPlace::Key, descending, 1)
        );
        let mut bytes = (1_700_000_000_123_456u64 ^ SIGN).to_be_bytes();
        if inverted {
            bytes = bytes.map(|byte| !byte);
        }
        out[offset as usize..offset as usize + 8].copy_from_slice(&bytes);
        assert_eq!(out[3..], key(&stamped, descending));
    }
}

#[test]
fn refuses_without_a_trace() {
    let value = Value::array(vec![Value::TransactionTime, Value::Id(1)]);
    let (mut out, mut stamps) = (vec![7], KeyStamps::new());
    assert_eq!(
        CODEC.encode(&value, false, &mut out, &mut stamps),
        Err(NotIndexable)
    );
    assert_eq!((out, stamps.len()), (vec![7], 0));
}

proptest! {
    #[test]
    fn keys_sort_as_values(a in any_value(), b in any_value()) {
        let order = CODEC.compare(&a, &b);
        prop_assert_eq!(key(&a, false).cmp(&key(&b, false)), order);
        prop_assert_eq!(key(&a, true).cmp(&key(&b, true)), order.reverse());
    }

    #[test]
    fn strings_sort_as_collated(a in any_text(), b in any_text()) {
        let (a, b) = (Value::string(a), Value::string(b));
        prop_assert_eq!(key(&a, false).cmp(&key(&b, false)), CODEC.compare(&a, &b));
    }

    #[test]
    fn the_order_is_total(a in any_value(), b in any_value(), c in any_value()) {
        prop_assert_eq!(CODEC.compare(&a, &b), CODEC.compare(&b, &a).reverse());
        if CODEC.compare(&a, &b).is_le() && CODEC.compare(&b, &c).is_le() {
            prop_assert!(CODEC.compare(&a, &c).is_le());
        }
    }

    #[test]
    fn keys_come_back(value in any_value(), rest in prop::collection::vec(any::<u8>(), 0..3), descending: bool) {
        let mut bytes = key(&value, descending);
        let length = bytes.len();
        bytes.extend_from_slice(&rest);
        let (mut read, mut skipped) = (&bytes[..], &bytes[..]);
        let decoded = decode(&mut read, descending);
        prop_assert!(decoded.as_ref().is_ok_and(|decoded| CODEC.compare(decoded, &value).is_eq()), "{:?}", decoded);
        prop_assert_eq!(bytes.len() - read.len(), length);
        prop_assert_eq!(skip(&mut skipped, descending), Ok(()));
        prop_assert_eq!(skipped, read);
    }

    #[test]
    fn ascii_keys_are_those_of_icu(text in "[\u{0}-\u{7f}]{0,20}|[ -~]{0,150}|[a-z]{90,200}|[aB-]{0,250}") {
        let (mut fast, mut full) = (Vec::new(), Vec::new());
        prop_assert!(CODEC.collation.write_ascii(&text, &mut fast));
        let Ok(()) = CODEC.collation.collator.write_sort_key_to(&text, &mut full);
        prop_assert_eq!(fast, full);
    }

    #[test]
    fn noise_is_an_error(noise in prop::collection::vec(any::<u8>(), 0..40), descending: bool) {
        let _ = decode(&mut &noise[..], descending);
        let _ = skip(&mut &noise[..], descending);
    }
}
