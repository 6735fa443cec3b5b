//! How do the calls of an access table travel?
//!
//! Calls of a service are direct or made for a resource (`aws:SourceArn`), other calls direct or forwarded by a service that
//! `kms:ViaService` names. Each is asked without an encryption context, and with each that a statement wants. A path of the
//! table states no condition key; one that two versions are compared by may.

use std::collections::{BTreeMap, BTreeSet};

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::glob::{self, Case};
use permitlab_evaluator::policy::Statement;
use permitlab_evaluator::principal::Principal;

use super::near::{self, is_compared};
use crate::facts::Facts;

/// How a call travels.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The service that forwards it.
    pub via: Option<String>,
    /// The resource a service acts for.
    pub source: Option<String>,
    /// Condition keys that are stated, where nothing else says what they are.
    pub stated: BTreeMap<String, String>,
    /// The encryption context.
    pub encryption_context: BTreeMap<String, String>,
}

impl Path {
    /// Whether a caller's calls travel so: those of services are made for a resource, and are not forwarded. A service
    /// acts for resources of its own.
    pub fn fits(&self, caller: &Principal) -> bool {
        match caller {
            Principal::Service(host) => {
                let is_own = |source: &String| {
                    Arn::parse(source).is_ok_and(|arn| host.split('.').any(|label| label == arn.service()))
                };
                self.via.is_none() && self.source.as_ref().is_none_or(is_own)
            }
            Principal::User(_)
            | Principal::RoleSession { .. }
            | Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Federated(_)
            | Principal::Anonymous => self.source.is_none(),
        }
    }

    /// Whether two paths differ in no more than the encryption context.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (&self.via, &self.source, &self.stated) == (&other.via, &other.source, &other.stated)
    }

    /// The path without its encryption context, in words.
    pub fn base(&self) -> String {
        let way = match (&self.via, &self.source) {
            (Some(via), _) => format!("via {via}"),
            (None, Some(source)) => format!("for {source}"),
            (None, None) => "directly".to_owned(),
        };
        match listed(&self.stated) {
            Some(stated) => format!("{way} where {stated}"),
            None => way,
        }
    }

    /// The path in words.
    pub fn whole(&self) -> String {
        match self.pairs() {
            Some(pairs) => format!("{} with {pairs}", self.base()),
            None => format!("{} without encryption context", self.base()),
        }
    }

    /// The encryption context, if there is one.
    pub(super) fn pairs(&self) -> Option<String> {
        listed(&self.encryption_context)
    }
}

fn listed(pairs: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// Where the keys of a world are: what stands in for a Region or an account that a pattern leaves open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home<'f> {
    pub(super) region: &'f str,
    pub(super) account: &'f str,
}

impl<'f> Home<'f> {
    pub(super) fn of(facts: &'f Facts) -> Self {
        let key = facts.held_keys().next();
        Self {
            region: key.map_or("us-east-1", |key| key.arn.region()),
            account: key.map_or("111122223333", |key| key.account.as_str()),
        }
    }

    pub(super) fn example(self, pattern: &str) -> String {
        near::example(pattern, self.region, self.account)
    }
}

/// The paths of a world.
pub(super) fn paths(facts: &Facts, statements: &[&Statement]) -> BTreeSet<Path> {
    let conditions: Vec<&Condition> = statements.iter().flat_map(|statement| &statement.conditions).collect();
    let home = Home::of(facts);
    let vias: BTreeSet<String> = operands(&conditions, VIA).filter_map(|host| near::host(host, home.region)).collect();
    let jobs: BTreeSet<&str> = facts.vars.iter().map(|(_, value)| value).filter(|value| is_job(value)).collect();
    // What a policy names stands in where no var does.
    let is_stated = |pattern: &str| {
        let tokens = glob::tokens(pattern);
        jobs.iter().any(|job| glob::matches(&tokens, job, Case::Sensitive))
    };
    let named = operands(&conditions, SOURCE).filter(|pattern| !is_stated(pattern));
    let named: BTreeSet<String> = named.map(|text| home.example(text)).filter(|arn| Arn::parse(arn).is_ok()).collect();
    let bases = std::iter::once(Path::default())
        .chain(vias.into_iter().map(|via| Path { via: Some(via), ..Path::default() }))
        .chain(
            jobs.iter()
                .map(|job| (*job).to_owned())
                .chain(named)
                .map(|source| Path { source: Some(source), ..Path::default() }),
        );
    let wanted: BTreeSet<Wanted> = statements.iter().flat_map(|statement| wanted(statement)).collect();
    let mut paths = BTreeSet::new();
    for base in bases {
        paths.extend(wanted.iter().map(|wanted| with(facts, &base, wanted)));
        paths.insert(base);
    }
    paths
}

