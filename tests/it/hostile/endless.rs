//! Recursion without end, direct and through every kind of callback.

use super::run;

#[test]
fn queries_without_end() {
    run(&[
        ("let f = (f) => f(f); f(f)", "stack_overflow"),
        ("(f => f(f))(f => f(f))", "stack_overflow"),
        (
            "let y = f => (x => f(v => x(x)(v)))(x => f(v => x(x)(v))); y(me => n => me(n + 1))(0)",
            "stack_overflow",
        ),
        ("Ping(1)", "stack_overflow"),
        ("[1].map(x => Ping(x))", "stack_overflow"),
        ("Mirror.byId('1')!.a", "stack_overflow"),
        ("Mirror.all().map(d => d.a).toArray()", "stack_overflow"),
        ("Mirror.byId('1')", "stack_overflow"),
        ("Mirror.all().order(.a).toArray()", "stack_overflow"),
        (
            "let f = (f, n) => [n].map(n => f(f, n + 1)); f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => if (f(f, n)) 1 else 2; f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => { let x = f(f, n); x }; f(f, 0)",
            "stack_overflow",
        ),
        ("let f = (f, n) => f(f, n) + 1; f(f, 0)", "stack_overflow"),
        (
            "let f = (f, n) => \"#{f(f, n)}\"; f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => [1].toSet().map(x => f(f, n)).toArray(); f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => [1].where(x => f(f, n)); f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => [1, 2].fold(0, (a, b) => f(f, n)); f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => [1, 2].reduce((a, b) => f(f, n)); f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => 'a'.replaceAll('a', 'b') + f(f, n); f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => { a: f(f, n) }; f(f, 0)",
            "stack_overflow",
        ),
        (
            "let f = (f, n) => at (Time.now()) { f(f, n) }; f(f, 0)",
            "stack_overflow",
        ),
    ]);
}
