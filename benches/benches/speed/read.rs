//! What does it cost to read and check policies, and to make them ready to decide?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use permitlab_benches::subject::{compile as ready, read};
use permitlab_benches::workload::{Family, Policies, w1};

fn bytes(policies: &Policies) -> u64 {
    policies.identity.iter().chain(&policies.key).map(|text| text.len() as u64).sum()
}

pub(super) fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for workload in [w1(), Family::W2.of(1_000), Family::W2.of(10_000), Family::W2.of(100_000)] {
        group.throughput(Throughput::Bytes(bytes(&workload.policies)));
        group.bench_function(&workload.name, |bench| {
            bench.iter(|| read(black_box(&workload.policies)).expect("the policies are valid"));
        });
    }
    group.finish();
}

pub(super) fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    for workload in [w1(), Family::W2.of(1_000), Family::W2.of(10_000), Family::W2.of(100_000)] {
        let read = read(&workload.policies).expect("the policies are valid");
        group.bench_function(&workload.name, |bench| bench.iter(|| ready(black_box(&read))));
    }
    group.finish();
}
