//! What does a decision cost that is explained?

use std::hint::black_box;

use criterion::Criterion;
use permitlab_benches::subject::{ask, compile, read};
use permitlab_benches::workload::{Family, w1, w1_with_every_layer};

pub(super) fn explain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("explain");
    for workload in [w1(), w1_with_every_layer(), Family::W2.of(100), Family::W2.of(10_000)] {
        let read = read(&workload.policies).expect("the policies are valid");
        let (compiled, asked) = (compile(&read), ask(&workload.call).expect("the call is valid"));
        group.bench_function(&workload.name, |bench| {
            bench.iter(|| {
                let (answer, statements) = black_box(&compiled).explain(black_box(&asked));
                assert!(answer == workload.answer && statements > 0);
            });
        });
    }
    group.finish();
}
