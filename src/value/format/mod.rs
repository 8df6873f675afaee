//! The three output formats (`spec fql10-language 8`).
//!
//! Each writes a [`Rendered`] tree straight into a text, without an intermediate tree. `simple` and
//! `tagged` are JSON without blanks; `decorated` is FQL to read and paste back.

mod decorated;
pub mod json;
mod simple;
mod tagged;

use super::rendered::Rendered;

pub use decorated::{is_plain_key, write_quoted};

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Plain JSON.
    #[default]
    Simple,
    /// JSON whose tags keep the types.
    Tagged,
    /// FQL.
    Decorated,
}

impl Format {
    /// The format of that name.
    pub fn parse(name: &str) -> Option<Format> {
        match name {
            "simple" => Some(Format::Simple),
            "tagged" => Some(Format::Tagged),
            "decorated" => Some(Format::Decorated),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Simple => "simple",
            Format::Tagged => "tagged",
            Format::Decorated => "decorated",
        }
    }
}

impl Rendered {
    /// The text in a format.
    pub fn to_text(&self, format: Format) -> String {
        let mut out = String::new();
        self.write(format, &mut out);
        out
    }

    /// Appends the text in a format.
    pub fn write(&self, format: Format, out: &mut String) {
        match format {
            Format::Simple => simple::write(self, false, out),
            Format::Tagged => tagged::write(self, false, out),
            Format::Decorated => decorated::write(self, out),
        }
    }

