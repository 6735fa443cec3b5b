//! What does a decision cost in an organization of 1,000 roles and 200 keys, and what does reading its policies?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use permitlab_benches::organization::{Organization, organization};
use permitlab_benches::subject::World;

const ROLES: usize = 1_000;
const KEYS: usize = 200;
/// How many of the 200,000 pairs a round asks.
const PAIRS: usize = 2_000;

pub(super) fn world(criterion: &mut Criterion) {
    let organization = organization(ROLES, KEYS);
    let mut group = criterion.benchmark_group("world");
    group.bench_function("read", |bench| {
        bench.iter(|| World::read(black_box(&organization)).expect("the policies are valid"));
    });

    let world = World::read(&organization).expect("the policies are valid");
    // Steps that share no factor with the numbers of roles and keys reach all parts of the world.
    let pairs = (0..PAIRS).map(|number| (number * 379 % ROLES, (number * 61 + number / KEYS) % KEYS));
    let asked: Vec<_> = pairs
        .filter_map(|(role, key)| {
            let answer = Organization::answer(organization.roles.get(role)?, organization.keys.get(key)?);
            Some((role, key, answer))
        })
        .collect();
    assert_eq!(asked.len(), PAIRS);
    group.throughput(Throughput::Elements(PAIRS as u64));
    group.bench_function("authorize", |bench| {
        bench.iter(|| {
            for (role, key, answer) in black_box(&asked) {
                assert_eq!(world.authorize(*role, *key), Some(*answer));
            }
        });
    });
    group.finish();
}
