use super::{by_id, items, parsed, schema};
use crate::fql::syntax::Source;
use crate::fsl::patch;

/// What a file says after definitions became those of `after`.
#[track_caller]
fn patched(before: &str, after: &str, expected: &str) {
    let file = parsed(after);
    let stored = [Source::new("main.fsl", before)];
    let files = patch(&stored, &schema(&items(&file)), &by_id);
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].text.as_deref(), Some(expected));
}

#[test]
fn what_did_not_change_stays() {
    let text = "//  head\n\n/* A */ collection   A{a:Int;;index  i{terms[.a]}}\r\n\n\nfunction f( x ){x+1} // end";
    patched(text, text, text);
}

#[test]
fn new_items_come_last() {
    patched("", "collection A {}", "collection A {\n}\n");
    patched(
        "collection A {} // a\n// end",
        "collection A {}\nrole R {}",
        "collection A {} // a\n// end\n\nrole R {\n}\n",
    );
    patched(
        "collection A {}\n",
        "collection A {}\ncollection B { a: Int }\nrole R {}",
        "collection A {}\n\ncollection B {\n  a: Int\n}\n\nrole R {\n}\n",
    );
}

#[test]
fn a_new_file_has_a_head() {
    let head = "// The following schema is auto-generated.\n// This file contains FSL for FQL10-compatible schema items.\n\n";
    let file = parsed("collection A {}\ncollection B {}");
    let schema = schema(&items(&file));
    let files = patch(&[], &schema, &by_id);
    let text = format!("{head}collection A {{\n}}\n\ncollection B {{\n}}\n");
    assert_eq!(files[0].text.as_deref(), Some(&*text));
    let stored = [Source::new("a.fsl", "collection A {}")];
    let files = patch(&stored, &schema, &by_id);
    let names: Vec<&str> = files.iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["a.fsl", "main.fsl"]);
    let text = format!("{head}collection B {{\n}}\n");
    assert_eq!(files[1].text.as_deref(), Some(&*text));
    assert!(patch(&[], &crate::model::schema::Schema::default(), &by_id).is_empty());
}

#[test]
fn removed_items_go_with_their_comments() {
    patched(
        "// A\ncollection A {}\n\n// B\ncollection B {};\n\n// C\ncollection C {}\n",
        "collection A {}\ncollection C {}",
        "// A\ncollection A {}\n\n// C\ncollection C {}\n",
    );
    patched("collection A {}", "", "");
}

#[test]
fn members() {
    patched(
        "@alias(B)\ncollection A {\n  // kept\n  a: Int = 1 // kept too\n  b: Int\n  index i { terms [.a] }\n  ttl_days 3; history_days 4\n}\n",
        "@alias(C)\ncollection A {\n  a: Int = 2\n  c: Int\n  index i {\n    terms [.a]\n    values [.c]\n  }\n  check ok ((x) => {\n    x.a\n  })\n  history_days 5\n}\n",
        "@alias(C)\ncollection A {\n  // kept\n  a: Int = 2 // kept too\n  index i { terms [.a]\n    values [.c]\n  }\n  history_days 5\n  check ok ((x) => {\n    x.a\n  })\n  c: Int\n}\n",
    );
    patched(
        "collection A { a: Int = 1; b: { c: Int = 2 }; compute d = (.a) }",
        "collection A { a: String; b: { c: Int = 3 }; compute d = (.b) }",
        "collection A { a: String; b: { c: Int = 3 }; compute d = (.b) }",
    );
    patched(
        "// A\ncollection A {}",
        "@alias(B) collection A { a: Int }",
        "// A\n@alias(B)\ncollection A {\n  a: Int\n}",
    );
    patched(
        "collection A {\n  migrations {\n    add .a // why\n  }\n}",
        "collection A {\n  migrations {\n    add .a\n    drop .b\n  }\n}",
        // What begins a line is indented twice, as by the original.
        "collection A {\n  migrations {\n      add .a\n      drop .b\n    }\n}",
    );
}

#[test]
fn members_stand_before_the_brace_though_a_semicolon_ends_the_item() {
    patched(
        "collection A {\n\n}; ;",
        "collection A { a: Int; migrations { add .a; backfill .a = 1 } }",
        "collection A {\n  migrations {\n    add .a\n    backfill .a = 1\n  }\n  a: Int\n}; ;",
    );
}

#[test]
fn functions_and_roles() {
    patched(
        "function  f( a ) /* b */ { a  } // c",
        "function f(a: Int): Int { a + 1 }",
        "function  f(a: Int): Int /* b */ {\n  a + 1\n} // c",
    );
    patched(
        "role R {\n  privileges A {\n    read // all\n    write\n  }\n  membership U\n}\n",
        "role R {\n  privileges A {\n    read {\n      predicate ((x) => true)\n    }\n    create\n  }\n  membership U {\n    predicate ((x) => x.y)\n  }\n}\n",
        "role R {\n  privileges A {\n    read {\n      predicate ((x) => true)\n    } // all\n    create\n  }\n  membership U {\n    predicate ((x) => x.y)\n  }\n}\n",
    );
}

/// A file that cannot be read keeps its text, and what was in it is written anew.
#[test]
fn unreadable_files() {
    let file = parsed("collection A {}");
    let stored = [Source::new("a.fsl", "collection {")];
    let files = patch(&stored, &schema(&items(&file)), &by_id);
    assert_eq!(files[0].text.as_deref(), Some("collection {"));
    assert_eq!(&*files[1].name, "main.fsl");
}
