//! The documented Bedrock policies: what it costs to read them, to decide by them, and to do both.

#![expect(clippy::expect_used, reason = "a bench that cannot run is a bug")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use permitlab_benches::{KEY_POLICY, ROLE_POLICY, policy, request};
use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::explain::explain;
use permitlab_evaluator::gather::Applicable;
use permitlab_evaluator::policy::{Policy, PolicyType};
use permitlab_evaluator::truth::Rules;

fn policies() -> Option<(Policy, Policy)> {
    Some((policy(ROLE_POLICY, PolicyType::Identity)?, policy(KEY_POLICY, PolicyType::Key)?))
}

fn applicable<'p>(role: &'p Policy, key: &'p Policy) -> Applicable<'p> {
    Applicable { identity: Some(vec![role]), resource: Some(key), ..Applicable::default() }
}

fn cold() -> Option<Decision> {
    let (role, key) = policies()?;
    let (request, context) = request("us-east-1")?;
    Some(decide(&applicable(&role, &key), &request, &context, Rules::NONE))
}

fn seed(criterion: &mut Criterion) {
    let (role, key) = policies().expect("the documented policies are valid");
    let applicable = applicable(&role, &key);
    assert_eq!(cold().map(|decision| decision.effect), Some(Effect::Allow));

    let mut group = criterion.benchmark_group("seed");
    group.bench_function("parse", |bench| bench.iter(policies));
    for (region, effect, name) in
        [("us-east-1", Effect::Allow, "an allow"), ("eu-west-1", Effect::ImplicitDeny, "a deny")]
    {
        let (request, context) = request(region).expect("the request is valid");
        let decision = decide(&applicable, &request, &context, Rules::NONE);
        assert_eq!(decision.effect, effect);
        group.bench_function(format!("decide {name}"), |bench| {
            bench.iter(|| decide(black_box(&applicable), black_box(&request), black_box(&context), Rules::NONE));
        });
        group.bench_function(format!("explain {name}"), |bench| {
            bench.iter(|| {
                explain(black_box(&applicable), black_box(&request), black_box(&context), black_box(&decision))
            });
        });
    }
    group.bench_function("parse and decide", |bench| bench.iter(cold));
    group.finish();
}

criterion_group!(benches, seed);
criterion_main!(benches);
