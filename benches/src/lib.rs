//! The work the benches measure: the documented policies of a Bedrock model evaluation job.

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::context::RequestContext;
use permitlab_evaluator::derive::context;
use permitlab_evaluator::json::Placeholders;
use permitlab_evaluator::policy::{Document, Policy, PolicyType, parse};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource, Via};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::world::World;

/// The documented policy of the service role.
pub const ROLE_POLICY: &str = include_str!("../../scenarios/policies/role-eval-kms.json");
/// The documented key policy.
pub const KEY_POLICY: &str = include_str!("../../scenarios/policies/key-eval.json");

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/eval-service";

/// What stands for the placeholders of the documented policies.
#[derive(Debug)]
pub struct Vars;

impl Placeholders for Vars {
    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "region" => Some("us-east-1"),
            "accountId" | "CustomerAccountId" => Some("111122223333"),
            "keyId" => Some("1234abcd-12ab-34cd-56ef-1234567890ab"),
            _ => None,
        }
    }
}

/// Reads and checks a policy; `None` if it is refused.
pub fn policy(text: &str, kind: PolicyType) -> Option<Policy> {
    let mut sources = SourceMap::new();
    let id = sources.add("policy", text).ok()?;
    let mut document = Document::read("policy", id, text).ok()?;
    document.fill(&Vars);
    parse(&document, kind).policy
}

/// The role's Decrypt through S3 in a Region, and its context; `None` never, unless the constants are broken.
pub fn request(region: &str) -> Option<(Request, RequestContext)> {
    let resource = Resource::new(Arn::parse(KEY).ok()?);
    let mut request = Request::new(Principal::parse(ROLE).ok()?, ActionName::parse("kms:Decrypt").ok()?, resource);
    request.via = Some(Via { service: format!("s3.{region}.amazonaws.com").into() });
    let context = context(&World::default(), &request);
    Some((request, context))
}
