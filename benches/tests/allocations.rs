//! Does a decision allocate?

#![expect(clippy::unwrap_used, reason = "what a test cannot set up fails it")]

use allocation_counter::measure;
use permitlab_benches::subject::{ask, compile, read};
use permitlab_benches::workload::{Family, Workload, w1, w1_with_every_layer};

#[track_caller]
fn check(workload: &Workload) {
    let (compiled, asked) = (compile(&read(&workload.policies).unwrap()), ask(&workload.call).unwrap());
    // The first call fills tables that the whole program shares.
    assert_eq!(compiled.decide(&asked), workload.answer, "{}", workload.name);
    let mut answer = None;
    let allocations = measure(|| answer = Some(compiled.decide(&asked)));
    assert_eq!(answer, Some(workload.answer), "{}", workload.name);
    assert_eq!(allocations.count_total, 0, "{}", workload.name);
}

#[test]
fn a_warm_decision_allocates_nothing() {
    for workload in [w1(), w1_with_every_layer()].into_iter().chain(Family::ALL.map(|shape| shape.of(1_000))) {
        check(&workload);
    }
}

/// The count is one that can fail: an explanation keeps what it saw.
#[test]
fn an_explanation_allocates() {
    let workload = w1();
    let (compiled, asked) = (compile(&read(&workload.policies).unwrap()), ask(&workload.call).unwrap());
    let allocations = measure(|| assert_eq!(compiled.explain(&asked).0, workload.answer));
    assert!(allocations.count_total > 0);
}