/// The key of the service that forwards a call, in lower case.
pub(super) const VIA: &str = "kms:viaservice";

/// The key of the resource a service acts for, in lower case.
pub(super) const SOURCE: &str = "aws:sourcearn";

/// What the keys of pairs of the encryption context begin with, in lower case.
pub(super) const PAIR: &str = "kms:encryptioncontext:";

/// What the conditions on a key compare it with.
pub(super) fn operands<'s>(conditions: &[&'s Condition], key: &'static str) -> impl Iterator<Item = &'s str> {
    let own = conditions.iter().copied().filter(move |each| each.key.folded() == key && is_compared(each));
    own.flat_map(|condition| &condition.operands).map(|operand| operand.text.as_str())
}

/// A resource that makes a service call: an ARN of anything but an identity or a key.
fn is_job(value: &str) -> bool {
    Arn::parse(value).is_ok_and(|arn| !["iam", "sts", "kms", "s3"].contains(&arn.service()))
}

/// The name of the pair of the encryption context that a condition is about.
pub(super) fn pair(condition: &Condition) -> Option<&str> {
    let is_pair = condition.key.folded().starts_with(PAIR) && is_compared(condition);
    condition.key.as_str().get(PAIR.len()..).filter(|_| is_pair)
}

/// An encryption context that a statement wants: the names, and a pattern of the value each.
pub(super) type Wanted = BTreeMap<String, String>;

/// The encryption contexts a statement wants: with the first value of each pair, and with each other value of one.
pub(super) fn wanted(statement: &Statement) -> Vec<Wanted> {
    let mut first = Wanted::new();
    let mut further = Vec::new();
    for condition in statement.conditions.iter().filter(|each| !each.operator.base.is_negated()) {
        let Some(name) = pair(condition) else { continue };
        let mut values = condition.operands.iter().map(|operand| operand.text.as_str().to_owned());
        if let Some(value) = values.next() {
            first.insert(name.to_owned(), value);
        }
        further.extend(values.map(|value| (name.to_owned(), value)));
    }
    let further: Vec<Wanted> = further
        .into_iter()
        .map(|(name, value)| {
            let mut wanted = first.clone();
            wanted.insert(name, value);
            wanted
        })
        .collect();
    std::iter::once(first).chain(further).collect()
}

/// A path with an encryption context that a statement wants.
pub(super) fn with(facts: &Facts, base: &Path, wanted: &Wanted) -> Path {
    let value =
        |(name, pattern): (&String, &String)| (name.clone(), value(facts, base.source.as_deref(), name, pattern));
    Path { encryption_context: wanted.iter().map(value).collect(), ..base.clone() }
}

/// A value for a pair that its pattern matches: the resource a service acts for, a var, or else made up. Where the pattern
/// takes anything, only one that the name of the pair speaks of.
fn value(facts: &Facts, source: Option<&str>, name: &str, pattern: &str) -> String {
    let tokens = glob::tokens(pattern);
    let is_open = pattern.chars().all(|c| c == '*');
    let fits = |value: &str| glob::matches(&tokens, value, Case::Sensitive);
    let name = folded(name);
    let is_arn = name.ends_with("arn");
    let own = source.filter(|source| fits(source) && (!is_open || is_arn));
    let named = |(var, _): &(&str, &str)| !is_open || !folded(var).is_empty() && name.ends_with(&folded(var));
    let vars = || facts.vars.iter().filter(|(_, value)| fits(value));
    let known = || vars().find(named).or_else(|| vars().find(|(_, value)| is_open && is_arn && is_job(value)));
    own.or_else(|| known().map(|(_, value)| value)).map_or_else(|| Home::of(facts).example(pattern), str::to_owned)
}

/// The letters and digits of a name in lower case.
fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The account of an ARN.
pub(super) fn account_of(arn: &str) -> Option<AccountId> {
    Arn::parse(arn).ok().and_then(|arn| arn.account())
}
