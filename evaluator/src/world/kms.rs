//! Which KMS keys exist, in which state, who owns them, and which grants do they carry?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::AccountId;
use crate::arn::Arn;
use crate::catalog;
use crate::catalog::kms::Operation;
use crate::condition::operator::{Base, Operator, SetOperator};
use crate::condition::{Condition, Operand};
use crate::context::ConditionKey;
use crate::json::Text;
use crate::policy::{Policy, Version, Written};
use crate::principal::PrincipalPattern;
use crate::source::Span;

/// A KMS key.
#[derive(Debug, Clone)]
pub struct KmsKey {
    /// Its ARN.
    pub arn: Arn,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its key policy (R5.17: exactly one).
    pub policy: Arc<Policy>,
    /// Its state.
    pub state: KeyState,
    /// Its alias names (`alias/app`); `None` when nobody stated them (R6.36).
    pub aliases: Option<Vec<String>>,
    /// Its tags; `None` when nobody stated them (R6.36).
    pub tags: Option<BTreeMap<String, String>>,
    /// Whether it is a multi-Region key, and of which kind.
    pub multi_region: MultiRegion,
    /// Whether AWS manages it for one of its services: its policy is AWS's, and RCPs do not reach it (R6.32).
    pub is_aws_managed: bool,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048` …
    pub spec: Box<str>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY` …
    pub usage: Box<str>,
    /// `AWS_KMS`, `EXTERNAL` …
    pub origin: Box<str>,
    /// Its grants, in order.
    pub grants: Vec<Grant>,
}

/// A grant (R6.22): one grantee, some operations, perhaps constraints. It only ever allows.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What messages call it: `key/eval[0]`.
    pub name: Box<str>,
    /// The whole grant.
    pub span: Span,
    /// Who may use the key by it (R6.23).
    pub grantee: Written<PrincipalPattern>,
    /// The operations it permits.
    pub operations: Vec<Written<&'static Operation>>,
    /// What calls it is limited to; all must hold.
    pub constraints: Vec<Constraint>,
    /// Who may retire it (R6.30).
    pub retiring_principal: Option<Written<PrincipalPattern>>,
    /// The account it was issued under (R6.26); `None` is the account of its key.
    pub issuing_account: Option<AccountId>,
}

/// What limits the calls a grant is good for (R6.27).
#[derive(Debug, Clone)]
pub enum Constraint {
    /// `EncryptionContextEquals`: the encryption context is exactly this.
    EncryptionContextEquals(Pairs),
    /// `EncryptionContextSubset`: the encryption context holds these pairs.
    EncryptionContextSubset(Pairs),
    /// `SourceArn`: a condition on `aws:SourceArn`.
    SourceArn(Condition),
}

/// The pairs of an encryption context, compared by case.
#[derive(Debug, Clone)]
pub struct Pairs {
    /// The pairs.
    pub pairs: BTreeMap<String, String>,
    /// Where they stand.
    pub span: Span,
}

impl KmsKey {
    /// A key as `CreateKey` makes it by default: symmetric, in use, without aliases, tags and grants.
    pub fn new(arn: Arn, account: AccountId, policy: Arc<Policy>) -> Self {
        Self {
            arn,
            account,
            policy,
            state: KeyState::Enabled,
            aliases: Some(Vec::new()),
            tags: Some(BTreeMap::new()),
            multi_region: MultiRegion::No,
            is_aws_managed: false,
            spec: "SYMMETRIC_DEFAULT".into(),
            usage: "ENCRYPT_DECRYPT".into(),
            origin: "AWS_KMS".into(),
            grants: Vec::new(),
        }
    }
}

impl Constraint {
    /// The constraint on the resource a service acts for: a condition on `aws:SourceArn` inside the grant.
    pub fn source_arn(text: Text) -> Self {
        let (span, key) = (text.span(), ConditionKey::new("aws:SourceArn"));
        let operator = Operator { set: SetOperator::None, base: Base::ArnLike, if_exists: false };
        let operands = vec![Operand::new(text, operator, Version::V2008)];
        let key_type = catalog::key_type(&key);
        Self::SourceArn(Condition { operator, key, key_type, operands, operator_span: span, key_span: span, span })
    }

    /// AWS's name for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EncryptionContextEquals(_) => "EncryptionContextEquals",
            Self::EncryptionContextSubset(_) => "EncryptionContextSubset",
            Self::SourceArn(_) => "SourceArn",
        }
    }

    /// Where its value stands.
    pub const fn span(&self) -> Span {
        match self {
            Self::EncryptionContextEquals(pairs) | Self::EncryptionContextSubset(pairs) => pairs.span,
            Self::SourceArn(condition) => condition.span,
        }
    }
}

/// The kinds of multi-Region key (R6.35).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MultiRegion {
    /// It lives in one Region.
    No,
    /// The key that others replicate.
    Primary,
    /// A key with the id and the material of a primary key in another Region, and with a policy of its own.
    Replica,
    /// A multi-Region key; nobody stated which of the two.
    Unstated,
}

impl MultiRegion {
    /// Whether it is a multi-Region key of either kind.
    pub const fn is_multi_region(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// The states of a key (R6.34).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// In use.
    Enabled,
    /// Switched off.
    Disabled,
    /// Waiting to be deleted.
    PendingDeletion,
    /// A multi-Region primary key waiting for its replicas to be deleted.
    PendingReplicaDeletion,
    /// Without key material yet.
    PendingImport,
    /// Its custom key store is out of reach.
    Unavailable,
    /// A replica that is being made.
    Creating,
    /// A multi-Region key whose primary is being changed.
    Updating,
}

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Enabled,
        Self::Disabled,
        Self::PendingDeletion,
        Self::PendingReplicaDeletion,
        Self::PendingImport,
        Self::Unavailable,
        Self::Creating,
        Self::Updating,
    ];

    /// AWS's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingReplicaDeletion => "PendingReplicaDeletion",
            Self::PendingImport => "PendingImport",
            Self::Unavailable => "Unavailable",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
