use super::{file, items, parsed, schema};
use crate::fql::syntax::Source;
use crate::fsl::{Colors, ItemDiff, Kind, SchemaFile, diff, semantic, summary, textual};
use crate::model::schema::rewind::plan;

fn differ(before: &SchemaFile, after: &SchemaFile) -> Vec<ItemDiff> {
    diff(&items(before), &items(after), &[])
}

#[track_caller]
fn told(before: &str, after: &str, expected: &str) {
    let diffs = differ(&parsed(before), &parsed(after));
    assert_eq!(semantic(&diffs, Colors::None), expected);
}

#[test]
fn what_means_the_same() {
    told(
        "// a\ncollection A { b: Int; *: Any\nindex i { terms [.b] } }\nfunction f(a) { a }\nrole R { privileges A { read } }",
        "role R {\n  privileges A {\n    read // all\n  }\n}\nfunction f(a) {\n  a\n}\ncollection A {\n  *: Any\n  index i {\n    terms [.[\"b\"]]\n  }\n  b: Int\n  history_days 0\n}",
        "",
    );
    told("collection A {}", "collection A { *: Any }", "");
}

#[test]
fn additions_and_removals() {
    told(
        "access provider P { issuer 'i'; jwks_uri 'u' }\ncollection Old { ttl_days 3 }",
        "role R { membership A; privileges A { read } }\n@alias(g) function f(a) { a }\ncollection B { a: Int }\ncollection A { check ok (.a); unique [.b]; compute c = (.d)\nindex i { terms [.b] } }",
        "* Adding collection `A` to main.fsl:4:1:\n  * Computed fields:\n  + add computed field `c`\n\n  * Indexes:\n  + add index `i`\n\n  \
         * Constraints:\n  + add unique constraint on [.b]\n  + add check constraint `ok`\n\n\
         * Adding collection `B` to main.fsl:3:1:\n  No semantic changes.\n\n\
         * Adding function `f` to main.fsl:2:1:\n  + add alias set to g\n\n\
         * Adding role `R` to main.fsl:1:1:\n  + add privileges on `A`\n  + add membership on `A`\n\n\
         * Removing collection `Old` from main.fsl:2:1:\n  * Configuration:\n  - remove ttl_days set to 3\n\n\
         * Removing access provider `P` from main.fsl:1:1\n\n",
    );
}

#[test]
fn changes_of_collections() {
    let before = "@alias(A)\ncollection C {\n  a: Int = 1\n  b: Int = 1\n  compute c = (.a)\n  index i { terms [.a]; values [.b] }\n  unique [.a]\n  check k (.a)\n  history_days 10\n  document_ttls true\n}";
    let after = "@alias(B)\ncollection C {\n  a: Int\n  b: Int = 2\n  compute c = (.b)\n  compute d = (.b)\n  index i { terms [.a, .b] }\n  unique [mva(.a)]\n  check k (.b)\n  document_ttls false\n  ttl_days 3\n}";
    told(
        before,
        after,
        "* Modifying collection `C` at main.fsl:1:1:\n  * Computed fields:\n  + add computed field `d`\n  ~ change computed field `c`\n\n  \
         * Indexes:\n  ~ change index `i`\n    - remove values set to [.b]\n    ~ change terms from [.a] to [.a, .b]\n\n  \
         * Constraints:\n  + add unique constraint on [mva(.a)]\n  - remove unique constraint on [.a]\n  ~ change check constraint `k` body\n\n  \
         * Configuration:\n  ~ change alias set to A\n  - remove default value from field `.a`\n  + add ttl_days set to 3\n  - remove history_days set to 10\n  ~ change document_ttls from true to false\n\n",
    );
    told(
        "collection C { history_days 0 }",
        "collection C { history_days 3 }",
        "* Modifying collection `C` at main.fsl:1:1:\n  * Configuration:\n  ~ change history_days from 0 to 3\n\n",
    );
}

#[test]
fn changes_of_other_items() {
    told(
        "function f(a) { a }\nrole R { privileges A { read; write { predicate (.a) }; call { predicate (.a) } }; membership U { predicate (.a) } }\naccess provider P { issuer 'i'; jwks_uri 'u' }",
        "function f(b) { b }\nrole R { privileges A { read { predicate (.a) }; write; call { predicate (.b) }; create }; membership U }\naccess provider P { issuer 'j'; jwks_uri 'u'; role R }",
        "* Modifying function `f` at main.fsl:1:1:\n  ~ change signature\n  ~ change body\n\n\
         * Modifying role `R` at main.fsl:2:1:\n  ~ change privileges on `A`\n    + add create\n    ~ change read by adding a predicate\n    ~ change write by removing a predicate\n    ~ change call by modifying its predicate\n  ~ change membership on `U` by removing a predicate\n\n\
         * Modifying access provider `P` at main.fsl:3:1:\n  + add role `R`\n  ~ change issuer from \"i\" to \"j\"\n\n",
    );
}

