//! Would a proposed key policy shut out the one who proposes it?
//!
//! Rule R6.10: KMS takes a key policy from `PutKeyPolicy` or `CreateKey` only if the caller could change it again by its
//! own next `PutKeyPolicy`, unless the call bypasses that check. The question is a call like any other, in the world
//! as the policy would make it.

use std::sync::Arc;

use crate::action::ActionName;
use crate::arn::Arn;
use crate::context::{ConditionKey, Presence, RequestContext, Values};
use crate::policy::Policy;
use crate::request::{Request, Resource};
use crate::world::World;
use crate::world::kms::KmsKey;

/// The id of a key that does not exist yet.
const NEXT_KEY: &str = "00000000-0000-0000-0000-000000000000";

/// The operations that bring a key policy.
pub const OPERATIONS: [&str; 2] = ["CreateKey", "PutKeyPolicy"];

/// The world under a proposed key policy and the `PutKeyPolicy` that must be allowed in it; `None` for a call that
/// brings no key policy, or bypasses the check.
pub fn next_call(
    world: &World,
    request: &Request,
    context: &RequestContext,
    policy: &Arc<Policy>,
) -> Option<(World, Request)> {
    let brings_policy = OPERATIONS.iter().any(|name| request.action.name().eq_ignore_ascii_case(name));
    if request.action.service() != "kms" || !brings_policy || bypasses(context) {
        return None;
    }
    let resource = if request.resource.is_wide { next_key(request)? } else { request.resource.clone() };
    let mut next = world.clone();
    match next.keys.iter_mut().find(|key| key.arn == resource.arn) {
        Some(key) => key.policy = policy.clone(),
        None => next.keys.push(KmsKey::new(resource.arn.clone(), resource.arn.account()?, policy.clone())),
    }
    let action = ActionName::parse("kms:PutKeyPolicy").ok()?;
    Some((next, Request { action, resource, ..request.clone() }))
}

fn bypasses(context: &RequestContext) -> bool {
    let entry = context.recorded(&ConditionKey::new("kms:BypassPolicyLockoutSafetyCheck"));
    let presence = entry.map(|entry| &entry.presence);
    matches!(presence, Some(Presence::Present(Values::One(value))) if value.eq_ignore_ascii_case("true"))
}

/// What `CreateKey` makes: a key of the caller's account in the Region of the call.
fn next_key(request: &Request) -> Option<Resource> {
    let (wide, account) = (&request.resource.arn, request.principal.account()?);
    let (partition, region) = (wide.partition(), request.endpoint_region());
    Arn::parse(&format!("arn:{partition}:kms:{region}:{account}:key/{NEXT_KEY}")).ok().map(Resource::new)
}
