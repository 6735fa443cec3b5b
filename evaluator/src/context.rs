//! What does the request context say about a condition key, and how do we know?
//!
//! A key is *present* with a value or values, *absent*, or *unstated*: nobody said (R4.24, R8.4). Each entry
//! remembers what it was derived from, so that an explanation can point there.

mod known;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use indexmap::IndexMap;
use memchr::{memchr, memchr2};
use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use crate::glob::fold;
use crate::truth::{Keys, Rule};

/// The name of a condition key. Names ignore case (R4.3); the written form is kept for messages.
///
/// A name is read once: copies of it are cheap, and finding one in a [`RequestContext`] compares numbers before text.
#[derive(Clone)]
pub struct ConditionKey(Name);

#[derive(Clone)]
enum Name {
    /// One of the names that every program knows.
    Known(&'static Symbol),
    Other(Arc<Symbol>),
}

/// A name with what is asked of it again and again.
struct Symbol {
    written: SmolStr,
    folded: SmolStr,
    hash: u64,
    /// Bytes of `folded` before the first colon, and of the family's name; 0 where there is none.
    prefix: usize,
    family: usize,
}

/// Value or values of a key in the request context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A single-valued key.
    One(String),
    /// A multivalued key; may be empty.
    Many(Vec<String>),
}

/// What the request context says about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// The key is in the request context.
    Present(Values),
    /// The key is not in the request context.
    Absent,
    /// Nobody said. Evaluated as absent, and reported where it could matter.
    Unstated,
}

/// What an entry of the request context was derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The check, question or line stated the key itself.
    Stated,
    /// The world states it for every call.
    World,
    /// The principal that calls.
    Principal,
    /// The resource that is called upon.
    Resource,
    /// The Region of the endpoint.
    Region,
    /// `via:`, the service that forwards the call.
    Via,
    /// `for:`, the resource a service principal acts for.
    For,
    /// The encryption context of the call.
    EncryptionContext,
    /// The operation that is called.
    Operation,
    /// The frozen clock.
    Clock,
    /// What the caller's session was made with.
    Session,
    /// The VPC endpoint the call came through.
    Endpoint,
}

/// A key's state, where it comes from, and the rule it rests on if that is unsure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the context says.
    pub presence: Presence,
    /// How we know.
    pub origin: Origin,
    /// The unsure rule this rests on, and what its other reading says.
    pub doubt: Option<Doubt>,
}

/// What the other reading of an unsure rule says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The rule.
    pub rule: Rule,
    /// The other state; [`Presence::Unstated`] when it could be any.
    pub otherwise: Presence,
}

/// The request context: condition keys and what is known of each.
#[derive(Debug, Clone, Default)]
pub struct RequestContext {
    entries: IndexMap<ConditionKey, Entry, FxBuildHasher>,
    /// Few enough to be looked through.
    families: Vec<(ConditionKey, Entry)>,
    is_closed: bool,
}

/// Whatever can say what the request context holds for a key.
pub trait Lookup {
    /// The state of a key.
    fn entry(&self, key: &ConditionKey) -> &Entry;

    /// The number of a key that nobody stated. Without a list of its own, the last for every key.
    fn mark(&self, _key: &ConditionKey) -> Keys {
        Keys::LAST
    }
}

impl Entry {
    /// A key that is not in the request context because nothing puts it there.
    pub const ABSENT: Self = Self { presence: Presence::Absent, origin: Origin::Operation, doubt: None };
    /// A key AWS may send, of which nobody said anything.
    pub const UNSTATED: Self = Self { presence: Presence::Unstated, origin: Origin::Operation, doubt: None };
}

impl Lookup for RequestContext {
    fn entry(&self, key: &ConditionKey) -> &Entry {
        self.recorded(key).unwrap_or(if self.is_closed { &Entry::ABSENT } else { &Entry::UNSTATED })
    }
}

impl ConditionKey {
    /// A key of this name.
    pub fn new(name: &str) -> Self {
        match known::symbol(name) {
            Some(symbol) => Self(Name::Known(symbol)),
            None => Self(Name::Other(Arc::new(Symbol::new(name)))),
        }
    }

