//! What requests say in their headers (`spec http-api 3, 5.1, 5.2`).
//!
//! Each reader gives the value or the text behind `invalid_request`; the order in which an endpoint calls them is the
//! order in which faults are reported.

use crate::access::jwt;
use crate::store::TxnTime;
use crate::value::format::Format;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::HeaderMap;
use std::borrow::Cow;
use std::time::Duration;

/// Base64 as lenient as the original's: padding may be left out.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The longest a query may ask for.
const MAX_TIMEOUT_MS: i64 = 600_000;

/// A header's text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// The names that the numeric headers have in a version of the protocol.
pub struct NumericNames {
    /// Snapshot time.
    pub last_txn: &'static str,
    /// Deadline.
    pub timeout: &'static str,
    /// Retries.
    pub retries: &'static str,
}

/// FQL v10.
pub const V10: NumericNames = NumericNames {
    last_txn: "x-last-txn-ts",
    timeout: "x-query-timeout-ms",
    retries: "x-max-contention-retries",
};

/// FQL v4.
pub const V4: NumericNames = NumericNames {
    last_txn: "x-last-seen-txn",
    timeout: "x-query-timeout",
    retries: "x-max-retries-on-contention",
};

/// The numeric headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numeric {
    /// The snapshot must not be older.
    pub last_txn: Option<TxnTime>,
    /// Time the query may take.
    pub timeout: Option<Duration>,
    /// Runs on contention.
    pub retries: Option<u32>,
}

fn invalid(name: &str, reason: impl std::fmt::Display) -> String {
    format!("Invalid header '{name}': {reason}")
}

/// Reads the numeric headers; the first bad one is the error.
pub fn numeric(headers: &HeaderMap, names: &NumericNames) -> Result<Numeric, String> {
    let mut found = Numeric::default();
    let number = |name: &str| -> Result<Option<i64>, String> {
        text(headers, name)
            .map(|text| {
                text.parse()
                    .map_err(|_| invalid(name, format!("Invalid number '{text}'.")))
            })
            .transpose()
    };
    if let Some(text) = text(headers, names.last_txn) {
        let ts = text
            .parse()
            .map_err(|_| invalid(names.last_txn, format!("Invalid timestamp '{text}'.")))?;
        found.last_txn = Some(TxnTime(ts));
    }
    if let Some(ms) = number(names.timeout)? {
        found.timeout = match ms {
            ..=0 => return Err(invalid(names.timeout, "Must be greater than 0.")),
            1..=MAX_TIMEOUT_MS => Some(Duration::from_millis(ms.unsigned_abs())),
            _ => {
                let reason = format!("Must be less than or equal to {MAX_TIMEOUT_MS}.");
                return Err(invalid(names.timeout, reason));
            }
        };
    }
    if let Some(retries) = number(names.retries)? {
        let retries = u32::try_from(retries).ok().filter(|n| *n <= 7);
        found.retries =
            Some(retries.ok_or_else(|| invalid(names.retries, "Must be between 0 and 7."))?);
    }
    Ok(found)
}

/// `x-format`.
pub fn format(headers: &HeaderMap) -> Result<Format, String> {
    match text(headers, "x-format") {
        None => Ok(Format::Simple),
        Some(text) => Format::parse(&text)
            .ok_or_else(|| invalid("x-format", format!("Invalid format {text}"))),
    }
}

/// A header that is `true` or `false`.
pub fn boolean(headers: &HeaderMap, name: &str) -> Result<Option<bool>, String> {
    match text(headers, name) {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(invalid(name, "Must be a boolean value.")),
    }
}

/// Query tags as they are echoed: in reverse. `None` if there are none.
pub fn tags(headers: &HeaderMap, name: &str) -> Result<Option<String>, String> {
    let Some(text) = text(headers, name) else {
        return Ok(None);
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > 3000 {
        return Err(invalid(name, "header is too long"));
    }
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    };
    let mut pairs = Vec::new();
    for pair in text.split(',') {
        match pair.split_once('=') {
            Some((key, value)) if word(key) && word(value) => pairs.push((key, value)),
            _ => return Err(invalid(name, "invalid tags")),
        }
    }
    if pairs.len() > 25 {
        return Err(invalid(name, "too many tags"));
    }
    let mut echo = String::with_capacity(text.len());
    for (i, (key, value)) in pairs.iter().enumerate().rev() {
        if key.len() > 40 {
            return Err(invalid(name, "invalid key"));
        }
        if value.len() > 80 {
            return Err(invalid(name, "invalid value"));
        }
        if pairs[i + 1..].iter().any(|(other, _)| other == key) {
            return Err(invalid(name, "duplicate key"));
        }
        if !echo.is_empty() {
            echo.push(',');
        }
        echo.push_str(key);
        echo.push('=');
        echo.push_str(value);
    }
    Ok(Some(echo))
}

