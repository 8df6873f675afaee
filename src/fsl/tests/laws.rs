use super::{by_id, canonical, items, parsed, schema};
use crate::fql::syntax::Source;
use crate::fsl::{SchemaItem, definition, diff, parse, patch};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-z]{0,3}",
        Just("index".to_string()),
        Just("read".to_string()),
        Just("collection".to_string()),
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\.[a-d]",
        "\\.[a-d]\\.[a-d]",
        Just(".[\"x y\"][0]".to_string()),
        Just(".['z']".to_string()),
    ]
}

fn ty() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("Int"),
        Just("String?"),
        Just("Array<Int>"),
        Just("'x' | 1"),
        Just("(Int, String)"),
        Just("Ref<Foo>"),
    ];
    leaf.prop_map(String::from)
        .prop_recursive(2, 6, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| format!("{{ a: {a}, \"b c\": {b} }}")),
                inner.clone().prop_map(|a| format!("({a}) | Null")),
                inner.prop_map(|a| format!("[{a}]")),
            ]
        })
}

fn expr() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("1 + 2*3".to_string()),
        Just("'a#b\"'".to_string()),
        Just("Time.now( )".to_string()),
        Just("[1,{a:2}]".to_string()),
        Just("if (true) 1 else -2".to_string()),
        Just("{ let a = 1; a }".to_string()),
    ]
}

fn lambda() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("(.a + .b)".to_string()),
        Just("(x => x.a)".to_string()),
        Just("((x, ...y) => { let z = y\n z })".to_string()),
        Just("(_ => .5e1 > 2)".replace(".5e1", "0.5e1")),
    ]
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        ("[e-h]", ty()).prop_map(|(name, ty)| format!("{name}: {ty}")),
        ("[i-k]", expr()).prop_map(|(name, value)| format!("{name}: Any = {value}")),
        ("[l-n]", lambda()).prop_map(|(name, body)| format!("compute {name} = {body}")),
        ("[o-q]", path(), path()).prop_map(|(name, a, b)| format!(
            "index {name} {{ terms [{a}]; values [desc(mva({b})), {a}] }}"
        )),
        ("[r-t]", lambda()).prop_map(|(name, body)| format!("check {name} {body}")),
        path().prop_map(|path| format!("unique [{path}, mva({path})]")),
        (0..9_i64).prop_map(|days| format!("history_days {days}")),
        Just("*: Any".to_string()),
        ("[a-d]", expr()).prop_map(|(a, value)| format!(
            "migrations {{ add .{a}\nbackfill .{a} = {value}; split .{a} -> .x, .y }}"
        )),
    ]
}

fn item() -> impl Strategy<Value = String> {
    prop_oneof![
        (name(), prop::collection::vec(member(), 0..5), "; ?|\n|\n// c\n").prop_map(
            |(name, members, end)| format!(
                "collection {name} {{\n{}\n}}{end}",
                members.join("\n")
            )
        ),
        (name(), expr()).prop_map(|(name, body)| format!("function f{name}(a, ...b) {{\n{body} }}")),
        (name(), ty(), ty()).prop_map(|(name, a, b)| format!(
            "@alias({name}X) @role(server)\nfunction f{name}(a: {a}): {b} {{ a }}"
        )),
        (name(), name(), lambda()).prop_map(|(name, of, body)| format!(
            "role {name} {{ privileges {of} {{ read\n call {{ predicate {body} }} }}\nmembership {of} {{ predicate {body} }} }}"
        )),
        (name(), lambda()).prop_map(|(name, body)| format!(
            "access provider {name} {{ issuer 'i'; jwks_uri \"\\u0041\"; role R {{ predicate {body} }} }}"
        )),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(("(// doc\n)?", item()), 0..5).prop_map(|items| {
        let items = items.into_iter().map(|(doc, item)| format!("{doc}{item}"));
        items.collect::<Vec<_>>().join("\n\n")
    })
}

/// The fields of an item's definition, in no order.
fn fields(item: &SchemaItem) -> BTreeMap<String, String> {
    let fields = definition(item);
    let fields = fields.iter();
    fields
        .map(|(key, value)| (key.to_string(), format!("{value:?}")))
        .collect()
}

proptest! {
    /// The canonical text of what a text defines defines the same, and is its own canonical text.
    #[test]
    fn texts_keep_their_meaning(text in text()) {
        let Ok(file) = parse(&Source::new("main.fsl", text.as_str())) else {
            return Ok(());
        };
        let written = canonical(&items(&file));
        let again = parsed(&written);
        for (first, second) in file.items.iter().zip(&again.items) {
            prop_assert_eq!(fields(first), fields(second));
        }
        prop_assert!(diff(&items(&file), &items(&again), &[]).is_empty());
        prop_assert_eq!(canonical(&items(&again)), written);
    }

    /// Patching towards what a text says already leaves it alone.
    #[test]
    fn patches_keep_what_did_not_change(text in text()) {
        let source = Source::new("main.fsl", text.as_str());
        let Ok(file) = parse(&source) else {
            return Ok(());
        };
        let files = patch(&[source], &schema(&items(&file)), &by_id);
        prop_assert_eq!(files[0].text.as_deref(), Some(text.as_str()));
    }

    /// A patched text says what the definitions say.
    #[test]
    fn patches_say_what_is_defined(before in text(), after in text()) {
        let stored = Source::new("main.fsl", before.as_str());
        let (Ok(_), Ok(wanted)) = (
            parse(&stored),
            parse(&Source::new("main.fsl", after.as_str())),
        ) else {
            return Ok(());
        };
        let files = patch(&[stored], &schema(&items(&wanted)), &by_id);
        let patched = files[0].text.as_deref().unwrap_or("");
        let patched = parse(&Source::new("main.fsl", patched));
        prop_assert!(patched.is_ok(), "{before}\n->\n{after}\n{files:?}");
        let left = diff(&items(&patched.unwrap()), &items(&wanted), &[]).len();
        prop_assert!(left == 0, "{before}\n->\n{after}\n{files:?}");
    }

    /// No text makes the parser fail otherwise than by an error.
    #[test]
    fn any_text(text in "\\PC{0,60}") {
        let _ = parse(&Source::new("main.fsl", text));
    }

    /// Nor does a text that is cut, or in which something was replaced.
    #[test]
    fn damaged_texts(text in text(), at in 0.0..1.0_f64, new in "[{}()\\[\\]\"'/*;:=.@é\n]{0,3}") {
        let at = (text.len() as f64 * at) as usize;
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (before, after) = text.split_at(at);
        let _ = parse(&Source::new("main.fsl", before));
        let _ = parse(&Source::new("main.fsl", format!("{before}{new}{after}")));
    }
}

/// Deep texts are refused or parsed, and long ones take no longer than they are long.
#[test]
fn hostile_texts() {
    for unit in [
        "{",
        "collection A {",
        "[",
        "(",
        "a: {",
        "a: A<",
        "x => ",
        "/*",
        "\"",
        "@alias(",
        "foo(",
        "a: [",
    ] {
        let _ = parse(&Source::new("main.fsl", unit.repeat(20_000)));
    }
    let fields: String = (0..20_000)
        .map(|n| format!("  f{n}: Array<Int> = x => x\n"))
        .collect();
    let text = format!(
        "collection A {{\n{fields}}}\n{}",
        "role R { }\n".repeat(5000)
    );
    let faults = parse(&Source::new("main.fsl", text))
        .err()
        .map(|faults| faults.len());
    assert_eq!(faults, Some(4999));
}
