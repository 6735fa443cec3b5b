//! Which statements, grants and attachments differ between two versions of a world?
//!
//! Statements are compared by what they say, not by how it is written: the order of statements, of the members of an object
//! and of the entries of a list, one entry with or without its brackets, the case of actions and condition keys, a `Sid`,
//! and a statement written twice mean nothing.

use std::collections::{BTreeMap, BTreeSet};

use permitlab_evaluator::json::{Kind as JsonKind, Value};
use permitlab_evaluator::policy::document::member;
use permitlab_evaluator::policy::{Document, Policy, PolicyType, Statement};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::kms::{Constraint, Grant};
use serde_json::json;

use crate::facts::{ControlNames, Facts, statement_labels};
use crate::measure::policies;

/// What one version of a world has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What it is called: `trust#Bedrock`, `key/eval[0]`, `role-eval` at `role/eval`.
    pub what: String,
    /// Where it stands, as it is now, or as it was if it is gone: `policies/trust.json:5:5`. What is attached stands in no
    /// place of its own.
    pub place: Option<String>,
    /// What happened to it.
    pub kind: EditKind,
}

/// What happened to a statement, a grant or a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EditKind {
    /// It was not there.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
    /// A policy that both versions have is attached where it was not.
    Attached,
    /// A policy that both versions have is attached no more.
    Detached,
}

impl EditKind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Attached => "attached",
            Self::Detached => "detached",
        }
    }
}

impl Edit {
    /// The edit in words.
    pub fn line(&self) -> String {
        let place = self.place.as_ref().map(|place| format!("  {place}")).unwrap_or_default();
        format!("{}  {}{place}", self.what, self.kind.word())
    }

    /// The edit for programs.
    pub fn json(&self) -> serde_json::Value {
        json!({ "what": self.what, "kind": self.kind.word(), "place": self.place })
    }
}

/// A version of a world: what was written, where, and what it means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'v> {
    pub(super) facts: &'v Facts,
    pub(super) sources: &'v SourceMap,
    pub(super) world: &'v World,
}

/// An edit, and what is needed to say whom it could reach.
#[derive(Debug)]
pub(super) struct Found<'v> {
    pub(super) edit: Edit,
    /// The policy of a statement; who has what is attached.
    pub(super) of: String,
    /// The statement or grant before, as answers name it; of what was attached the beginning.
    pub(super) before: Option<String>,
    /// The statement or grant after, as answers name it; of what is attached the beginning.
    pub(super) after: Option<String>,
    /// The statements, as they were and as they are.
    pub(super) statements: Vec<&'v Statement>,
}

impl Found<'_> {
    /// Whether a statement or grant that decides is the edited one, or of the policy that is attached.
    pub(super) fn is_named(&self, own: Option<&str>, by: Option<&str>) -> bool {
        match (own, by, self.edit.kind) {
            (Some(own), Some(by), EditKind::Attached | EditKind::Detached) => by.starts_with(own),
            (Some(own), Some(by), EditKind::Added | EditKind::Changed | EditKind::Removed) => own == by,
            (None, _, _) | (_, None, _) => false,
        }
    }

    /// Whether a call is one of whom a policy is attached to. The statements of a policy are the same for all.
    pub(super) fn is_at(&self, principal: &str, key: &str) -> bool {
        let is_own = ["role/", "user/", "key/"].iter().any(|kind| self.of.starts_with(kind));
        match self.edit.kind {
            EditKind::Attached | EditKind::Detached => !is_own || self.of == principal || self.of == key,
            EditKind::Added | EditKind::Changed | EditKind::Removed => true,
        }
    }
}

/// What differs between two versions of a world.
pub(super) fn edits<'v>(before: Version<'v>, after: Version<'v>) -> Vec<Found<'v>> {
    let mut found = Vec::new();
    let (old, new) = (attachments(before.facts), attachments(after.facts));
    let names = |all: &BTreeSet<Attachment>| all.iter().map(|each| each.policy.clone()).collect::<BTreeSet<_>>();
    let (old_names, new_names) = (names(&old), names(&new));
    let (old_policies, new_policies) = (by_name(before.world), by_name(after.world));
    for name in old_names.union(&new_names) {
        let side = |version: Version<'v>, is_there: bool, policies: &BTreeMap<&'v str, &'v Policy>| {
            let entry = version.facts.documents.get(name).filter(|_| is_there);
            entry.map(|entry| said(&entry.document, version, policies.get(name.as_str()).copied())).unwrap_or_default()
        };
        let old = side(before, old_names.contains(name), &old_policies);
        let new = side(after, new_names.contains(name), &new_policies);
        found.extend(differing(name, old, new));
    }
    let both = |each: &&Attachment| old_names.contains(&each.policy) && new_names.contains(&each.policy);
    let attached = new.difference(&old).filter(both).map(|each| each.found(EditKind::Attached));
    let detached = old.difference(&new).filter(both).map(|each| each.found(EditKind::Detached));
    found.extend(attached.chain(detached));
    for key in before.facts.keys.keys().chain(after.facts.keys.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (grants(before, key), grants(after, key));
        found.extend(differing(&format!("key/{key}"), old, new));
    }
    found
}