/// The secret in the `authorization` header, if it has a form we know.
pub fn secret(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, rest) = value.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    match scheme {
        "Bearer" => Some(rest.to_string()),
        "Basic" => {
            let encoded = rest.strip_suffix(':').unwrap_or(rest);
            let text = String::from_utf8(BASIC.decode(encoded).ok()?).ok()?;
            let text = text.trim();
            let text = text.strip_suffix(':').unwrap_or(text);
            // A JWT is a bearer's only.
            (!jwt::looks_like(text)).then(|| text.to_string())
        }
        _ => None,
    }
}

/// The `traceparent` of the answer: the request's trace, or a new one, and a new span.
pub fn traceparent(headers: &HeaderMap) -> String {
    let given = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(trace_id);
    let span = rand::random::<u64>() | 1;
    match given {
        Some(trace) => format!("00-{trace}-{span:016x}-00"),
        None => {
            let trace = rand::random::<u128>() | 1;
            format!("00-{trace:032x}-{span:016x}-00")
        }
    }
}

/// The trace of a well-formed `traceparent`.
fn trace_id(text: &str) -> Option<&str> {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let some = |text: &str| text.bytes().any(|c| c != b'0');
    let good = text.len() == 55
        && parts.next().is_none()
        && hex(version, 2)
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        && some(trace)
        && some(span);
    good.then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    hyper::header::HeaderName::from_static(name),
                    value.parse().expect("a header value"),
                )
            })
            .collect()
    }

    #[test]
    fn secrets() {
        let secret = |value: &str| secret(&headers(&[("authorization", value)]));
        assert_eq!(secret("Bearer a:b:admin").as_deref(), Some("a:b:admin"));
        assert_eq!(secret("bearer a"), None);
        assert_eq!(secret("Basic c2VjcmV0Og==").as_deref(), Some("secret"));
        assert_eq!(secret("Basic c2VjcmV0Og==:").as_deref(), Some("secret"));
        assert_eq!(secret("Basic  c2VjcmV0").as_deref(), Some("secret"));
        assert_eq!(secret("Basic c2VjcmV0Og").as_deref(), Some("secret"));
        // `ey.a.b`
        assert_eq!(secret("Bearer ey.a.b").as_deref(), Some("ey.a.b"));
        assert_eq!(secret("Basic ZXkuYS5i"), None);
        assert_eq!(secret("Basic ???"), None);
        assert_eq!(secret("Bearer"), None);
    }

    #[test]
    fn tags_are_checked_from_the_last() {
        let tags = |value: &str| tags(&headers(&[("x-query-tags", value)]), "x-query-tags");
        assert_eq!(tags("a=1,b=2"), Ok(Some("b=2,a=1".into())));
        assert_eq!(tags(""), Ok(None));
        let long = "k".repeat(41);
        let reason = |value: &str| {
            tags(value)
                .unwrap_err()
                .split(": ")
                .nth(1)
                .map(String::from)
        };
        assert_eq!(
            reason(&format!("a=1,{long}=1,a=2")).as_deref(),
            Some("invalid key")
        );
        assert_eq!(reason("a=1,a=2").as_deref(), Some("duplicate key"));
        assert_eq!(reason("a=1,,b=2").as_deref(), Some("invalid tags"));
        assert_eq!(reason(&"a=1,".repeat(26)).as_deref(), Some("invalid tags"));
        assert_eq!(
            reason(&["a=1"; 26].join(",")).as_deref(),
            Some("too many tags")
        );
    }

    #[test]
    fn traces_continue_if_well_formed() {
        let trace = |value: &str| traceparent(&headers(&[("traceparent", value)]));
        let good = "00-750efa5fb6a131eb2cf4db39f28366cb-5669e71839eca76b-01";
        let answer = trace(good);
        assert!(
            answer.starts_with("00-750efa5fb6a131eb2cf4db39f28366cb-") && answer.ends_with("-00")
        );
        assert_ne!(&answer[36..52], "5669e71839eca76b");
        assert!(!trace(&good.replace('7', "g")).contains("750efa"));
        assert_eq!(traceparent(&HeaderMap::new()).len(), 55);
    }
}