    /// Appends JSON: the text itself, or for `decorated` a JSON string that holds it.
    pub fn write_json(&self, format: Format, out: &mut String) {
        match format {
            Format::Simple | Format::Tagged => self.write(format, out),
            Format::Decorated => json::write_string(out, &self.to_text(format)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::rendered::{Cause, Contents, Document, Identity, Page, RefName, Reference};
    use crate::value::{CollId, DocId, DocKey, Str};
    use std::sync::Arc;

    fn reference(coll: &str, id: i64) -> Reference {
        let identity = Identity {
            coll: CollId(1024),
            key: DocKey::Id(DocId(id)),
            at: None,
            deleted: false,
        };
        Reference {
            coll: coll.into(),
            name: RefName::Id(id),
            identity,
        }
    }

    fn named(name: &str) -> Reference {
        Reference {
            name: RefName::Name(name.into()),
            ..reference("Collection", 0)
        }
    }

    fn doc(reference: Reference, fields: Vec<(Str, Rendered)>) -> Rendered {
        Rendered::Doc(Arc::new(Document {
            reference,
            contents: Contents::Live(fields),
        }))
    }

    fn missing(reference: Reference, cause: Cause) -> Rendered {
        Rendered::Doc(Arc::new(Document {
            reference,
            contents: Contents::Missing(cause),
        }))
    }

    fn inner(reference: Reference) -> Rendered {
        Rendered::Ref(Arc::new(reference))
    }

    fn string(text: &str) -> Rendered {
        Rendered::String(text.into())
    }

    #[track_caller]
    fn check(value: Rendered, simple: &str, tagged: &str, decorated: &str) {
        assert_eq!(value.to_text(Format::Simple), simple);
        assert_eq!(value.to_text(Format::Tagged), tagged);
        assert_eq!(value.to_text(Format::Decorated), decorated);
    }

    #[test]
    fn scalars() {
        check(Rendered::Int(3), "3", r#"{"@int":"3"}"#, "3");
        check(
            Rendered::Long(3_000_000_000),
            "3000000000",
            r#"{"@long":"3000000000"}"#,
            "3000000000",
        );
        check(
            Rendered::Double(22.5),
            "22.5",
            r#"{"@double":"22.5"}"#,
            "22.5",
        );
        check(
            Rendered::Double(f64::NAN),
            r#""NaN""#,
            r#"{"@double":"NaN"}"#,
            "Math.NaN",
        );
        check(
            Rendered::Double(f64::NEG_INFINITY),
            r#""-Infinity""#,
            r#"{"@double":"-Infinity"}"#,
            "-Math.Infinity",
        );
        check(Rendered::Id(123), r#""123""#, r#""123""#, r#""123""#);
        check(
            Rendered::Bytes(vec![1, 2, 3].into()),
            r#""AQID""#,
            r#"{"@bytes":"AQID"}"#,
            r#"Bytes("AQID")"#,
        );
        check(
            Rendered::Module("Collection.Deleted".into()),
            r#""Deleted""#,
            r#"{"@mod":"Deleted"}"#,
            "Collection.Deleted",
        );
        check(
            Rendered::Function("abs".into()),
            r#""[function abs()]""#,
            r#""[function abs()]""#,
            r#""[function abs]""#,
        );
        check(
            Rendered::Uuid([0xab; 16]),
            r#""abababab-abab-abab-abab-abababababab""#,
            r#"{"@uuid":"abababab-abab-abab-abab-abababababab"}"#,
            r#"UUID("abababab-abab-abab-abab-abababababab")"#,
        );
        check(
            Rendered::EventSource("t".into()),
            r#""t""#,
            r#"{"@stream":"t"}"#,
            r#""t""#,
        );
        check(
            Rendered::SetToken("t".into()),
            r#""t""#,
            r#"{"@set":"t"}"#,
            r#""t""#,
        );
        check(
            string("a\"\\'\u{1}\té\u{7f}"),
            "\"a\\\"\\\\'\\u0001\\té\u{7f}\"",
            "\"a\\\"\\\\'\\u0001\\té\u{7f}\"",
            "\"a\\\"\\\\\\'\u{1}\\té\u{7f}\"",
        );
    }

    #[test]
    fn containers() {
        check(Rendered::Array(vec![]), "[]", "[]", "[]");
        check(Rendered::Object(vec![]), "{}", "{}", "{}");
        let object = Rendered::Object(vec![
            (
                "a".into(),
                Rendered::Array(vec![Rendered::Null, Rendered::Bool(true)]),
            ),
            (
                "@b".into(),
                Rendered::Object(vec![("_c1".into(), Rendered::Int(1))]),
            ),
        ]);
        check(
            object,
            r#"{"a":[null,true],"@b":{"_c1":1}}"#,
            r#"{"@object":{"a":[null,true],"@b":{"_c1":{"@int":"1"}}}}"#,
            "{\n  a: [\n    null,\n    true\n  ],\n  \"@b\": {\n    \"_c1\": 1\n  }\n}",
        );
        let page = Page {
            data: vec![Rendered::Int(1)],
            after: Some("x".into()),
        };
        check(
            Rendered::Page(Box::new(page)),
            r#"{"data":[1],"after":"x"}"#,
            r#"{"@set":{"data":[{"@int":"1"}],"after":"x"}}"#,
            "{\n  data: [\n    1\n  ],\n  after: \"x\"\n}",
        );
    }

    #[test]
    fn heredocs() {
        let decorated = |text: &str| Rendered::Array(vec![string(text)]).to_text(Format::Decorated);
        assert_eq!(
            decorated("a\n\nb"),
            "[\n  <<-END\n    a\n    \n    b\n  END\n]"
        );
        assert_eq!(
            decorated("a\r\nEND\n"),
            "[\n  <<-END0\n    a\n    END\n  END0\n]"
        );
        assert_eq!(decorated("\n"), "[\n  <<-END\n    \n  END\n]");
        let every: String = (0..10).map(|n| format!("END{n}\n")).collect();
        assert!(decorated(&every).starts_with("[\n  \"END0\\nEND1"));
    }

    #[test]
    fn documents() {
        check(
            missing(reference("Thing", 5), Cause::NotFound),
            "null",
            r#"{"@ref":{"id":"5","coll":{"@mod":"Thing"},"exists":false,"cause":"not found"}}"#,
            r#"Thing("5") /* not found */"#,
        );
        check(
            missing(named("N"), Cause::Deleted),
            "null",
            r#"{"@ref":{"name":"N","coll":{"@mod":"Collection"},"exists":false,"cause":"deleted"}}"#,
            r#"Collection.byName("N") /* deleted */"#,
        );
        let fields = vec![
            ("id".into(), Rendered::Id(1)),
            ("coll".into(), Rendered::Module("Thing".into())),
            ("other".into(), inner(reference("Thing", 2))),
            ("@n".into(), inner(named("N"))),
        ];
        check(
            doc(reference("Thing", 1), fields),
            r#"{"id":"1","coll":"Thing","other":{"id":"2","coll":"Thing"},"@n":{"name":"N","coll":"Collection"}}"#,
            concat!(
                r#"{"@doc":{"@object":{"id":"1","coll":{"@mod":"Thing"},"other":{"@ref":{"id":"2","coll":{"@mod":"Thing"}}},"#,
                r#""@n":{"@ref":{"name":"N","coll":{"@mod":"Collection"}}}}}}"#
            ),
            "{\n  id: \"1\",\n  coll: Thing,\n  other: Thing(\"2\"),\n  \"@n\": Collection.byName(\"N\")\n}",
        );
    }

    #[test]
    fn decorated_expands_what_the_result_holds_and_ends_cycles() {
        let one = doc(
            reference("T", 1),
            vec![("other".into(), inner(reference("T", 2)))],
        );
        let two = doc(
            reference("T", 2),
            vec![("other".into(), inner(reference("T", 1)))],
        );
        let gone = doc(
            reference("T", 3),
            vec![("other".into(), inner(reference("T", 4)))],
        );
        let four = missing(reference("T", 4), Cause::NotFound);
        check(
            Rendered::Array(vec![one, two, gone, four]),
            r#"[{"other":{"id":"2","coll":"T"}},{"other":{"id":"1","coll":"T"}},{"other":{"id":"4","coll":"T"}},null]"#,
            concat!(
                r#"[{"@doc":{"other":{"@ref":{"id":"2","coll":{"@mod":"T"}}}}},"#,
                r#"{"@doc":{"other":{"@ref":{"id":"1","coll":{"@mod":"T"}}}}},"#,
                r#"{"@doc":{"other":{"@ref":{"id":"4","coll":{"@mod":"T"}}}}},"#,
                r#"{"@ref":{"id":"4","coll":{"@mod":"T"},"exists":false,"cause":"not found"}}]"#
            ),
            concat!(
                "[\n  {\n    other: {\n      other: T(\"1\")\n    }\n  },\n",
                "  {\n    other: {\n      other: T(\"2\")\n    }\n  },\n",
                "  {\n    other: T(\"4\") /* not found */\n  },\n",
                "  T(\"4\") /* not found */\n]"
            ),
        );
    }

    #[test]
    fn results_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Rendered>();
        assert!(size_of::<Rendered>() <= 32);
    }
}
