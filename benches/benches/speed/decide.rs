//! What does a decision cost: with everything ready, from strings, and from the text of the policies?

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use permitlab_benches::subject::{ask, cold as from_text, compile, read};
use permitlab_benches::workload::{Family, Workload, w1, w1_with_every_layer};

pub(super) fn warm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for workload in [w1(), w1_with_every_layer()] {
        ready(&mut group, &workload);
    }
    for family in Family::ALL {
        for size in Family::SIZES {
            ready(&mut group, &family.of(size));
        }
    }
    group.finish();

    let mut group = criterion.benchmark_group("decide from strings");
    for workload in [w1(), Family::W2.of(10_000)] {
        strings(&mut group, &workload);
    }
    group.finish();
}

/// Compiled policies, a call that was read before.
fn ready(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload) {
    let read = read(&workload.policies).expect("the policies are valid");
    let (compiled, asked) = (compile(&read), ask(&workload.call).expect("the call is valid"));
    assert_eq!(compiled.judge(&asked), (workload.answer, workload.decided_by.clone()));
    group.bench_function(&workload.name, |bench| {
        bench.iter(|| assert_eq!(black_box(&compiled).decide(black_box(&asked)), workload.answer));
    });
}

/// Compiled policies; the call comes as strings: ARNs, action, context.
fn strings(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload) {
    let read = read(&workload.policies).expect("the policies are valid");
    let compiled = compile(&read);
    group.bench_function(&workload.name, |bench| {
        bench.iter(|| {
            let asked = ask(black_box(&workload.call)).expect("the call is valid");
            assert_eq!(black_box(&compiled).decide(&asked), workload.answer);
        });
    });
}

/// Text to decision.
pub(super) fn cold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cold");
    for workload in [w1(), Family::W2.of(10_000)] {
        group.bench_function(&workload.name, |bench| {
            bench.iter(|| {
                let answer = from_text(black_box(&workload.policies), black_box(&workload.call));
                assert_eq!(answer, Some(workload.answer));
            });
        });
    }
    group.finish();
}
