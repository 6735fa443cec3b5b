//! `iam-rs`: the same JSON, in one flat list.

use std::collections::HashMap;

use iam_rs::{
    Arn, Context, ContextValue, Decision, EvaluationOptions, IAMPolicy, IAMRequest, PolicyEvaluator, Principal,
    PrincipalId,
};
use permitlab_benches::workload::{Answer, Call, Policies};

pub(super) struct Engine(PolicyEvaluator);

pub(super) fn read(policies: &Policies) -> Engine {
    let policies = policies.identity.iter().chain(&policies.key);
    let policies = policies.map(|text| IAMPolicy::from_json(text).expect("iam-rs reads the policy"));
    // It gives up after 1,000 statements unless told otherwise.
    let options = EvaluationOptions { max_statements: usize::MAX, ..EvaluationOptions::default() };
    Engine(PolicyEvaluator::with_policies(policies.collect()).with_options(options))
}

pub(super) fn ask(call: &Call) -> IAMRequest {
    let value = |(key, value): &(&str, String)| ((*key).to_owned(), ContextValue::String(value.clone()));
    let context = Context::with_data(call.context.iter().map(value).collect::<HashMap<_, _>>());
    let principal = Principal::Aws(PrincipalId::String(call.principal.clone()));
    let resource = Arn::parse(&call.resource).expect("iam-rs reads the ARN");
    IAMRequest::new_with_context(principal, call.action.clone(), resource, context)
}

impl Engine {
    pub(super) fn decide(&self, request: &IAMRequest) -> Answer {
        match self.0.evaluate(request).expect("iam-rs decides").decision {
            Decision::Allow => Answer::Allow,
            Decision::Deny => Answer::ExplicitDeny,
            Decision::NotApplicable => Answer::ImplicitDeny,
        }
    }
}
