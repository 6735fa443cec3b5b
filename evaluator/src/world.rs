//! Which facts is a request judged against?
//!
//! A [`World`] holds the accounts, identities and keys of a policy repository and the checked policies attached to
//! them. It never changes while requests are judged.

pub mod identity;
pub mod kms;
pub mod network;
pub mod organization;
pub mod places;
pub mod resource;
pub mod s3;

use std::collections::BTreeMap;

use crate::account::AccountId;
use crate::arn::Arn;
use crate::context::{ConditionKey, Values};
use crate::principal::{Identity, Principal};

use identity::{Role, Session, User};
use kms::KmsKey;
use network::Endpoint;
use organization::{Member, Organization};
use places::Places;
use resource::OtherResource;
use s3::Bucket;

/// The facts.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Roles.
    pub roles: Vec<Role>,
    /// Users.
    pub users: Vec<User>,
    /// Sessions with policies, tags or a source identity of their own.
    pub sessions: Vec<Session>,
    /// KMS keys.
    pub keys: Vec<KmsKey>,
    /// S3 buckets.
    pub buckets: Vec<Bucket>,
    /// Resources of other services whose resource-based policies are known.
    pub resources: Vec<OtherResource>,
    /// VPC endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The organization, where there is one.
    pub organization: Option<Organization>,
    /// Condition keys that every call carries, unless a request says otherwise; `None` is stated absence.
    pub context: BTreeMap<ConditionKey, Option<Values>>,
    /// Where the entries of long lists stand.
    pub places: Places,
}

impl World {
    /// The key of this ARN.
    pub fn key(&self, arn: &Arn) -> Option<&KmsKey> {
        self.places.keys.find(&self.keys, arn.as_str(), |key| key.arn.as_str(), |key| key.arn == *arn)
    }

    /// The bucket that an ARN names, or an object of which it names.
    pub fn bucket(&self, arn: &Arn) -> Option<&Bucket> {
        let name = s3::bucket_name(arn)?;
        self.buckets.iter().find(|bucket| *bucket.name == *name)
    }

    /// The resource of another service that an ARN names.
    pub fn resource(&self, arn: &Arn) -> Option<&OtherResource> {
        self.resources.iter().find(|resource| resource.arn == *arn)
    }

    /// The account that owns what an ARN names, where the world says so.
    pub fn owner(&self, arn: &Arn) -> Option<AccountId> {
        let key = self.key(arn).map(|key| key.account);
        let bucket = || self.bucket(arn).map(|bucket| bucket.account);
        key.or_else(bucket).or_else(|| self.resource(arn).map(|resource| resource.account))
    }

    /// The role of this ARN, as the resource of a call.
    pub fn role_of(&self, arn: &Arn) -> Option<&Role> {
        let of_name = arn.account().zip(arn.resource().rsplit('/').next());
        let named = of_name.and_then(|(account, name)| self.role(account, name));
        named.filter(|role| role.identity.is_role_of(arn))
    }

    /// The role of this account and name; a role name is unique in its account (R3.4).
    pub fn role(&self, account: AccountId, name: &str) -> Option<&Role> {
        let is = |role: &Role| role.identity.account == account && *role.identity.name == *name;
        self.places.roles.find(&self.roles, (account, name), |role| (role.identity.account, &*role.identity.name), is)
    }

    /// The user that is this identity.
    pub fn user(&self, identity: &Identity) -> Option<&User> {
        let is = |user: &User| user.identity.account == identity.account && user.identity.name == identity.name;
        let name = (identity.account, &*identity.name);
        self.places.users.find(&self.users, name, |user| (user.identity.account, &*user.identity.name), is)
    }

    /// The session policies, tags and source identity of a caller, where it has any.
    pub fn session(&self, principal: &Principal) -> Option<&Session> {
        self.sessions.iter().find(|session| session.principal == *principal)
    }

    /// The organization and the account's place in it.
    pub fn membership(&self, account: AccountId) -> Option<(&Organization, &Member)> {
        let organization = self.organization.as_ref()?;
        Some((organization, organization.member(account)?))
    }

    /// The VPC endpoint of this id.
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| *endpoint.id == *id)
    }

    /// The tags of the caller, where the world knows the caller and its tags.
    pub fn principal_tags(&self, principal: &Principal) -> Option<&BTreeMap<String, String>> {
        match principal {
            Principal::User(identity) => self.user(identity)?.tags.as_ref(),
            Principal::RoleSession { role, .. } => self.role(role.account, &role.name)?.tags.as_ref(),
            Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => None,
        }
    }
}
