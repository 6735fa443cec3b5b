//! What does a policy say, once checked?
//!
//! A policy has two shapes. The [`Document`] is the text as written: lossless, with the place
//! of everything. The [`Policy`] is what the text means: every string read into the type that owns its rules, for
//! evaluation. [`parse()`] goes from the first to the second and reports everything wrong on the way.

pub mod document;
pub mod grammar;
pub mod index;
pub mod parse;
pub mod pattern;
pub mod set;
pub mod variable;

use crate::account::AccountId;
use crate::action::{ActionName, ActionPattern};
use crate::condition::Condition;
use crate::json::Text;
use crate::policy::index::{InTime, Index, WORTHWHILE};
use crate::policy::pattern::ArnPattern;
use crate::principal::PrincipalPattern;
use crate::source::Span;

pub use document::Document;
pub use grammar::PolicyType;
pub use parse::{parse, read};
pub use set::{Policies, PolicySet};

/// A checked policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What messages call it: its path under `policies/` without `.json`.
    pub name: Box<str>,
    /// Where it is attached, which decides its grammar.
    pub kind: PolicyType,
    /// The language version it is written in.
    pub version: Version,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    index: Option<InTime<Index>>,
}

/// The version of the policy language (R1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`, also when `Version` is missing: `${…}` is plain text.
    V2008,
    /// `2012-10-17`: policy variables work.
    V2012,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its place in the policy, from 0.
    pub index: usize,
    /// Its id, if it has one.
    pub sid: Option<Text>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it speaks of; `None` in policy types without principals.
    pub principal: Option<PrincipalElement>,
    /// What it speaks of.
    pub action: ActionElement,
    /// On what.
    pub resource: ResourceElement,
    /// When: all must hold.
    pub conditions: Vec<Condition>,
    /// The whole statement.
    pub span: Span,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub struct PrincipalElement {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// The entries.
    pub entries: Vec<Written<PrincipalPattern>>,
    /// The element's value.
    pub span: Span,
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub struct ActionElement {
    /// Whether it is `NotAction`.
    pub negated: bool,
    /// The entries.
    pub patterns: Vec<Written<ActionPattern>>,
    /// The element's value.
    pub span: Span,
}

/// `Resource` or `NotResource`, or what stands in for them.
#[derive(Debug, Clone)]
pub enum ResourceElement {
    /// The element as written.
    Listed {
        /// Whether it is `NotResource`.
        negated: bool,
        /// The entries.
        patterns: Vec<Written<ArnPattern>>,
        /// The element's value.
        span: Span,
    },
    /// Missing where AWS stores the statement and ignores it: a key policy (R1.10).
    Missing,
    /// The policy's own resource: a trust policy (R1.10).
    Own,
}

/// A value read from a string of the policy.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// The string.
    pub text: Text,
    /// What it means.
    pub value: T,
}

impl ActionElement {
    /// Whether a statement with it is about an action.
    #[inline]
    pub fn covers(&self, action: &ActionName) -> bool {
        let listed = self.patterns.iter().any(|pattern| pattern.value.matches(action));
        listed != self.negated
    }
}

impl Statement {
    /// What messages call the statement after the policy's name: its `Sid`, or `[2]`.
    pub fn label(&self) -> String {
        match &self.sid {
            Some(sid) => sid.as_str().to_owned(),
            None => format!("[{}]", self.index),
        }
    }
}

impl Policy {
    /// A policy of these statements.
    pub fn new(name: Box<str>, kind: PolicyType, version: Version, statements: Vec<Statement>) -> Self {
        let index = (statements.len() > WORTHWHILE).then(InTime::default);
        Self { name, kind, version, statements, index }
    }

    /// Makes ready for many requests now, rather than once there have been some.
    pub fn prepare(&self) {
        if let Some(index) = &self.index {
            index.now(|| Index::new(self.statements.iter()));
        }
    }

    /// The policy with canonical ids read as the accounts they belong to, as S3 does (R3.8). An id of an account that
    /// nobody knows keeps naming nobody.
    #[must_use]
    pub fn with_canonical_users(mut self, account_of: impl Fn(&str) -> Option<AccountId>) -> Self {
        let elements = self.statements.iter_mut().filter_map(|statement| statement.principal.as_mut());
        for entry in elements.flat_map(|element| &mut element.entries) {
            if let PrincipalPattern::CanonicalUser(id) = &entry.value
                && let Some(account) = account_of(id)
            {
                entry.value = PrincipalPattern::Account(account);
            }
        }
        self
    }

    /// The reference of a statement: `key-eval#[1]`. Two statements with one Sid are told apart by number.
    pub fn reference(&self, statement: &Statement) -> String {
        let label = statement.label();
        let same = |other: &&Statement| other.sid.is_some() && other.label() == label;
        if self.statements.iter().filter(same).count() > 1 {
            return format!("{}#[{}]", self.name, statement.index);
        }
        format!("{}#{label}", self.name)
    }
}
