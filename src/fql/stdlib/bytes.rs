//! Bytes (`spec fql10-stdlib 10`).

use super::{display, method, text, to_string};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::value::Value;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be left out; unused bits of the last character do not matter.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "Bytes",
        alias: None,
        about: "A sequence of bytes.",
        members: &[
            to_string("Bytes('AQID').toString()"),
            method(
                "toBase64",
                &["() => String"],
                display,
                "As base64 text.",
                "Bytes('AQID').toBase64()",
            ),
        ],
    },
    &Shape {
        name: "BytesModule",
        alias: None,
        about: "Makes bytes.",
        members: &[
            method(
                "apply",
                &["(encoded: String) => Bytes"],
                decode,
                "The bytes that base64 text stands for.",
                "Bytes('aGVsbG8=')",
            ),
            method(
                "fromBase64",
                &["(encoded: String) => Bytes"],
                decode,
                "The bytes that base64 text stands for.",
                "Bytes.fromBase64('aGVsbG8=')",
            ),
        ],
    },
];

fn decode(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    match LENIENT.decode(text(args.first())) {
        Ok(bytes) => Ok(Value::Bytes(bytes.into())),
        Err(error) => Err(Failure::invalid_argument(
            "encoded",
            format!("invalid base64: {error}"),
        )),
    }
}
