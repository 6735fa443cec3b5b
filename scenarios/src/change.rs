//! What if a policy or a key were different?
//!
//! The one what-if vocabulary, in `change:` and on the command line. A change edits the facts as written; the
//! policies it touches are checked again like any other. A change that changes nothing is an error.

use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::json::Text as JsonText;
use permitlab_evaluator::json::{self, Kind, Member, Value};
use permitlab_evaluator::policy::{Document, PolicyType};
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::world::kms::KeyState;

use crate::facts::{Facts, HeldKey, Key, policy_name, read_policy, statement_labels};
use crate::file::{self, PolicySource, Text};
use crate::grants;
use crate::root::PolicyRoot;

type Changed = Result<(), Box<Diagnostic>>;

/// The forms a change can have, for messages.
const FORMS: &str = "`remove REF`, `add to REF/FIELD VALUE`, `set REF/FIELD VALUE`, `add statement to POLICY JSON`, \
     `replace POLICY with FILE`, `attach POLICY to REF` (a file or JSON), `detach POLICY from REF`, `set key/NAME state STATE`, \
     `add grant to key/NAME JSON`, `remove grant key/NAME[n]`";

/// Applies one change to the facts. `text` has its placeholders filled.
///
/// # Errors
/// A change that cannot be read, names something unknown, or changes nothing.
pub fn apply(facts: &mut Facts, root: &PolicyRoot, sources: &mut SourceMap, text: &Text) -> Changed {
    let written = text.as_str().trim();
    let mut change = Change { facts, root, sources, text };
    let (verb, rest) = written.split_once(char::is_whitespace).unwrap_or((written, ""));
    let rest = rest.trim();
    match verb {
        "remove" if rest.starts_with("grant ") => change.remove_grant(rest),
        "remove" => change.remove(rest),
        "add" if rest.starts_with("grant ") => change.add_grant(rest),
        "add" => match (rest.strip_prefix("to "), rest.strip_prefix("statement to ")) {
            (Some(rest), _) => change.add_value(rest.trim()),
            (None, Some(rest)) => change.add_statement(rest.trim()),
            (None, None) => Err(change.unreadable("`add` is followed by `to` or `statement to`")),
        },
        // `key/eval#Sid` is a statement of the policy that the world holds inline.
        "set" if rest.starts_with("key/") && !rest.split(' ').next().is_some_and(|name| name.contains('#')) => {
            change.key_state(rest)
        }
        "set" => change.set(rest),
        "replace" => change.replace(rest),
        "attach" => change.attach(rest),
        "detach" => change.detach(rest),
        _ => Err(change.unreadable(&format!("`{verb}` is no change"))),
    }
}

struct Change<'c> {
    facts: &'c mut Facts,
    root: &'c PolicyRoot,
    sources: &'c mut SourceMap,
    text: &'c Text,
}

/// A statement, and what follows it in a reference.
struct StatementRef<'t> {
    policy: String,
    index: usize,
    rest: &'t str,
}

