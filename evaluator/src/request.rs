//! What is asked: who calls which action on which resource, how the call travels, and what was stated about it?

use std::collections::BTreeMap;

use crate::account::AccountId;
use crate::action::ActionName;
use crate::arn::Arn;
use crate::context::{ConditionKey, Values};
use crate::principal::Principal;

/// One authorization request, before its condition keys are derived.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who calls.
    pub principal: Principal,
    /// The action.
    pub action: ActionName,
    /// The resource.
    pub resource: Resource,
    /// The Region of the endpoint; `None` means the resource's.
    pub region: Option<Box<str>>,
    /// The service that forwards the call (forward access session).
    pub via: Option<Via>,
    /// The resource on whose behalf a service principal calls.
    pub source: Option<Source>,
    /// The encryption context of a cryptographic operation, case kept.
    pub encryption_context: BTreeMap<String, String>,
    /// Condition keys stated by hand: `None` states that the key is absent.
    pub context: BTreeMap<ConditionKey, Option<Values>>,
    /// The grant a `RetireGrant` call retires, by its name in the world; `None` means any that the key carries.
    pub retires: Option<Box<str>>,
    /// The time of the call, in a form date operators read; `None` when it was not stated.
    pub now: Option<Box<str>>,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its ARN. An action without a resource is judged against the account form (R2.8):
    /// `arn:aws:kms:us-east-1:111122223333:*`.
    pub arn: Arn,
    /// The account that owns it, where its ARN has none (S3) or differs.
    pub account: Option<AccountId>,
    /// Whether the action has no resource at all (R2.8).
    pub is_wide: bool,
    /// The alias the caller named the key by, if any: `alias/app`.
    pub alias: Option<Box<str>>,
}

/// The service that forwards a call on behalf of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The value of `kms:ViaService`: `s3.us-east-1.amazonaws.com`.
    pub service: Box<str>,
}

/// The resource that made a service principal call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The value of `aws:SourceArn`.
    pub arn: Box<str>,
    /// The value of `aws:SourceAccount`, when the ARN or the caller tells it.
    pub account: Option<AccountId>,
}

impl Resource {
    /// The resource an ARN names.
    pub fn new(arn: Arn) -> Self {
        Self { account: arn.account(), arn, is_wide: false, alias: None }
    }

    /// The stand-in for the resource of an action that has none (R2.8).
    pub fn wide(arn: Arn) -> Self {
        Self { is_wide: true, ..Self::new(arn) }
    }

    /// Whether it is an alias of KMS, which has permissions of its own (R6.12).
    pub fn is_alias(&self) -> bool {
        self.arn.service() == "kms" && self.arn.resource().starts_with("alias/")
    }
}

impl Request {
    /// A direct request with nothing stated beyond who, what and on what.
    pub fn new(principal: Principal, action: ActionName, resource: Resource) -> Self {
        Self {
            principal,
            action,
            resource,
            region: None,
            via: None,
            source: None,
            encryption_context: BTreeMap::new(),
            context: BTreeMap::new(),
            retires: None,
            now: None,
        }
    }

    /// The Region of the endpoint: the one stated, or the resource's.
    pub fn endpoint_region(&self) -> &str {
        self.region.as_deref().unwrap_or(self.resource.arn.region())
    }
}
