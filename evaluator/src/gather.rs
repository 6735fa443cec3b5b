//! Which policies apply to a request, layer by layer?
//!
//! Rules R5.3 to R5.6 and R5.11 to R5.16: identity-side policies come from the caller's account, resource-side ones
//! from the resource's.

use std::sync::Arc;

use crate::account::AccountId;
use crate::layer::{Layer, StatementRef};
use crate::policy::{Policy, Statement};
use crate::principal::Principal;
use crate::request::Request;
use crate::service::{self, Held};
use crate::world::World;
use crate::world::identity::User;
use crate::world::kms::Grant;
use crate::world::organization::Controls;

/// The policies that apply. `None` says that the layer has no say.
#[derive(Debug, Clone, Default)]
pub struct Applicable<'w> {
    /// RCPs of the resource's account, one list a level from the root down.
    pub rcp: Option<Vec<Vec<&'w Policy>>>,
    /// SCPs of the caller's account, one list a level from the root down.
    pub scp: Option<Vec<Vec<&'w Policy>>>,
    /// The policies of the VPC endpoint.
    pub vpc_endpoint: Option<Vec<&'w Policy>>,
    /// The resource-based policy.
    pub resource: Option<&'w Policy>,
    /// The grants of the key the call is about.
    pub grants: Vec<&'w Grant>,
    /// The account that owns the resource.
    pub resource_account: Option<AccountId>,
    /// The caller's identity-based policies; `None` for callers that cannot have any.
    pub identity: Option<Vec<&'w Policy>>,
    /// The caller's permissions boundary.
    pub boundary: Option<Vec<&'w Policy>>,
    /// The session policies of the caller's session.
    pub session: Option<Vec<&'w Policy>>,
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
        vpc_endpoint: endpoint.and_then(|endpoint| endpoint.policy.as_deref()).map(|policy| vec![policy]),
        resource: match held {
            Held::Policy(policy) => Some(policy),
            Held::Nothing | Held::Unseen => None,
        },
        grants: key.map(|key| key.grants.iter().collect()).unwrap_or_default(),
        resource_account: owner,
        identity,
        boundary: boundary.map(|policy| vec![policy]),
        session: world.session(&request.principal).and_then(|session| session.policies.as_deref()).map(attached),
        principal_in_management_account: caller.is_some_and(|caller| manages(world, caller)),
        resource_in_management_account: owner.is_some_and(|owner| manages(world, owner)),
    }
}

fn attached(policies: &[Arc<Policy>]) -> Vec<&Policy> {
    policies.iter().map(AsRef::as_ref).collect()
}

/// The control policies above an account, level by level; `None` for an account outside the organization.
fn controls(world: &World, account: AccountId, of: fn(&Controls) -> &Vec<Arc<Policy>>) -> Option<Vec<Vec<&Policy>>> {
    let (organization, member) = world.membership(account)?;
    Some(organization.levels(member).into_iter().map(|level| attached(of(level))).collect())
}

fn manages(world: &World, account: AccountId) -> bool {
    world.organization.as_ref().is_some_and(|organization| organization.management_account == account)
}

/// The caller's identity-based policies, `None` for callers that cannot have any, and its permissions boundary.
fn identity_side<'w>(world: &'w World, principal: &Principal) -> (Option<Vec<&'w Policy>>, Option<&'w Policy>) {
    let user = |user: &'w User| (attached(&user.policies), user.boundary.as_deref());
    let found = match principal {
        Principal::User(identity) => world.user(identity).map(user),
        Principal::RoleSession { role, .. } => {
            world.role(role.account, &role.name).map(|role| (attached(&role.policies), role.boundary.as_deref()))
        }
        Principal::FederatedUser { user: made_by, .. } => {
            made_by.as_ref().and_then(|made_by| world.user(made_by)).map(user)
        }
        Principal::Root { .. } | Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => {
            return (None, None);
        }
    };
    let (policies, boundary) = found.unwrap_or_default();
    (Some(policies), boundary)
}

impl<'w> Applicable<'w> {
    /// The policies of a layer and level.
    pub fn policies(&self, layer: Layer, level: usize) -> &[&'w Policy] {
        match layer {
            Layer::Rcp => level_of(self.rcp.as_deref(), level),
            Layer::Scp => level_of(self.scp.as_deref(), level),
            Layer::VpcEndpoint => self.vpc_endpoint.as_deref().unwrap_or_default(),
            Layer::Resource => self.resource.as_slice(),
            Layer::Grant => &[],
            Layer::Identity => self.identity.as_deref().unwrap_or_default(),
            Layer::Boundary => self.boundary.as_deref().unwrap_or_default(),
            Layer::Session => self.session.as_deref().unwrap_or_default(),
        }
    }

    /// The levels of a layer: one, except for SCPs and RCPs.
    pub fn levels(&self, layer: Layer) -> usize {
        match layer {
            Layer::Rcp => self.rcp.as_ref().map_or(0, Vec::len),
            Layer::Scp => self.scp.as_ref().map_or(0, Vec::len),
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
        let policy = *self.policies(reference.layer, reference.level).get(reference.index.policy)?;
        Some((policy, policy.statements.iter().find(|statement| statement.index == reference.index.statement)?))
    }
}

fn level_of<'p, 'w>(levels: Option<&'p [Vec<&'w Policy>]>, level: usize) -> &'p [&'w Policy] {
    levels.and_then(|levels| levels.get(level)).map(Vec::as_slice).unwrap_or_default()
}