/// A statement or grant as it stands in a version.
#[derive(Debug)]
struct Said<'v> {
    says: Says,
    /// What it is called in its policy: `Bedrock`, `[2]`.
    label: String,
    /// What answers call it.
    name: String,
    place: String,
    statement: Option<&'v Statement>,
}

fn by_name(world: &World) -> BTreeMap<&str, &Policy> {
    policies(world).into_iter().map(|policy| (&*policy.name, policy)).collect()
}

/// The statements of a policy, each once.
fn said<'v>(document: &Document, version: Version<'v>, policy: Option<&'v Policy>) -> Vec<Said<'v>> {
    let labels: BTreeMap<usize, String> = statement_labels(document).into_iter().collect();
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for (index, value) in document.statements().iter().enumerate() {
        let says = Says::of_statement(document, value);
        if !known.insert(says.clone()) {
            continue;
        }
        let label = labels.get(&index).cloned().unwrap_or_default();
        let name = format!("{}#{label}", document.name);
        let statement = policy.and_then(|policy| policy.statements.get(index));
        all.push(Said { says, label, name, place: version.sources.place(value.span), statement });
    }
    all
}

fn grants<'v>(version: Version<'v>, key: &str) -> Vec<Said<'v>> {
    let held = version.facts.keys.get(key).and_then(crate::facts::Key::held);
    let grants = held.into_iter().flat_map(|key| &key.grants);
    let said = |grant: &Grant| Said {
        says: Says::of_grant(grant),
        label: grant.name.to_string(),
        name: grant.name.to_string(),
        place: version.sources.place(grant.span),
        statement: None,
    };
    grants.map(said).collect()
}

/// What only one of two lists says. What has one label in both is one thing that changed.
fn differing<'v>(of: &str, old: Vec<Said<'v>>, new: Vec<Said<'v>>) -> Vec<Found<'v>> {
    let (kept, are): (BTreeSet<Says>, BTreeSet<Says>) =
        (old.iter().map(|each| each.says.clone()).collect(), new.iter().map(|each| each.says.clone()).collect());
    let mut gone: Vec<Said<'v>> = old.into_iter().filter(|each| !are.contains(&each.says)).collect();
    let mut found = Vec::new();
    for each in new.into_iter().filter(|each| !kept.contains(&each.says)) {
        let place = gone.iter().position(|other| other.label == each.label);
        let before = place.map(|place| gone.remove(place));
        let kind = if before.is_some() { EditKind::Changed } else { EditKind::Added };
        found.push(Found {
            edit: Edit { what: each.name.clone(), place: Some(each.place), kind },
            of: of.to_owned(),
            statements: before.iter().filter_map(|each| each.statement).chain(each.statement).collect(),
            before: before.map(|each| each.name),
            after: Some(each.name),
        });
    }
    found.extend(gone.into_iter().map(|each| Found {
        edit: Edit { what: each.name.clone(), place: Some(each.place), kind: EditKind::Removed },
        of: of.to_owned(),
        statements: each.statement.into_iter().collect(),
        before: Some(each.name),
        after: None,
    }));
    found
}

/// What a statement says, however it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Text(String),
    List(BTreeSet<Self>),
    Object(BTreeMap<String, Self>),
}

impl Says {
    fn of_statement(document: &Document, value: &Value) -> Self {
        let mut members = BTreeMap::new();
        if let JsonKind::Object(object) = &value.kind {
            for each in object {
                let name = each.name.as_str();
                let says = match name {
                    "Sid" => continue,
                    "Action" | "NotAction" => Self::of(&each.value, &str::to_ascii_lowercase),
                    "Condition" => Self::of_conditions(&each.value),
                    _ => Self::of(&each.value, &str::to_owned),
                };
                members.insert(name.to_owned(), says);
            }
        }
        let said = Self::Object(members);
        match member(&document.root, "Version") {
            // The version of the language says whether variables are filled.
            Some(version) if said.holds("${") => Self::List([said, Self::of(&version.value, &str::to_owned)].into()),
            Some(_) | None => said,
        }
    }

    /// The keys of conditions ignore case.
    fn of_conditions(value: &Value) -> Self {
        let JsonKind::Object(operators) = &value.kind else { return Self::of(value, &str::to_owned) };
        let of_operator = |value: &Value| match Self::of(value, &str::to_owned) {
            Self::Object(keys) => {
                Self::Object(keys.into_iter().map(|(key, values)| (key.to_ascii_lowercase(), values)).collect())
            }
            other @ (Self::Text(_) | Self::List(_)) => other,
        };
        Self::Object(operators.iter().map(|each| (each.name.as_str().to_owned(), of_operator(&each.value))).collect())
    }

