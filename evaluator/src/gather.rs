//! Which policies apply to a request, layer by layer?
//!
//! Rules R5.3 to R5.6 and R5.11 to R5.16: identity-side policies come from the caller's account, resource-side ones
//! from the resource's.

use smallvec::SmallVec;

use crate::account::AccountId;
use crate::context::RequestContext;
use crate::eval::View;
use crate::layer::{Layer, StatementRef};
use crate::policy::{Policies, Policy, PolicySet, PolicyType, Statement};
use crate::principal::Principal;
use crate::request::Request;
use crate::service::{self, Held};
use crate::truth::Unstated;
use crate::world::World;
use crate::world::identity::User;
use crate::world::kms::Grant;
use crate::world::organization::Controls;

/// The levels of a hierarchy, from the root down. AWS has seven at most.
pub type Levels<'w> = SmallVec<[Policies<'w>; 7]>;

/// The policies that apply. `None` says that the layer has no say.
#[derive(Debug, Clone, Default)]
pub struct Applicable<'w> {
    /// RCPs of the resource's account, level by level from the root down.
    pub rcp: Option<Levels<'w>>,
    /// SCPs of the caller's account, level by level from the root down.
    pub scp: Option<Levels<'w>>,
    /// The policies of the VPC endpoint.
    pub vpc_endpoint: Option<Policies<'w>>,
    /// The resource-based policy.
    pub resource: Option<&'w Policy>,
    /// The grants of the key the call is about.
    pub grants: &'w [Grant],
    /// The account that owns the resource.
    pub resource_account: Option<AccountId>,
    /// The caller's identity-based policies; `None` for callers that cannot have any.
    pub identity: Option<Policies<'w>>,
    /// The caller's permissions boundary.
    pub boundary: Option<Policies<'w>>,
    /// The session policies of the caller's session.
    pub session: Option<Policies<'w>>,
    /// Whether the caller belongs to the management account, which SCPs do not reach (R5.5).
    pub principal_in_management_account: bool,
    /// Whether the resource belongs to the management account, which RCPs do not reach (R5.6).
    pub resource_in_management_account: bool,
}

/// Finds the policies that apply to a request in a world. `endpoint` is the id of the VPC endpoint the call came
/// through, if any.
pub fn gather<'w>(world: &'w World, request: &Request, endpoint: Option<&str>) -> Applicable<'w> {
    let owner = world.owner(&request.resource.arn).or(request.resource.account);
    let held = service::held(world, request);
    let caller = request.principal.account();
    let key = world.key(&request.resource.arn);
    // RCPs do not reach AWS managed keys (R5.6, R6.32).
    let rcps_reach = !key.is_some_and(|key| key.is_aws_managed);
    let (identity, boundary) = identity_side(world, &request.principal);
    let endpoint = endpoint.and_then(|id| world.endpoint(id));
    Applicable {
        rcp: owner.filter(|_| rcps_reach).and_then(|owner| controls(world, owner, |level| &level.rcps)),
        scp: caller.and_then(|caller| controls(world, caller, |level| &level.scps)),
        vpc_endpoint: endpoint.and_then(|endpoint| endpoint.policy.as_deref()).map(Policies::One),
        resource: match held {
            Held::Policy(policy) => Some(policy),
            Held::Nothing | Held::Unseen => None,
        },
        grants: key.map(|key| key.grants.as_slice()).unwrap_or_default(),
        resource_account: owner,
        identity,
        boundary: boundary.map(Policies::One),
        session: world.session(&request.principal).and_then(|session| session.policies.as_ref()).map(Policies::Set),
        principal_in_management_account: caller.is_some_and(|caller| manages(world, caller)),
        resource_in_management_account: owner.is_some_and(|owner| manages(world, owner)),
    }
}

/// The control policies above an account, level by level; `None` for an account outside the organization.
fn controls(world: &World, account: AccountId, of: fn(&Controls) -> &PolicySet) -> Option<Levels<'_>> {
    let (organization, member) = world.membership(account)?;
    Some(organization.levels(member).map(of).map(Policies::Set).collect())
}

fn manages(world: &World, account: AccountId) -> bool {
    world.organization.as_ref().is_some_and(|organization| organization.management_account == account)
}

/// The caller's identity-based policies, `None` for callers that cannot have any, and its permissions boundary.
fn identity_side<'w>(world: &'w World, principal: &Principal) -> (Option<Policies<'w>>, Option<&'w Policy>) {
    static NONE: PolicySet = PolicySet::NONE;
    let user = |user: &'w User| (&user.policies, user.boundary.as_deref());
    let found = match principal {
        Principal::User(identity) => world.user(identity).map(user),
        Principal::RoleSession { role, .. } => {
            world.role(role.account, &role.name).map(|role| (&role.policies, role.boundary.as_deref()))
        }
        Principal::FederatedUser { user: made_by, .. } => {
            made_by.as_ref().and_then(|made_by| world.user(made_by)).map(user)
        }
        Principal::Root { .. } | Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => {
            return (None, None);
        }
    };
    let (policies, boundary) = found.unwrap_or((&NONE, None));
    (Some(Policies::Set(policies)), boundary)
}

impl<'w> Applicable<'w> {
    /// The request as these policies see it; each of them by its own type.
    pub fn view<'r>(&self, request: &'r Request, context: &'r RequestContext, unstated: &'r Unstated) -> View<'r> {
        let has_boundary = self.boundary.is_some();
        View { request, context, kind: PolicyType::Identity, has_boundary, unstated }
    }

    /// The policies of a layer and level.
    pub fn policies(&self, layer: Layer, level: usize) -> Option<Policies<'w>> {
        let of_level = |levels: &Option<Levels<'w>>| levels.as_ref()?.get(level).copied();
        match layer {
            Layer::Rcp => of_level(&self.rcp),
            Layer::Scp => of_level(&self.scp),
            Layer::VpcEndpoint => self.vpc_endpoint,
            Layer::Resource => self.resource.map(Policies::One),
            Layer::Grant => None,
            Layer::Identity => self.identity,
            Layer::Boundary => self.boundary,
            Layer::Session => self.session,
        }
    }

    /// The levels of a layer: one, except for SCPs and RCPs.
    pub fn levels(&self, layer: Layer) -> usize {
        match layer {
            Layer::Rcp => self.rcp.as_ref().map_or(0, SmallVec::len),
            Layer::Scp => self.scp.as_ref().map_or(0, SmallVec::len),
            Layer::VpcEndpoint
            | Layer::Resource
            | Layer::Grant
            | Layer::Identity
            | Layer::Boundary
            | Layer::Session => 1,
        }
    }

    /// The policy and statement a reference names.
    pub fn statement(&self, reference: StatementRef) -> Option<(&'w Policy, &'w Statement)> {
        let policy = self.policies(reference.layer, reference.level)?.get(reference.index.policy())?;
        Some((policy, policy.statements.iter().find(|statement| statement.index == reference.index.statement())?))
    }
}