#[test]
fn renames_and_moves() {
    let before = file("a.fsl", "collection A { ttl_days 1 }");
    let after = file("b.fsl", "\ncollection B { ttl_days 1 }");
    let renames = [(Kind::Collection, "B".into(), "A".into())];
    let diffs = diff(&items(&before), &items(&after), &renames);
    assert_eq!(
        semantic(&diffs, Colors::None),
        "* Modifying collection `A` at b.fsl:2:1 (previously defined at a.fsl:1:1):\n  * Configuration:\n  ~ rename to `B`\n\n"
    );
    let moved = file("b.fsl", "collection A { ttl_days 1 }");
    assert!(differ(&before, &moved).is_empty());
}

#[test]
fn pending_migrations() {
    let before = parsed("collection A { a: Int\n b: String\n c: Int }");
    let after = parsed(
        "collection A { a: Int\n s: String\n d: Int?\n e: String\n f: Int = 7\n migrations { drop .c\n move .b -> .s\n add .d\n add .f\n add .e\n backfill .e = 'x' } }",
    );
    let mut diffs = differ(&before, &after);
    let (live, submitted) = (schema(&items(&before)), schema(&items(&after)));
    let (live, submitted) = (live.collection_named("A"), submitted.collection_named("A"));
    let (Some(live), Some(submitted)) = (live, submitted) else {
        panic!("collections");
    };
    diffs[0].pending = plan(Some(live), submitted).unwrap();
    assert_eq!(
        semantic(&diffs, Colors::None),
        "* Modifying collection `A` at main.fsl:1:1:\n  * Defined fields:\n  - drop field `.c`\n  ~ move field `.b` to field `.s`\n  + add field `.f` with backfill `7`\n  + add field `.e` with backfill `\"x\"`\n\n"
    );
}

#[test]
fn titles_and_colours() {
    let before = parsed("collection A { history_days 3 }\nrole R {}");
    let after = parsed("collection A { history_days 4 }\nfunction f() { 1 }");
    let diffs = differ(&before, &after);
    assert_eq!(
        summary(&diffs, Colors::None),
        "* Adding function `f` to main.fsl:2:1\n* Removing role `R` from main.fsl:2:1\n* Modifying collection `A` at main.fsl:1:1\n"
    );
    assert_eq!(
        semantic(&diffs[2..], Colors::Ansi),
        "\u{1b}[1;34m* Modifying collection `A`\u{1b}[0m at main.fsl:1:1:\n  * Configuration:\n\u{1b}[33m  ~ change history_days from 3 to 4\u{1b}[0m\n\n"
    );
}

#[test]
fn lines() {
    let source = |name: &str, text: &str| Source::new(name, text);
    let told = |before: &str, after: &str| {
        let (before, after) = (source("a.fsl", before), source("a.fsl", after));
        textual(&[before], &[after], Colors::None)
    };
    assert_eq!(told("a\n", "a\n"), "");
    assert_eq!(
        told("a\nb\nc\n", "a\nB\nc\nd\n"),
        "a.fsl\n@ line 1 to 4\n  a\n- b\n+ B\n  c\n+ d\n"
    );
    let ten: String = (0..20).map(|n| format!("{n}\n")).collect();
    let changed = ten.replace("2\n3\n", "3\n").replace("18\n", "18\n\nx\n");
    assert_eq!(
        told(&ten, &changed),
        "a.fsl\n@ line 1 to 5\n  0\n  1\n- 2\n  3\n  4\n  5\n@ line 16 to 22\n  16\n  17\n  18\n+\n+ x\n  19\n"
    );
    assert_eq!(
        textual(
            &[source("b.fsl", "b"), source("a.fsl", "a")],
            &[source("a.fsl", ""), source("b.fsl", "c")],
            Colors::Ansi
        ),
        "\u{1b}[1ma.fsl\u{1b}[22m\n\u{1b}[36m@ line 1 to 1\u{1b}[0m\n\u{1b}[31m- a\u{1b}[0m\n\n\u{1b}[1mb.fsl\u{1b}[22m\n\u{1b}[36m@ line 1 to 1\u{1b}[0m\n\u{1b}[31m- b\u{1b}[0m\n\u{1b}[32m+ c\u{1b}[0m\n"
    );
}