    fn of(value: &Value, spelt: &dyn Fn(&str) -> String) -> Self {
        let one = |text: &str| Self::List([Self::Text(spelt(text))].into());
        match &value.kind {
            JsonKind::Null => one("null"),
            JsonKind::Bool(word) => one(if *word { "true" } else { "false" }),
            JsonKind::Number(digits) => one(digits),
            JsonKind::String(text) => one(text.as_str()),
            JsonKind::Array(values) => {
                let all = values.iter().flat_map(|value| match Self::of(value, spelt) {
                    Self::List(all) => all,
                    other @ (Self::Text(_) | Self::Object(_)) => [other].into(),
                });
                Self::List(all.collect())
            }
            JsonKind::Object(members) => Self::Object(
                members.iter().map(|each| (each.name.as_str().to_owned(), Self::of(&each.value, spelt))).collect(),
            ),
        }
    }

    fn of_grant(grant: &Grant) -> Self {
        let list = |all: Vec<String>| Self::List(all.into_iter().map(Self::Text).collect());
        let constraint = |each: &Constraint| match each {
            Constraint::EncryptionContextEquals(pairs) => format!("equals {:?}", pairs.pairs),
            Constraint::EncryptionContextSubset(pairs) => format!("subset {:?}", pairs.pairs),
            Constraint::SourceArn(condition) => {
                let texts = condition.operands.iter().map(|operand| operand.text.as_str());
                format!("source {:?}", texts.collect::<Vec<_>>())
            }
        };
        let retiring = grant.retiring_principal.iter().map(|each| each.text.as_str().to_owned());
        let members = [
            ("grantee", vec![grant.grantee.text.as_str().to_owned()]),
            ("operations", grant.operations.iter().map(|each| each.value.name.to_owned()).collect()),
            ("constraints", grant.constraints.iter().map(constraint).collect()),
            ("retiring", retiring.collect()),
            ("issuing", grant.issuing_account.iter().map(ToString::to_string).collect()),
        ];
        Self::Object(members.into_iter().map(|(name, all)| (name.to_owned(), list(all))).collect())
    }

    fn holds(&self, part: &str) -> bool {
        match self {
            Self::Text(text) => text.contains(part),
            Self::List(all) => all.iter().any(|each| each.holds(part)),
            Self::Object(members) => members.values().any(|each| each.holds(part)),
        }
    }
}

/// A policy where it is attached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attachment {
    /// To what: `role/eval`, `key/eval`, `unit/root`.
    pub(super) to: String,
    /// As what.
    pub(super) kind: PolicyType,
    /// The policy.
    pub(super) policy: String,
}

impl Attachment {
    fn found<'v>(&self, kind: EditKind) -> Found<'v> {
        let name = |of: EditKind| (kind == of).then(|| format!("{}#", self.policy));
        Found {
            edit: Edit { what: format!("{} at {}", self.policy, self.to), place: None, kind },
            of: self.to.clone(),
            before: name(EditKind::Detached),
            after: name(EditKind::Attached),
            statements: Vec::new(),
        }
    }
}

/// What is attached to what.
pub(super) fn attachments(facts: &Facts) -> BTreeSet<Attachment> {
    let mut all = BTreeSet::new();
    let mut add = |to: &str, kind: PolicyType, policies: &[String]| {
        let attached = policies.iter().map(|policy| Attachment { to: to.to_owned(), kind, policy: policy.clone() });
        all.extend(attached);
    };
    for (name, key) in &facts.keys {
        if let Some(key) = key.held() {
            add(&format!("key/{name}"), PolicyType::Key, std::slice::from_ref(&key.policy));
        }
    }
    for (name, each) in &facts.identities {
        add(name, PolicyType::Identity, &each.policies);
        add(name, PolicyType::Boundary, each.boundary.as_slice());
        add(name, PolicyType::Trust, each.trust.as_slice());
    }
    let mut controls = |to: &str, names: &ControlNames| {
        add(to, PolicyType::ServiceControl, &names.scps);
        add(to, PolicyType::ResourceControl, &names.rcps);
    };
    if let Some(organization) = &facts.organization {
        for (path, names) in &organization.units {
            controls(&format!("unit/{path}"), names);
        }
        for (account, (_, names)) in &organization.members {
            controls(&format!("account/{account}"), names);
        }
    }
    for (name, endpoint) in &facts.endpoints {
        add(&format!("endpoint/{name}"), PolicyType::VpcEndpoint, endpoint.policy.as_slice());
    }
    for (name, bucket) in &facts.buckets {
        add(&format!("bucket/{name}"), PolicyType::Resource, bucket.policy.as_slice());
    }
    for (name, resource) in &facts.resources {
        add(&format!("resource/{name}"), PolicyType::Resource, resource.policy.as_slice());
    }
    all
}
