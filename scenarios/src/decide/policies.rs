//! Which policies does a line, or a set, bring along?
//!
//! Each policy is checked against the grammar of the place it stands in, once. The resource's policy is read as what
//! the action makes of it, a key policy, a trust policy or another; a set that does not know its action yet keeps
//! every reading.

use std::sync::Arc;

use permitlab_evaluator::gather::{Applicable, Levels};
use permitlab_evaluator::json::Kind;
use permitlab_evaluator::policy::{self, Policies, Policy, PolicySet, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::source::SourceId;
use permitlab_evaluator::world::kms::Grant;

use super::fault::Fault;
use super::field::Field;
use super::request::Asked;

/// The policies of a line or a set.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    rcp: Vec<PolicySet>,
    scp: Vec<PolicySet>,
    vpc_endpoint: PolicySet,
    resource: Option<ResourcePolicy>,
    identity: PolicySet,
    boundary: PolicySet,
    session: PolicySet,
    grants: Vec<Grant>,
}

/// The resource's policy in each of its readings.
type ResourcePolicy = Vec<(PolicyType, Result<Policy, Fault>)>;

/// What the resource's policy may be read as.
pub(super) const RESOURCE_POLICIES: [PolicyType; 3] = [PolicyType::Key, PolicyType::Resource, PolicyType::Trust];

const FIELDS: [&str; 7] =
    ["identity", "resource", "permissions_boundary", "session", "service_control", "resource_control", "vpc_endpoint"];

impl Bundle {
    /// Reads `policies`, the resource's as each of `readings`. One that is refused in all of them is refused.
    pub(super) fn read(field: &Field<'_>, readings: &[PolicyType]) -> Result<Self, Fault> {
        let fields = field.fields(&FIELDS)?;
        let list = |name: &str, kind: PolicyType| {
            fields.optional(name).map_or(Ok(PolicySet::default()), |all| level(all, kind))
        };
        let levels = |name: &str, kind: PolicyType| match fields.optional(name) {
            Some(levels) => levels.list()?.iter().map(|one| level(one, kind)).collect(),
            None => Ok(Vec::new()),
        };
        Ok(Self {
            rcp: levels("resource_control", PolicyType::ResourceControl)?,
            scp: levels("service_control", PolicyType::ServiceControl)?,
            vpc_endpoint: list("vpc_endpoint", PolicyType::VpcEndpoint)?,
            resource: fields.optional("resource").map(|field| resource(field, readings)).transpose()?,
            identity: list("identity", PolicyType::Identity)?,
            boundary: list("permissions_boundary", PolicyType::Boundary)?,
            session: list("session", PolicyType::Session)?,
            grants: Vec::new(),
        })
    }

    /// The same, with grants.
    #[must_use]
    pub(super) fn with(self, grants: Vec<Grant>) -> Self {
        Self { grants, ..self }
    }

    /// The policies that have a say in a request (R5.9, R5.10, R5.12, R5.13): a caller that cannot have policies of
    /// a kind has none, whatever the set holds.
    pub(super) fn applicable(&self, asked: &Asked) -> Result<Applicable<'_>, Fault> {
        let (has_identity, has_session) = match &asked.request.principal {
            Principal::User(_) => (true, false),
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } => (true, true),
            Principal::Root { .. } | Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => {
                (false, false)
            }
        };
        let is_key = asked.resource_policy() == PolicyType::Key;
        Ok(Applicable {
            rcp: levels(&self.rcp),
            scp: levels(&self.scp),
            vpc_endpoint: limit(&self.vpc_endpoint),
            resource: self.resource(asked.resource_policy())?,
            grants: if is_key { &self.grants } else { &[] },
            resource_account: asked.request.resource.account,
            identity: has_identity.then_some(Policies::Set(&self.identity)),
            boundary: limit(&self.boundary).filter(|_| has_identity),
            session: limit(&self.session).filter(|_| has_session),
            principal_in_management_account: asked.principal_in_management_account,
            resource_in_management_account: asked.resource_in_management_account,
        })
    }

    /// The levels of SCPs that allow nothing since they hold no policy.
    pub(super) fn empty_scp_levels(&self) -> impl Iterator<Item = usize> {
        self.scp.iter().enumerate().filter(|(_, level)| level.is_empty()).map(|(index, _)| index)
    }

    fn resource(&self, kind: PolicyType) -> Result<Option<&Policy>, Fault> {
        let reading = self.resource.iter().flatten().find(|(read_as, _)| *read_as == kind);
        reading.map(|(_, policy)| policy.as_ref().map_err(Clone::clone)).transpose()
    }
}

/// Without a policy there is no such limit.
fn limit(policies: &PolicySet) -> Option<Policies<'_>> {
    (!policies.is_empty()).then_some(Policies::Set(policies))
}

/// Without levels there is no organization.
fn levels(levels: &[PolicySet]) -> Option<Levels<'_>> {
    (!levels.is_empty()).then(|| levels.iter().map(Policies::Set).collect())
}

fn level(field: &Field<'_>, kind: PolicyType) -> Result<PolicySet, Fault> {
    field.list()?.iter().map(|one| read(one, kind).map(Arc::new)).collect()
}

fn resource(field: &Field<'_>, readings: &[PolicyType]) -> Result<ResourcePolicy, Fault> {
    let read: ResourcePolicy = readings.iter().map(|kind| (*kind, read(field, *kind))).collect();
    let is_usable = read.iter().any(|(_, policy)| policy.is_ok());
    match read.iter().find_map(|(_, policy)| policy.as_ref().err()) {
        Some(fault) if !is_usable => Err(fault.clone()),
        Some(_) | None => Ok(read),
    }
}

/// Reads a policy: an object, or a string that holds one. Places count inside its own text.
fn read(field: &Field<'_>, kind: PolicyType) -> Result<Policy, Fault> {
    let text = match field.kind() {
        Kind::String(text) => text.as_str(),
        Kind::Object(_) => field.written(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Array(_) => {
            return Err(field.not("a policy, as an object or as a string that holds one"));
        }
    };
    let path = &*field.path();
    let parsed =
        policy::read(path, SourceId::from_index(0), text, kind).map_err(|error| Fault::of(&error, path, text))?;
    let error = parsed.diagnostics.iter().find(|finding| finding.is_error());
    match (parsed.policy, error) {
        (_, Some(error)) => Err(Fault::of(error, path, text)),
        (Some(policy), None) => Ok(policy),
        (None, None) => Err(field.fault("invalid-policy", format!("this is not {}", kind.describe()))),
    }
}
