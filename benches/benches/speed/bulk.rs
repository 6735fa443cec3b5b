//! How many lines a second does `permitlab decide` answer?

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use permitlab_benches::lines::{PoliciesOf, are_right, write};
use permitlab_benches::subject;

pub(super) fn bulk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bulk");
    for (name, policies, count) in
        [("policies by define", PoliciesOf::Sets, 20_000), ("policies in each line", PoliciesOf::EachLine, 2_000)]
    {
        let mut lines = Vec::new();
        write(&mut lines, count, policies).expect("memory can be written");
        group.throughput(Throughput::Elements(count as u64));
        for threads in [1, 2] {
            // What cannot run on so many threads has no row.
            let Some(answers) = subject::bulk(&lines, threads) else { continue };
            assert!(are_right(&answers, count));
            group.bench_function(BenchmarkId::new(name, threads), |bench| {
                bench.iter(|| assert_eq!(subject::bulk(black_box(&lines), threads).as_deref(), Some(&*answers)));
            });
        }
    }
    group.finish();
}
