//! Values and sets nested as deep as a program can count.

use super::run;

#[test]
fn values_without_bottom() {
    run(&[
        (
            "Array.sequence(0, 15000).fold(null, (xs, i) => [xs])",
            "value_too_large",
        ),
        (
            "let a = Array.sequence(0, 15000).fold(null, (xs, i) => [xs]); a == a",
            "ok",
        ),
        (
            "let a = Array.sequence(0, 15000).fold(null, (xs, i) => { x: xs }); let b = Array.sequence(0, 15000).fold(null, (xs, i) => { x: xs }); a == b",
            "ok",
        ),
        (
            "let a = Array.sequence(0, 15000).fold(null, (xs, i) => [xs]); Item.create({ a: a })",
            "value_too_large",
        ),
        (
            "let a = Array.sequence(0, 15000).fold(null, (xs, i) => [xs]); [a, a].distinct().length",
            "ok",
        ),
        (
            "let a = Array.sequence(0, 15000).fold(null, (xs, i) => [xs]); a.toString()",
            "ok",
        ),
        (
            "let a = Array.sequence(0, 15000).fold(x => x, (f, i) => (x => f(x))); a(1)",
            "stack_overflow",
        ),
        (
            "let a = Array.sequence(0, 5000).fold([1].toSet(), (s, i) => s.map(x => x)); a.toArray()",
            "ok",
        ),
        (
            "let a = Array.sequence(0, 1000).fold([1].toSet(), (s, i) => s.concat([1].toSet())); a.count()",
            "ok",
        ),
        (
            "let a = Array.sequence(0, 5000).fold(Item.all(), (s, i) => s.where(x => true)); a",
            "ok",
        ),
    ]);
}