    fn symbol(&self) -> &Symbol {
        match &self.0 {
            Name::Known(symbol) => symbol,
            Name::Other(symbol) => symbol,
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.symbol().written
    }

    /// The name as compared: in lower case.
    pub fn folded(&self) -> &str {
        &self.symbol().folded
    }

    /// The service or `aws` before the first colon, folded.
    pub fn prefix(&self) -> &str {
        let symbol = self.symbol();
        symbol.folded.get(..symbol.prefix).unwrap_or_default()
    }

    /// The family of a key with a part to fill: `aws:PrincipalTag/` of `aws:PrincipalTag/team`,
    /// `kms:EncryptionContext:` of `kms:EncryptionContext:aws:s3:arn`. Folded.
    pub fn family(&self) -> Option<&str> {
        let symbol = self.symbol();
        symbol.folded.get(..symbol.family).filter(|family| !family.is_empty())
    }
}

impl Symbol {
    fn new(written: &str) -> Self {
        let folded = fold(written);
        let prefix = memchr(b':', folded.as_bytes());
        let family = prefix.and_then(|colon| {
            let part = folded.as_bytes().get(colon + 1..)?;
            Some(colon + 1 + memchr2(b'/', b':', part)? + 1)
        });
        let hash = FxBuildHasher.hash_one(&folded);
        Self { written: written.into(), hash, prefix: prefix.unwrap_or(0), family: family.unwrap_or(0), folded }
    }
}

/// How many keys a request that stands alone has room for.
const BARE: usize = 14;

impl RequestContext {
    /// A context that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A context in which every key without a record is absent.
    pub fn closed() -> Self {
        let entries = IndexMap::with_capacity_and_hasher(BARE, FxBuildHasher);
        Self { entries, is_closed: true, ..Self::default() }
    }

    /// Whether every key without a record is absent.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Records a key. A later record replaces an earlier one.
    pub fn set(&mut self, key: &str, presence: Presence, origin: Origin) {
        self.record(ConditionKey::new(key), presence, origin);
    }

    /// Records a key whose name was read before.
    pub fn record(&mut self, key: ConditionKey, presence: Presence, origin: Origin) {
        self.entries.insert(key, Entry { presence, origin, doubt: None });
    }

    /// Records a single value.
    pub fn present(&mut self, key: &str, value: impl Into<String>, origin: Origin) {
        self.set(key, Presence::Present(Values::One(value.into())), origin);
    }

    /// Records that a key is absent.
    pub fn absent(&mut self, key: &str, origin: Origin) {
        self.set(key, Presence::Absent, origin);
    }

    /// Records what holds for every key of a family (`aws:PrincipalTag/`) that has no record of its own.
    pub fn family(&mut self, family: &str, presence: Presence, origin: Origin) {
        let (family, entry) = (ConditionKey::new(family), Entry { presence, origin, doubt: None });
        match self.families.iter_mut().find(|(other, _)| *other == family) {
            Some((_, former)) => *former = entry,
            None => self.families.push((family, entry)),
        }
    }

    /// Marks a recorded key as resting on an unsure rule.
    pub fn doubt(&mut self, key: &str, rule: Rule, otherwise: Presence) {
        if let Some(entry) = self.entries.get_mut(&ConditionKey::new(key)) {
            entry.doubt = Some(Doubt { rule, otherwise });
        }
    }

    /// What is recorded of a key, by itself or through its family; `None` when nothing is.
    pub fn recorded(&self, key: &ConditionKey) -> Option<&Entry> {
        self.entries.get(key).or_else(|| {
            let family = key.family()?;
            self.families.iter().find(|(other, _)| other.folded() == family).map(|(_, entry)| entry)
        })
    }

    /// Whether a key is known not to be sent, by a record of its own and for certain.
    pub fn is_ruled_out(&self, key: &ConditionKey) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.presence == Presence::Absent && entry.doubt.is_none())
    }

    /// The recorded keys in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = (&ConditionKey, &Entry)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter()
    }
}

impl Values {
    /// All values.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(value) => write!(f, "`{value}`"),
            Self::Many(values) => {
                write!(f, "[{}]", values.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl PartialEq for ConditionKey {
    fn eq(&self, other: &Self) -> bool {
        let (own, other) = (self.symbol(), other.symbol());
        std::ptr::eq(own, other) || (own.hash == other.hash && own.folded == other.folded)
    }
}

impl Eq for ConditionKey {}

impl PartialOrd for ConditionKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ConditionKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for ConditionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.symbol().hash);
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_keep_it() {
        let (key, other) = (ConditionKey::new("AWS:SourceIP"), ConditionKey::new("aws:sourceIp"));
        assert_eq!(key, other);
        assert_eq!(key.to_string(), "AWS:SourceIP");
    }

    #[test]
    fn a_family_speaks_for_keys_without_a_record() {
        let mut context = RequestContext::new();
        context.family("aws:PrincipalTag/", Presence::Absent, Origin::Principal);
        context.present("aws:PrincipalTag/team", "a", Origin::Principal);
        let state = |name: &str| context.recorded(&ConditionKey::new(name)).map(|entry| entry.presence.clone());
        assert_eq!(state("aws:principaltag/TEAM"), Some(Presence::Present(Values::One("a".into()))));
        assert_eq!(state("aws:PrincipalTag/other"), Some(Presence::Absent));
        assert_eq!(state("aws:ResourceTag/team"), None);
        assert_eq!(ConditionKey::new("kms:EncryptionContext:aws:s3:arn").family(), Some("kms:encryptioncontext:"));
        assert_eq!(ConditionKey::new("kms:EncryptionContextKeys").family(), None);
    }
}
