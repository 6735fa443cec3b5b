//! Where do services differ in how their policies combine?
//!
//! Services differ in the answers to a few questions, not in the algorithm: does a resource policy have to let the
//! account's identity policies speak (R5.7, R6.1), which policy is that, whom does the service answer at all, and may
//! the call cross accounts (R6.6)? A service with answers of its own is a row here.

pub mod kms;
pub mod s3;
pub mod sts;

use crate::action::ActionName;
use crate::catalog::{self, resource_policy};
use crate::decision::Unavailable;
use crate::policy::{Policy, PolicyType};
use crate::principal::Principal;
use crate::request::Request;
use crate::world::World;
use crate::world::kms::KeyState;

/// The services whose calls are decided in a way of their own, and all the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Keys, whose policies are the root of trust (R6.1).
    Kms,
    /// Roles and who may assume them (R5.7).
    Sts,
    /// Identities, on which identity-based policies alone decide, `iam:PassRole` included (R5.18).
    Iam,
    /// Buckets, whose policies may let anybody in (R5.15).
    S3,
    /// The default rule (R5.7, R5.11).
    Other,
}

/// How a resource-based policy and the identity-based policies of its own account combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Either allows by itself (R5.7).
    EitherAllows,
    /// The resource policy allows, or delegates to the account, whose identity policies then allow (R5.7, R6.2).
    Delegated,
    /// No resource policy has a say (R6.7, R6.12).
    IdentityOnly,
    /// A grant decides who may retire it; the account that issued it may leave that to its identity policies (R6.30).
    ByGrant,
    /// The call needs no permission, and no policy can deny it.
    Unguarded,
}

/// What a world knows of the resource-based policy that has a say in a request.
#[derive(Debug, Clone, Copy)]
pub enum Held<'w> {
    /// It says this.
    Policy(&'w Policy),
    /// There is none.
    Nothing,
    /// There may be one, and nobody said what it says.
    Unseen,
}

impl Service {
    /// The service an action belongs to.
    pub fn of(action: &ActionName) -> Self {
        match action.service() {
            "kms" => Self::Kms,
            "sts" => Self::Sts,
            "iam" => Self::Iam,
            "s3" => Self::S3,
            _ => Self::Other,
        }
    }

    /// How policies combine for a request of the service.
    pub fn sharing(self, request: &Request) -> Sharing {
        let resource = &request.resource;
        match self {
            Self::Kms if resource.is_wide || !resource.arn.resource().starts_with("key/") => Sharing::IdentityOnly,
            Self::Kms if kms::grant::retires(request) => Sharing::ByGrant,
            Self::Kms => Sharing::Delegated,
            Self::Sts => sts::sharing(request),
            Self::Iam => Sharing::IdentityOnly,
            Self::S3 | Self::Other if resource.is_wide => Sharing::IdentityOnly,
            Self::S3 if s3::makes_bucket(&request.action) => Sharing::IdentityOnly,
            Self::S3 | Self::Other => Sharing::EitherAllows,
        }
    }

    /// Whether the service answers a caller of this kind at all. Unsigned calls are for services that let policies open
    /// their resources to everybody (R3.6, R5.15), and those of identity providers for STS alone (R3.8).
    pub fn serves(self, request: &Request) -> bool {
        match (&request.principal, self) {
            (_, Self::Sts) => sts::serves(&request.principal, &request.action),
            (Principal::Federated(_), _) | (Principal::Anonymous, Self::Kms | Self::Iam) => false,
            (Principal::Anonymous, Self::S3) => true,
            (Principal::Anonymous, Self::Other) => resource_policy::serves_unsigned_calls(&request.action),
            (
                Principal::User(_)
                | Principal::RoleSession { .. }
                | Principal::FederatedUser { .. }
                | Principal::Root { .. }
                | Principal::Service(_),
                _,
            ) => true,
        }
    }

    /// Whether an action may be used on a resource of another account at all: few of KMS's may (R6.6), none of IAM's, and of
    /// S3's not those on the bucket policy itself.
    pub fn works_across_accounts(self, action: &ActionName) -> bool {
        match self {
            Self::Kms => catalog::kms::operation(action).is_some_and(|operation| operation.across_accounts),
            Self::Iam => false,
            Self::S3 => !s3::is_on_policy(action),
            Self::Sts | Self::Other => true,
        }
    }
}

/// The type of the resource-based policy that belongs to a call's resource (R1.10).
pub fn resource_policy_type(action: &ActionName) -> PolicyType {
    match Service::of(action) {
        Service::Kms => PolicyType::Key,
        Service::Sts if sts::is_judged_by_trust(action) => PolicyType::Trust,
        Service::Iam => PolicyType::Trust,
        Service::Sts | Service::S3 | Service::Other => PolicyType::Resource,
    }
}

/// The resource-based policy that has a say in a request.
pub fn held<'w>(world: &'w World, request: &Request) -> Held<'w> {
    let arn = &request.resource.arn;
    let known = |policy: Option<&'w Policy>| policy.map_or(Held::Nothing, Held::Policy);
    let service = Service::of(&request.action);
    match (service.sharing(request), service) {
        (Sharing::IdentityOnly | Sharing::Unguarded, _) | (_, Service::Iam) => Held::Nothing,
        (_, Service::Kms) => known(world.key(arn).map(|key| &*key.policy)),
        (_, Service::Sts) => {
            world.role_of(arn).and_then(|role| role.trust.as_deref()).map_or(Held::Unseen, Held::Policy)
        }
        (_, Service::S3) => world.bucket(arn).map_or(Held::Unseen, |bucket| known(bucket.policy.as_deref())),
        (_, Service::Other) => match world.resource(arn) {
            Some(resource) => known(resource.policy.as_deref()),
            None if resource_policy::may_have_one(arn) => Held::Unseen,
            None => Held::Nothing,
        },
    }
}

/// What a key's state makes of an authorized call; `None` when it goes through.
pub fn refusal(request: &Request, state: KeyState) -> Option<Unavailable> {
    let operation = catalog::kms::operation(&request.action)?;
    let errors = kms::state_errors(operation, state);
    (!errors.is_empty()).then_some(Unavailable::KeyState(errors))
}
