//! What do other engines need for the same work, beside ours, in the same run?
//!
//! All get the same policies and the same call and have to give the same answer before anything is measured. `iam-rs` reads
//! the same JSON, as one flat list without layers. Cedar gets a hand translation: a policy for each statement.

#![expect(clippy::expect_used, reason = "a bench that cannot run is a bug")]

mod cedar;
mod iam;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use permitlab_benches::subject;
use permitlab_benches::workload::{Family, Workload, w1};

/// How large the largest set is that a peer is given: beyond it a single decision takes a tenth of a second.
const LARGEST: usize = 10_000;

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

fn workloads() -> impl Iterator<Item = Workload> {
    let w2 = Family::SIZES.into_iter().filter(|size| *size <= LARGEST).map(|size| Family::W2.of(size));
    std::iter::once(w1()).chain(w2).chain([Family::W3.of(LARGEST), Family::W4.of(LARGEST)])
}

/// Everything ready: policies, call.
fn warm(criterion: &mut Criterion) {
    for workload in workloads() {
        let mut group = criterion.benchmark_group(format!("peers {}", workload.name));
        let right = workload.answer;

        let read = subject::read(&workload.policies).expect("the policies are valid");
        let (ours, asked) = (subject::compile(&read), subject::ask(&workload.call).expect("the call is valid"));
        let (iam, iam_call) = (iam::read(&workload.policies), iam::ask(&workload.call));
        let (cedar, cedar_call) = (cedar::read(&cedar::translate(&workload)), cedar::ask(&workload.call));
        assert_eq!([ours.decide(&asked), iam.decide(&iam_call)], [right; 2], "{}", workload.name);
        assert_eq!(cedar.decide(&cedar_call), right, "{}", workload.name);

        group.bench_function("permitlab", |bench| {
            bench.iter(|| assert_eq!(black_box(&ours).decide(black_box(&asked)), right));
        });
        group.bench_function("iam-rs", |bench| {
            bench.iter(|| assert_eq!(black_box(&iam).decide(black_box(&iam_call)), right));
        });
        group.bench_function("cedar-policy", |bench| {
            bench.iter(|| assert_eq!(black_box(&cedar).decide(black_box(&cedar_call)), right));
        });
        group.finish();
    }
}

/// Policies ready; the call comes as strings.
fn strings(criterion: &mut Criterion) {
    for workload in [w1(), Family::W2.of(LARGEST)] {
        let mut group = criterion.benchmark_group(format!("peers {} from strings", workload.name));
        let (right, call) = (workload.answer, &workload.call);
        let read = subject::read(&workload.policies).expect("the policies are valid");
        let (ours, iam) = (subject::compile(&read), iam::read(&workload.policies));
        let cedar = cedar::read(&cedar::translate(&workload));
        group.bench_function("permitlab", |bench| {
            bench.iter(|| assert_eq!(subject::ask(black_box(call)).map(|asked| ours.decide(&asked)), Some(right)));
        });
        group.bench_function("iam-rs", |bench| {
            bench.iter(|| assert_eq!(iam.decide(&iam::ask(black_box(call))), right));
        });
        group.bench_function("cedar-policy", |bench| {
            bench.iter(|| assert_eq!(cedar.decide(&cedar::ask(black_box(call))), right));
        });
        group.finish();
    }
}

/// Text to decision.
fn cold(criterion: &mut Criterion) {
    for workload in [w1(), Family::W2.of(LARGEST)] {
        let mut group = criterion.benchmark_group(format!("peers {} cold", workload.name));
        let (right, call, policies) = (workload.answer, &workload.call, &workload.policies);
        let translated = cedar::translate(&workload);
        ours_cold(&mut group, &workload);
        group.bench_function("iam-rs", |bench| {
            bench.iter(|| assert_eq!(iam::read(black_box(policies)).decide(&iam::ask(black_box(call))), right));
        });
        group.bench_function("cedar-policy", |bench| {
            bench.iter(|| assert_eq!(cedar::read(black_box(&translated)).decide(&cedar::ask(black_box(call))), right));
        });
        group.finish();
    }
}

fn ours_cold(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload) {
    group.bench_function("permitlab", |bench| {
        bench.iter(|| {
            let answer = subject::cold(black_box(&workload.policies), black_box(&workload.call));
            assert_eq!(answer, Some(workload.answer));
        });
    });
}

criterion_group! {
    name = peers;
    config = short();
    targets = warm, strings, cold
}
criterion_main!(peers);
