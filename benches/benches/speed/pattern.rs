//! What does the worst pattern cost?
//!
//! Patterns and texts of 10,000 characters each: those that make a matcher try again from every character of the text.

use std::hint::black_box;

use criterion::Criterion;
use permitlab_benches::subject::Like;

/// Characters of each pattern and of each text.
const LENGTH: usize = 10_000;

/// A pattern of this length that begins so, goes on with the second part again and again, and ends so.
fn pattern(start: &str, again: &str, end: &str) -> String {
    let times = (LENGTH - start.len() - end.len()) / again.len();
    format!("{start}{}{end}", again.repeat(times))
}

pub(crate) fn longest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pattern");
    let text = "a".repeat(LENGTH);
    let cases = [
        ("stars", pattern("", "*", "b*")),
        ("letters between stars", pattern("", "a*", "b*")),
        ("one part", pattern("*", "a", "b*")),
        ("one part with question marks", pattern("*", "a?", "b*")),
        (
            "a part of half the length with a question mark",
            pattern(&format!("*{}?b", "a".repeat(LENGTH / 2)), "*", "*"),
        ),
        ("a part of half the length with question marks", pattern(&format!("*{}b", "a?".repeat(LENGTH / 4)), "*", "*")),
    ];
    for (name, pattern) in cases {
        let pattern = Like::read(&pattern);
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert!(!black_box(&pattern).matches(black_box(&text)), "{name}"));
        });
    }
    group.finish();
}