impl Change<'_> {
    fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.text.span(), message)
    }

    fn unreadable(&self, why: &str) -> Box<Diagnostic> {
        Box::new(self.error("invalid-change", why).help(format!("a change is one of {FORMS}")))
    }

    fn unchanged(&self, why: impl Into<String>) -> Box<Diagnostic> {
        Box::new(self.error("unchanged", why).help("a change that changes nothing tests nothing; remove or correct it"))
    }

    fn split<'t>(&self, text: &'t str, word: &str) -> Result<(&'t str, &'t str), Box<Diagnostic>> {
        let between = format!(" {word} ");
        let parts = text.split_once(between.as_str()).map(|(left, right)| (left.trim(), right.trim()));
        parts.ok_or_else(|| self.unreadable(&format!("`{word}` is missing")))
    }

    /// What AWS decides, nobody else changes (R6.32).
    fn not_ours(&self, what: &str) -> Box<Diagnostic> {
        let finding = self.error("aws-managed-key", format!("AWS manages `{what}`, and nobody else changes it"));
        Box::new(finding.help("change a policy or a key of your own"))
    }

    /// The name of a known policy that can be changed.
    fn policy(&self, name: &str) -> Result<String, Box<Diagnostic>> {
        let name = policy_name(name);
        let is_aws_made = |key: &Key| matches!(key, Key::Held(key) if key.is_aws_managed && key.policy == name);
        if self.facts.keys.values().any(is_aws_made) {
            return Err(self.not_ours(name));
        }
        if self.facts.documents.contains_key(name) {
            return Ok(name.to_owned());
        }
        let names = || self.facts.documents.keys().map(String::as_str);
        let help = match closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the world has {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        Err(Box::new(self.error("unknown-policy", format!("no policy of the world is called `{name}`")).help(help)))
    }

    /// Reads `policy#Sid…` or `policy#[n]…`. The Sid may hold spaces and slashes: the longest that fits counts.
    fn statement<'t>(&self, reference: &'t str) -> Result<StatementRef<'t>, Box<Diagnostic>> {
        let Some((policy, label)) = reference.split_once('#') else {
            return Err(
                self.unreadable(&format!("`{reference}` names no statement; write `policy#Sid` or `policy#[n]`"))
            );
        };
        let policy = self.policy(policy)?;
        let labels = self.labels(&policy);
        let fits = |candidate: &str| {
            label
                .strip_prefix(candidate)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .map(|rest| rest.trim_start_matches('/'))
        };
        let found = labels
            .iter()
            .filter_map(|(index, name)| fits(name).map(|rest| (name.len(), *index, rest)))
            .max_by_key(|(length, ..)| *length);
        if let Some((_, index, rest)) = found {
            return Ok(StatementRef { policy, index, rest });
        }
        let names = || labels.iter().map(|(_, name)| name.as_str());
        let written = label.split('/').next().unwrap_or(label);
        let help = match closest(written, names()) {
            Some(near) => format!("did you mean `{policy}#{near}`?"),
            None => format!("it has {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        Err(Box::new(self.error("unknown-statement", format!("`{policy}` has no statement `{written}`")).help(help)))
    }

    fn labels(&self, policy: &str) -> Vec<(usize, String)> {
        self.facts.documents.get(policy).map(|entry| statement_labels(&entry.document)).unwrap_or_default()
    }

    fn statements(&mut self, policy: &str) -> Option<&mut Vec<Value>> {
        let entry = self.facts.documents.get_mut(policy)?;
        let member = member_mut(&mut entry.document.root, "Statement")?;
        if let Kind::Object(_) = member.value.kind {
            let single = std::mem::replace(&mut member.value.kind, Kind::Null);
            let span = member.value.span;
            member.value.kind = Kind::Array(vec![Value { span, kind: single }]);
        }
        match &mut member.value.kind {
            Kind::Array(statements) => Some(statements),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Object(_) => None,
        }
    }

    fn remove(&mut self, reference: &str) -> Changed {
        let found = self.statement(reference)?;
        let path: Vec<String> = if found.rest.is_empty() { Vec::new() } else { field_path(found.rest) };
        let missing = self.unchanged(format!("`{reference}` is not there"));
        let Some(statements) = self.statements(&found.policy) else { return Err(missing) };
        let [parents @ .., last] = path.as_slice() else {
            statements.remove(found.index);
            return Ok(());
        };
        let parent = statements
            .get_mut(found.index)
            .and_then(|statement| descend(statement, parents))
            .ok_or_else(|| missing.clone())?;
        let Kind::Object(members) = &mut parent.kind else { return Err(missing) };
        let before = members.len();
        members.retain(|member| !is_named(member, last));
        if members.len() == before { Err(missing) } else { Ok(()) }
    }

    /// A field and the value after it; the field has no spaces.
    fn field<'t>(&self, text: &'t str) -> Result<(StatementRef<'t>, Vec<String>, &'t str), Box<Diagnostic>> {
        let found = self.statement_with_value(text)?;
        let (field, value) =
            found.rest.split_once(char::is_whitespace).ok_or_else(|| self.unreadable("the value is missing"))?;
        let path = field_path(field);
        Ok((found, path, value.trim()))
    }

    fn statement_with_value<'t>(&self, text: &'t str) -> Result<StatementRef<'t>, Box<Diagnostic>> {
        let found = self.statement(text)?;
        if found.rest.is_empty() {
            return Err(self.unreadable("the field is missing: write `policy#Sid/Action VALUE`"));
        }
        Ok(found)
    }

    fn set(&mut self, text: &str) -> Changed {
        let (found, path, value) = self.field(text)?;
        let value = self.value(value)?;
        let same = self.unchanged("the field has this value already");
        let missing = self.unreadable("the field cannot be set there");
        let Some(statement) = self.statements(&found.policy).and_then(|all| all.get_mut(found.index)) else {
            return Err(missing);
        };
        let Some(member) = place(statement, &path, value.span) else { return Err(missing) };
        if means_the_same(&member.kind, &value.kind) {
            return Err(same);
        }
        *member = value;
        Ok(())
    }

    fn add_value(&mut self, text: &str) -> Changed {
        let (found, path, value) = self.field(text)?;
        let value = self.value(value)?;
        let same = self.unchanged("the field has this value already");
        let missing = self.unreadable("nothing can be added to that field");
        let Some(statement) = self.statements(&found.policy).and_then(|all| all.get_mut(found.index)) else {
            return Err(missing);
        };
        let Some(member) = place(statement, &path, value.span) else { return Err(missing) };
        let mut values = match std::mem::replace(&mut member.kind, Kind::Null) {
            Kind::Array(values) => values,
            Kind::Null => Vec::new(),
            single @ (Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Object(_)) => {
                vec![Value { span: member.span, kind: single }]
            }
        };
        if values.iter().any(|each| means_the_same(&each.kind, &value.kind)) {
            return Err(same);
        }
        values.push(value);
        member.kind = Kind::Array(values);
        Ok(())
    }

    fn add_statement(&mut self, text: &str) -> Changed {
        let (policy, json) =
            text.split_once(char::is_whitespace).ok_or_else(|| self.unreadable("the statement is missing"))?;
        let policy = self.policy(policy)?;
        let value = self.value(json.trim())?;
        if !matches!(value.kind, Kind::Object(_)) {
            return Err(self.unreadable("a statement is a JSON object"));
        }
        let missing = self.unreadable("the policy has no statements to add to");
        self.statements(&policy).ok_or(missing)?.push(value);
        Ok(())
    }

    fn replace(&mut self, text: &str) -> Changed {
        let (policy, path) = self.split(text, "with")?;
        let policy = self.policy(policy)?;
        let source = PolicySource::File(Text::new(path, self.text.span()));
        let mut document = read_policy(self.root, self.sources, &self.facts.vars, &source, path).map_err(first)?;
        let same = self.unchanged("the file says the same");
        let Some(entry) = self.facts.documents.get_mut(&policy) else { return Err(same) };
        if means_the_same(&entry.document.root.kind, &document.root.kind) {
            return Err(same);
        }
        document.name = entry.document.name.clone();
        entry.document = document;
        Ok(())
    }

    fn attach(&mut self, text: &str) -> Changed {
        if text.starts_with('{') {
            return self.attach_inline(text);
        }
        let (path, to) = self.split(text, "to")?;
        let name = policy_name(path).to_owned();
        self.attached(to)?;
        if !self.facts.documents.contains_key(&name) {
            let is_file = path.strip_suffix(".json").is_some();
            let file = if is_file { path.to_owned() } else { format!("policies/{name}.json") };
            let source = PolicySource::File(Text::new(file, self.text.span()));
            let document = read_policy(self.root, self.sources, &self.facts.vars, &source, path).map_err(first)?;
            self.facts.add_document(document, PolicyType::Identity);
        }
        let same = self.unchanged("the policy is attached already");
        if let Some(entry) = self.facts.documents.get_mut(&name) {
            entry.kinds.insert(PolicyType::Identity);
        }
        let policies = self.attached(to)?;
        if policies.contains(&name) {
            return Err(same);
        }
        policies.push(name);
        Ok(())
    }

    /// A policy of its own for a role or user, written out.
    fn attach_inline(&mut self, text: &str) -> Changed {
        let (json, to) = text.rsplit_once(" to ").ok_or_else(|| self.unreadable("`to` is missing"))?;
        let to = to.trim();
        let number = self.attached(to)?.len();
        let name = format!("{to}/{number}");
        let id = self
            .sources
            .add(format!("change `{}`", self.text), json)
            .map_err(|_| self.unreadable("the policy is too long"))?;
        let document = Document::read(&name, id, json)?;
        self.facts.add_document(document, PolicyType::Identity);
        self.attached(to)?.push(name);
        Ok(())
    }

    fn detach(&mut self, text: &str) -> Changed {
        let (policy, from) = self.split(text, "from")?;
        let name = self.policy(policy)?;
        let same = self.unchanged(format!("`{name}` is not attached to `{from}`"));
        let policies = self.attached(from)?;
        let before = policies.len();
        policies.retain(|each| *each != name);
        if policies.len() == before { Err(same) } else { Ok(()) }
    }

    fn attached(&mut self, reference: &str) -> Result<&mut Vec<String>, Box<Diagnostic>> {
        if !self.facts.identities.contains_key(reference) {
            let names = self.facts.identities.keys().map(String::as_str);
            return Err(crate::reference::unknown(self.text, reference, names));
        }
        let missing = self.unreadable("nothing can be attached there");
        self.facts.identities.get_mut(reference).map(|each| &mut each.policies).ok_or(missing)
    }

    fn key_state(&mut self, text: &str) -> Changed {
        let (reference, state) = self.split(text, "state")?;
        let Some(state) = KeyState::parse(state) else {
            let names = KeyState::ALL.map(KeyState::name);
            let help = closest(state, names)
                .map_or_else(|| format!("it is one of {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
            return Err(Box::new(self.error("unknown-value", format!("`{state}` is no key state")).help(help)));
        };
        let same = self.unchanged("the key has this state already");
        let managed = self.not_ours(reference);
        let key = self.key(reference)?;
        if key.is_aws_managed {
            return Err(managed);
        }
        if key.state == state {
            return Err(same);
        }
        key.state = state;
        Ok(())
    }

    /// A customer's key, by its reference.
    fn key(&mut self, reference: &str) -> Result<&mut HeldKey, Box<Diagnostic>> {
        let name = reference.strip_prefix("key/").unwrap_or(reference);
        let names: Vec<String> = self.facts.keys.keys().map(|name| format!("key/{name}")).collect();
        let owned = self.unreadable("a key that AWS owns has no state or grants of ours");
        match self.facts.keys.get_mut(name) {
            Some(Key::Held(key)) => Ok(key),
            Some(Key::AwsOwned { .. }) => Err(owned),
            None => Err(crate::reference::unknown(self.text, reference, names.iter().map(String::as_str))),
        }
    }

    /// A grant is added under the number after the last.
    fn add_grant(&mut self, text: &str) -> Changed {
        let rest = text.strip_prefix("grant to ").ok_or_else(|| self.unreadable("`to` is missing"))?.trim();
        let (reference, json) =
            rest.split_once(char::is_whitespace).ok_or_else(|| self.unreadable("the grant is missing"))?;
        let key = self.key(reference)?.clone();
        let id = self
            .sources
            .add(format!("change `{}`", self.text), json.trim())
            .map_err(|_| self.unreadable("the grant is too long"))?;
        let written = file::read_grant(self.sources, id).map_err(first)?;
        let taken = key.grants.iter().filter_map(|grant| grants::number(&grant.name)).max();
        let name = format!("{reference}[{}]", taken.map_or(0, |number| number + 1));
        let grant = grants::resolve(self.facts, &written, &key, &name).map_err(first)?;
        self.key(reference)?.grants.push(grant);
        Ok(())
    }

    /// The other grants of the key keep their names.
    fn remove_grant(&mut self, text: &str) -> Changed {
        let name = text.strip_prefix("grant ").unwrap_or(text).trim();
        let (reference, _) = name.split_once('[').ok_or_else(|| self.unreadable("write `remove grant key/NAME[0]`"))?;
        let missing = self.unchanged(format!("there is no grant `{name}`"));
        let grants = &mut self.key(reference)?.grants;
        let before = grants.len();
        grants.retain(|grant| *grant.name != *name);
        if grants.len() == before { Err(missing) } else { Ok(()) }
    }

    /// A value: JSON where it begins like an object, array or string, else plain text.
    fn value(&mut self, text: &str) -> Result<Value, Box<Diagnostic>> {
        if !text.starts_with(['{', '[', '"']) {
            let span = self.text.span();
            return Ok(Value { span, kind: Kind::String(JsonText::new(text, span)) });
        }
        let id = self
            .sources
            .add(format!("change `{}`", self.text), text)
            .map_err(|_| self.unreadable("the value is too long"))?;
        json::parse(id, text)
    }
}

fn first(findings: Vec<Diagnostic>) -> Box<Diagnostic> {
    let none = || Diagnostic {
        code: "unreadable-file",
        severity: permitlab_evaluator::diagnostic::Severity::Error,
        message: "the policy cannot be read".into(),
        annotations: Vec::new(),
        help: None,
        notes: Vec::new(),
    };
    Box::new(findings.into_iter().next().unwrap_or_else(none))
}

/// The names on the way to a field: `Condition/StringEquals/kms:ViaService`. A condition key may hold slashes.
fn field_path(field: &str) -> Vec<String> {
    field.splitn(3, '/').map(str::to_owned).collect()
}

/// Condition keys and operators ignore case; element names do not.
fn is_named(member: &Member, name: &str) -> bool {
    let own = member.name.as_str();
    own == name || (own.contains(':') && own.eq_ignore_ascii_case(name))
}

fn member_mut<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Member> {
    match &mut value.kind {
        Kind::Object(members) => members.iter_mut().find(|member| is_named(member, name)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Array(_) => None,
    }
}

fn descend<'v>(value: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    let mut at = value;
    for name in path {
        at = &mut member_mut(at, name)?.value;
    }
    Some(at)
}

/// The value at a path; what is missing on the way is made.
fn place<'v>(value: &'v mut Value, path: &[String], span: Span) -> Option<&'v mut Value> {
    let mut at = value;
    for name in path {
        if at.kind == Kind::Null {
            at.kind = Kind::Object(Vec::new());
        }
        if member_mut(at, name).is_none() {
            let Kind::Object(members) = &mut at.kind else { return None };
            members.push(Member { name: JsonText::new(name.as_str(), span), value: Value { span, kind: Kind::Null } });
        }
        at = &mut member_mut(at, name)?.value;
    }
    Some(at)
}

/// Whether two values are the same JSON, wherever they stand.
fn means_the_same(left: &Kind, right: &Kind) -> bool {
    match (left, right) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(left), Kind::Bool(right)) => left == right,
        (Kind::Number(left), Kind::Number(right)) => left == right,
        (Kind::String(left), Kind::String(right)) => left.as_str() == right.as_str(),
        (Kind::Array(left), Kind::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| means_the_same(&left.kind, &right.kind))
        }
        (Kind::Object(left), Kind::Object(right)) => {
            let same = |(left, right): (&Member, &Member)| {
                left.name.as_str() == right.name.as_str() && means_the_same(&left.value.kind, &right.value.kind)
            };
            left.len() == right.len() && left.iter().zip(right).all(same)
        }
        (Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Array(_) | Kind::Object(_), _) => false,
    }
}
