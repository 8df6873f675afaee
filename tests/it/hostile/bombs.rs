//! Small queries for large values: doubled arrays, objects, strings and sets. Walking them is refused, and memory is bounded.

use super::run;

#[test]
fn values_that_explode() {
    run(&[
        (
            "Array.sequence(0, 60).fold([1], (xs, i) => [xs, xs]).length",
            "ok",
        ),
        ("Set.sequence(0, 2000000000).toArray()", "value_too_large"),
        ("Set.sequence(0, 2000000000).reverse().first()", "ok"),
        ("Array.sequence(0, 16001)", "value_too_large"),
        ("Array.sequence(0, 2000000000)", "value_too_large"),
        ("Array.sequence(-2147483648, 2147483647)", "value_too_large"),
        ("Array.sequence(0, 9223372036854775807)", "invalid_argument"),
        ("Array.sequence(5, 0)", "ok"),
        (
            "Array.sequence(0, 30).fold([1], (xs, i) => xs.concat(xs))",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 40).fold('x', (s, i) => s + s)",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 40).fold('x', (s, i) => \"#{s}#{s}\")",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 40).fold('x', (s, i) => s.concat(s))",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 9).fold('x', (s, i) => s.replaceAll('x', @1000*x@))",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 9).fold('x', (s, i) => s.replaceAllRegex('x', @1000*x@))",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 9).fold('x', (s, i) => s.replaceAll('', @1000*x@))",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 40).fold('x', (s, i) => s.toUpperCase() + s)",
            "value_too_large",
        ),
        (
            "let s = Array.sequence(0, 16000); s.flatMap(i => s).length",
            "value_too_large",
        ),
    ]);
}

/// Every way to walk a value that holds itself many times over.
#[test]
fn doubled_values_are_not_walked() {
    let cases: Vec<_> = [
        ("a", "value_too_large"),
        ("[a, 1]", "value_too_large"),
        ("{ x: a }", "value_too_large"),
        ("a == a", "ok"),
        ("a == b", "value_too_large"),
        ("a != b", "value_too_large"),
        ("a == 1", "ok"),
        ("a == [1, 2]", "ok"),
        ("[b].includes(a)", "value_too_large"),
        ("[b].indexOf(a)", "value_too_large"),
        ("[a, b].distinct().length", "value_too_large"),
        ("[a, b].order().length", "value_too_large"),
        (
            "[1, 2].order(x => if (x == 1) a else b).length",
            "value_too_large",
        ),
        ("[a, b].toSet().distinct().count()", "value_too_large"),
        ("[a, b].toSet().order().count()", "value_too_large"),
        ("[b].toSet().includes(a)", "value_too_large"),
        ("[a].toSet().paginate(1)", "value_too_large"),
        (
            "Set.sequence(0, 20).map(x => [x, a][0]).paginate(1)",
            "value_too_large",
        ),
        ("a.toString()", "value_too_large"),
        ("\"#{a}\"", "value_too_large"),
        ("'' + a", "value_too_large"),
        ("dbg(a).length", "value_too_large"),
        ("log(a)", "value_too_large"),
        ("abort(a)", "value_too_large"),
        ("Item.create({ a: a })", "value_too_large"),
        ("Item.byId('1')!.update({ a: a })", "value_too_large"),
        ("Item.byGroup(a)", "value_too_large"),
        ("Object.assign({}, { a: a }).a.length", "ok"),
        ("[a].flatten().flatten().length", "ok"),
        ("Object.keys(c)", "ok"),
        ("c", "value_too_large"),
        ("c == d", "value_too_large"),
        ("Object.toString(c)", "value_too_large"),
    ]
    .into_iter()
    .map(|(end, expected)| {
        let arrays = "Array.sequence(0, 30).fold(Same([1]), (xs, i) => [xs, xs])";
        let objects = "{ a: Array.sequence(0, 30).fold(Same({}), (xs, i) => { a: xs, b: xs }) }";
        // `Same` hides the type, which is as large.
        let made = ["a", "b", "c", "d"].iter().filter(|name| {
            end.split(|c: char| !c.is_alphanumeric())
                .any(|word| word == **name)
        });
        let made: String = made
            .map(|name| match *name {
                "a" | "b" => format!("let {name}: Any = {arrays}\n"),
                _ => format!("let {name}: Any = {objects}\n"),
            })
            .collect();
        (format!("{made}{end}"), expected)
    })
    .collect();
    run(&cases);
}

/// The limit is one on address space, so that what goes beyond it ends the program and not the machine.
#[cfg(unix)]
#[test]
fn memory_is_bounded() {
    let string = "let s = Array.sequence(0, 22).fold('ab', (s, i) => s + s)";
    let many = "let s = Array.sequence(0, 16000)";
    let bombs = [
        format!("{string}; s.length"),
        format!("{string}; Array.sequence(0, 16000).map(i => s + i.toString()).length"),
        format!("{string}; Array.sequence(0, 16000).map(i => \"#{{s}}#{{i}}\").length"),
        format!("{string}; Array.sequence(0, 16000).map(i => s)"),
        format!("{string}; Array.sequence(0, 16000).map(i => s).toString()"),
        format!("{string}; Array.sequence(0, 400).map(i => {{ log(s + i.toString()); 1 }}).length"),
        format!("{many}; Array.sequence(0, 16000).map(i => s.concat(s)).length"),
        format!("{many}; Array.sequence(0, 16000).map(i => Array.sequence(0, 16000)).length"),
        "Array.sequence(0, 30).fold([1], (xs, i) => [xs, xs])".to_string(),
        "Array.sequence(0, 30).fold({ a: 1 }, (xs, i) => { a: xs, b: xs })".to_string(),
        "{ let a = x => x\n".to_string() + &"let a = [a, a]\n".repeat(60) + "a.length }",
    ];
    for (at, bomb) in bombs.iter().enumerate() {
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -v 2500000 && exec \"$0\" --quiet -e \"$1\""])
            .args([
                env!("CARGO_BIN_EXE_fql"),
                &format!(
                    ":set typecheck {}\n{bomb}",
                    if at == 10 { "on" } else { "off" }
                ),
            ])
            .env_remove("FAUNA_SECRET")
            .output()
            .expect("the program");
        let said = String::from_utf8_lossy(&output.stderr);
        let start: String = said.chars().take(300).collect();
        let status = i32::from(at != 0);
        assert_eq!(output.status.code(), Some(status), "{bomb}: {start}");
        assert!(
            at == 0
                || said.contains("Value too large")
                || said.contains("static typing time limit"),
            "{bomb}: {start}"
        );
    }
}
