//! Does looking statements up find what looking through them finds?

#![expect(clippy::unwrap_used, reason = "what a test cannot set up fails it")]

use std::sync::Arc;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::context::RequestContext;
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive::bare_context;
use permitlab_evaluator::gather::Applicable;
use permitlab_evaluator::policy::{Document, Policies, Policy, PolicySet, PolicyType, parse};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::Rules;
use proptest::prelude::*;

const ACTIONS: [&str; 12] = [
    "s3:GetObject",
    "S3:getobject",
    "s3:Get*",
    "s3:*",
    "*",
    "s3:*Object",
    "s3:G?tObject",
    "s3:GetObjectTagging",
    "s3:PutObject",
    "kms:Decrypt",
    "s3:GetObjec*",
    "sqs:*",
];

const RESOURCES: [&str; 12] = [
    "*",
    "arn:aws:s3:::data/a",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data",
    "arn:aws:s3:::*",
    "arn:*:s3:::data/?",
    "arn:aws:s3:::d*/a",
    "arn:aws:s3:::${aws:PrincipalTag/x}/a",
    "arn:aws:s3:::data/${aws:username}",
    "arn:aws:s3",
    "arn:aws:s3:::other/*",
    "arn:aws:s3:::data/aa",
];

const CONDITIONS: [&str; 3] = [
    "{}",
    r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
    r#"{"StringEquals":{"aws:PrincipalAccount":"444455556666"}}"#,
];

/// A policy of one statement.
fn statement() -> impl Strategy<Value = String> {
    let some = |pool: &'static [&'static str]| prop::collection::vec(prop::sample::select(pool), 1..3);
    let (actions, resources) = (some(&ACTIONS), some(&RESOURCES));
    let parts = (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (actions, resources, prop::sample::select(&CONDITIONS[..]), parts).prop_map(
        |(actions, resources, condition, (denies, not_action, not_resource))| {
            let effect = if denies { "Deny" } else { "Allow" };
            let (action, resource) = (
                if not_action { "NotAction" } else { "Action" },
                if not_resource { "NotResource" } else { "Resource" },
            );
            format!(
                r#"{{"Effect":"{effect}","{action}":{actions:?},"{resource}":{resources:?},"Condition":{condition}}}"#
            )
        },
    )
}

fn policy(statements: &[String]) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    let id = SourceMap::new().add("policy", text.as_str()).unwrap();
    parse(&Document::read("policy", id, &text).unwrap(), PolicyType::Identity).policy.unwrap()
}

fn decided(policies: Policies<'_>) -> Decision {
    let request = Request::new(
        Principal::parse("arn:aws:iam::111122223333:user/a").unwrap(),
        ActionName::parse("s3:GetObject").unwrap(),
        Resource::new(Arn::parse("arn:aws:s3:::data/a").unwrap()),
    );
    let applicable = Applicable { identity: Some(policies), ..Applicable::default() };
    decide(&applicable, &request, &bare_context(&request), Rules::NONE)
}

/// Everything a decision says where nobody stated a key.
fn open(policies: Policies<'_>) -> String {
    let request = Request::new(
        Principal::parse("arn:aws:iam::111122223333:user/a").unwrap(),
        ActionName::parse("s3:GetObject").unwrap(),
        Resource::new(Arn::parse("arn:aws:s3:::data/a").unwrap()),
    );
    let applicable = Applicable { identity: Some(policies), ..Applicable::default() };
    format!("{:?}", decide(&applicable, &request, &RequestContext::new(), Rules::NONE))
}

#[test]
fn what_is_left_open_does_not_hang_on_an_index() {
    let variable = |number: usize| {
        format!(
            r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::other{number}/${{aws:PrincipalTag/x}}"}}"#
        )
    };
    let key = |number: usize| {
        format!(
            r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalTag/k{number}":"a","aws:RequestTag/b":"b"}}}}}}"#
        )
    };
    let last =
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/last":"a"}}}"#;
    let many: Vec<String> = (0..70).map(key).chain([last.to_owned()]).collect();
    for statements in [(0..20).map(variable).collect::<Vec<_>>(), many] {
        let one = policy(&statements);
        let first = open(Policies::One(&one));
        // Thirty-two asks make an index.
        for _ in 0..40 {
            assert_eq!(open(Policies::One(&one)), first);
        }
        let mut copy = one.clone();
        copy.statements.clear();
        copy.prepare();
        assert_eq!(open(Policies::One(&one)), first, "a copy has an index of its own");
    }
}

/// The effect, and the number of the statement that decided.
fn expected(statements: &[String]) -> (Effect, Option<usize>) {
    let alone: Vec<_> =
        statements.iter().map(|each| decided(Policies::One(&policy(std::slice::from_ref(each)))).effect).collect();
    let first = |effect: Effect| alone.iter().position(|own| *own == effect).map(|at| (effect, Some(at)));
    first(Effect::ExplicitDeny).or_else(|| first(Effect::Allow)).unwrap_or((Effect::ImplicitDeny, None))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_set_and_its_statements_one_by_one_say_the_same(statements in prop::collection::vec(statement(), 17..60)) {
        let (effect, by) = expected(&statements);
        let one = policy(&statements);
        let set: PolicySet = statements.chunks(3).map(|some| Arc::new(policy(some))).collect();
        // Before there is an index and with it.
        for _ in 0..2 {
            let decision = decided(Policies::One(&one));
            prop_assert_eq!((decision.effect, decision.decided_by.map(|by| by.index.statement())), (effect, by));
            let decision = decided(Policies::Set(&set));
            let place = decision.decided_by.map(|by| by.index.policy() * 3 + by.index.statement());
            prop_assert_eq!((decision.effect, place), (effect, by));
            one.prepare();
            set.prepare();
        }
    }
}
