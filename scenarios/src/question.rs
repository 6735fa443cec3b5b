//! Will this one call be allowed?
//!
//! A question is asked from the command line: of a world, or of policy files that stand for themselves. It is
//! judged by the same code as a check, and can be kept as one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::context::{ConditionKey, Values};
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::policy::{Document, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::kms::{KeyState, MultiRegion};

use crate::facts::{Attached, Facts, HeldKey, Key, policy_name};
use crate::file::Text;
use crate::file::write::{list, object, quoted};
use crate::judge::{self, Verdicts, judge};
use crate::oracle::Engine;
use crate::placeholders::nothing_bound;
use crate::reference;
use crate::replay::{Asked, Places, Resolved, check_resource_policy, resolve};
use crate::suggest::suggest;

/// A question as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// Who decides.
    pub engine: Engine,
    /// Who calls.
    pub by: String,
    /// The action.
    pub call: String,
    /// What it is called on.
    pub resource: Option<String>,
    /// The service that forwards the call.
    pub via: Option<String>,
    /// The resource a service acts for.
    pub on_behalf_of: Option<String>,
    /// The Region of the endpoint.
    pub region: Option<String>,
    /// When.
    pub now: Option<String>,
    /// The encryption context.
    pub encryption_context: Vec<(String, String)>,
    /// Condition keys; a key given twice has several values.
    pub context: Vec<(String, String)>,
}

/// Policies that stand for themselves: the path and text of each.
#[derive(Debug, Clone, Default)]
pub struct BarePolicies {
    /// The caller's identity-based policies.
    pub identity: Vec<(String, String)>,
    /// The key policy.
    pub key: Option<(String, String)>,
    /// Values for placeholders.
    pub vars: BTreeMap<String, String>,
}

/// The command line as a text, with the place of each value in it.
#[derive(Default)]
struct Line {
    text: String,
    places: Vec<(&'static str, std::ops::Range<usize>)>,
}

impl Line {
    fn push(&mut self, flag: &'static str, value: Option<&str>) {
        let Some(value) = value else { return };
        let _ = write!(self.text, "{}--{flag} ", if self.text.is_empty() { "" } else { " " });
        let start = self.text.len();
        self.text.push_str(value);
        self.places.push((flag, start..self.text.len()));
    }
}

impl Question {
    fn line(&self) -> Line {
        let mut line = Line::default();
        line.push("by", Some(&self.by));
        line.push("call", Some(&self.call));
        line.push("resource", self.resource.as_deref());
        line.push("via", self.via.as_deref());
        line.push("for", self.on_behalf_of.as_deref());
        line.push("region", self.region.as_deref());
        line.push("now", self.now.as_deref());
        for (name, value) in &self.encryption_context {
            line.push("encryption-context", Some(&format!("{name}={value}")));
        }
        for (name, value) in &self.context {
            line.push("context", Some(&format!("{name}={value}")));
        }
        line
    }

    /// Where the parts of the question stand on the command line.
    fn places(&self, sources: &mut SourceMap) -> Places {
        let Line { text, places } = self.line();
        let whole = text.len();
        // A command line is far shorter than what a source map refuses.
        let Ok(id) = sources.add("command line", text.clone()) else { return Places::nowhere(&self.by, &self.call) };
        let range = |flag: &str| places.iter().find(|(name, _)| *name == flag).map(|(_, range)| range.clone());
        let text_of = |flag: &str| {
            let range = range(flag)?;
            Some(Text::new(text.get(range.clone())?, Span::new(id, range.start, range.end)))
        };
        let span_of = |flag: &str| range(flag).map(|range| Span::new(id, range.start, range.end));
        let required =
            |flag: &str, value: &str| text_of(flag).unwrap_or_else(|| Text::new(value, Span::new(id, 0, whole)));
        Places {
            whole: Span::new(id, 0, whole),
            by: required("by", &self.by),
            via: text_of("via"),
            on_behalf_of: text_of("for"),
            resource: text_of("resource"),
            region: text_of("region"),
            call: required("call", &self.call),
            now: text_of("now"),
            encryption_context: span_of("encryption-context"),
            context: span_of("context"),
        }
    }

    /// Refuses a pair of the encryption context whose name another has, and condition keys that AWS does not have, each
    /// at its own place.
    fn check_pairs(&self, whole: Span) -> Result<(), Vec<Diagnostic>> {
        let Line { places, .. } = self.line();
        let spans = |flag: &str| -> Vec<Span> {
            let ranges = places.iter().filter(|(name, _)| *name == flag).map(|(_, range)| range);
            ranges.map(|range| Span::new(whole.source, range.start, range.end)).collect()
        };
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        let mut findings = Vec::new();
        for ((name, _), span) in self.encryption_context.iter().zip(spans("encryption-context")) {
            if let Some(first) = first.insert(name, span) {
                let message = format!("the encryption context has `{name}` twice");
                findings.push(
                    Diagnostic::error("duplicate-key", span, message)
                        .also(first, "first written here")
                        .help("remove one of the two: each name has one value"),
                );
            }
        }
        let keys = self.context.iter().zip(spans("context"));
        findings.extend(keys.filter_map(|((key, _), span)| reference::unknown_context_key(key, span)));
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// Whether the caller and the resource have a meaning in these facts. A service that AWS does not have is no less
    /// known here than elsewhere.
    pub fn is_known_in(&self, facts: &Facts, sources: &mut SourceMap) -> bool {
        let places = self.places(sources);
        let resource = places.resource.as_ref().is_none_or(|resource| reference::target(facts, resource).is_ok());
        let caller = reference::caller(facts, &places.by);
        resource && caller.map_or_else(|finding| finding.code == "unknown-service", |_| true)
    }

    /// Asks the question of facts.
    ///
    /// # Errors
    /// A part of the question that names nothing, a policy AWS would refuse.
    pub fn ask(&self, facts: &Facts, sources: &mut SourceMap) -> Result<Asked, Vec<Diagnostic>> {
        let places = self.places(sources);
        self.check_pairs(places.whole)?;
        let pairs = self.encryption_context.iter().cloned().collect();
        let mut context: BTreeMap<ConditionKey, Option<Values>> = BTreeMap::new();
        for (key, value) in &self.context {
            let entry = context.entry(ConditionKey::new(key)).or_insert(None);
            *entry = Some(match entry.take() {
                None => Values::One(value.clone()),
                Some(values) => Values::Many(values.as_slice().iter().cloned().chain([value.clone()]).collect()),
            });
        }
        let (mut call, mut suggestion, mut second) = (None, None, None);
        let judgement = match resolve(facts, &places, pairs, context).map_err(|finding| vec![*finding])? {
            Resolved::Request(request) => {
                let world = facts.world()?;
                let mut judgement = judge(&world, &request, Rules::NONE);
                second = self.engine.second(&world, &request);
                self.engine.settle(&mut judgement, second.as_ref());
                check_resource_policy(&judgement, &places).map_err(|finding| vec![*finding])?;
                suggestion = suggest(facts, sources, &request, &judgement, true);
                call = Some(request);
                judgement
            }
            Resolved::AwsOwned(call) => judge::not_evaluated(call),
        };
        Ok(Asked { step: None, judgement, places, request: call, suggestion, second, world: None, is_asserted: false })
    }

    /// The call that is asked, with condition keys stated beside those of the question; none where a part of it names
    /// nothing, or no policy of a customer's has a say.
    pub(crate) fn request(
        &self,
        facts: &Facts,
        context: BTreeMap<ConditionKey, Option<Values>>,
    ) -> Option<Box<Request>> {
        let places = self.places(&mut SourceMap::new());
        let pairs = self.encryption_context.iter().cloned().collect();
        match resolve(facts, &places, pairs, context).ok()? {
            Resolved::Request(request) => Some(request),
            Resolved::AwsOwned(_) => None,
        }
    }

    /// The question and its answer as a scenario file.
    pub fn scenario(&self, worlds: &[String], changes: &[String], asked: &Asked) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "scenario: {}", quoted(&format!("{} by {}", self.call, self.by)));
        let _ = writeln!(text, "use: {}", list(worlds));
        let _ = writeln!(text, "checks:\n  - name: {}", quoted(&format!("{} by {}", self.call, self.by)));
        if !changes.is_empty() {
            let _ = writeln!(text, "    change: {}", list(changes));
        }
        let fields = [
            ("by", Some(&self.by)),
            ("via", self.via.as_ref()),
            ("for", self.on_behalf_of.as_ref()),
            ("call", Some(&self.call)),
            ("resource", self.resource.as_ref()),
            ("region", self.region.as_ref()),
            ("now", self.now.as_ref()),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                let _ = writeln!(text, "    {key}: {}", quoted(value));
            }
        }
        if !self.encryption_context.is_empty() {
            let pairs = self.encryption_context.iter().map(|(name, value)| (name, quoted(value)));
            let _ = writeln!(text, "    encryption_context: {}", object(pairs));
        }
        if !self.context.is_empty() {
            let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (key, value) in &self.context {
                keys.entry(key).or_default().push(value);
            }
            let keys = keys.into_iter().map(|(key, values)| match values.as_slice() {
                [value] => (key, quoted(value)),
                values => (key, list(values)),
            });
            let _ = writeln!(text, "    context: {}", object(keys));
        }
        let _ = writeln!(text, "    expect: {}", expectation(asked));
        text
    }
}

impl Question {
    /// A world for a question of bare policies, and the question with the world's names in it.
    pub fn world(&self, vars: &[(String, String)], identity: &[String], key: Option<&str>) -> (String, Self) {
        let mut question = self.clone();
        let mut accounts: BTreeMap<AccountId, String> = BTreeMap::new();
        let mut rest = String::new();
        let mut account = |id: AccountId| {
            let next = format!("account{}", accounts.len() + 1);
            accounts.entry(id).or_insert(next).clone()
        };
        let arn = self.resource.as_deref().and_then(|resource| Arn::parse(resource).ok());
        if let (Some(policy), Some(arn)) = (key, arn)
            && let Some(owner) = arn.account()
        {
            let id = arn.resource().strip_prefix("key/").unwrap_or(arn.resource()).to_owned();
            let _ = writeln!(
                rest,
                "keys:\n  key:\n    account: {}\n    region: {}\n    id: {}\n    policy: {}",
                account(owner),
                arn.region(),
                quoted(&id),
                quoted(policy)
            );
            question.resource = Some("key/key".to_owned());
        }
        let caller = match Principal::parse(&self.by) {
            Ok(Principal::User(user)) => Some(("user", user)),
            Ok(Principal::RoleSession { role, .. }) => Some(("role", role)),
            Ok(_) | Err(_) => None,
        };
        if let Some((kind, identity_of)) = caller {
            let _ = writeln!(
                rest,
                "{kind}s:\n  {}:\n    account: {}\n    path: {}\n    policies: {}",
                quoted(&identity_of.name),
                account(identity_of.account),
                quoted(&identity_of.path),
                list(identity)
            );
            question.by = format!("{kind}/{}", identity_of.name);
        }
        let mut text = String::new();
        if !vars.is_empty() {
            text.push_str("vars:\n");
        }
        for (name, value) in vars {
            let _ = writeln!(text, "  {}: {}", quoted(name), quoted(value));
        }
        text.push_str("accounts:\n");
        for (id, name) in &accounts {
            let _ = writeln!(text, "  {name}: {{ id: {} }}", quoted(id.as_str()));
        }
        (text + &rest, question)
    }
}

fn expectation(asked: &Asked) -> String {
    let judgement = &asked.judgement;
    let because = match (&judgement.statement, &judgement.nearest, judgement.layer) {
        (Some(statement), ..) => format!(", because: {}", quoted(&statement.name)),
        (None, Some(nearest), Some(layer)) => {
            format!(", because: {{ layer: {layer}, nearest: {} }}", quoted(&nearest.name))
        }
        (None, None, Some(layer)) => format!(", because: {{ layer: {layer} }}"),
        (None, _, None) => String::new(),
    };
    let error = match judgement.answer {
        Verdicts::Unavailable(why) => match why.errors() {
            [error] => format!(", error: {error}"),
            _ => String::new(),
        },
        Verdicts::Decided(_) | Verdicts::NotEvaluated => String::new(),
    };
    format!("{{ is: {}{because}{error} }}", judgement.word())
}

impl BarePolicies {
    /// The facts of a question that has no world: its caller with the identity policies, its key with the key
    /// policy. A caller written `role/NAME` belongs to the account of the key.
    ///
    /// # Errors
    /// What is missing, a policy that is no JSON, a placeholder without a value.
    pub fn facts(&self, question: &mut Question, sources: &mut SourceMap) -> Result<Facts, Vec<Diagnostic>> {
        let mut facts = Facts::default();
        let places = question.places(sources);
        let key = question.resource.as_deref().and_then(|resource| Arn::parse(resource).ok());
        let mut names = Vec::new();
        for (path, text) in &self.identity {
            names.push(self.add(&mut facts, sources, path, text, PolicyType::Identity)?);
        }
        let owner = key.as_ref().and_then(Arn::account);
        question.by = full_caller(&question.by, owner).unwrap_or_else(|| question.by.clone());
        self.caller(&mut facts, question, names, &places)?;
        if let (Some((path, text)), Some(arn), Some(account)) = (&self.key, key, owner) {
            let policy = self.add(&mut facts, sources, path, text, PolicyType::Key)?;
            let key = HeldKey {
                arn,
                account,
                policy,
                state: KeyState::Enabled,
                aliases: None,
                tags: None,
                multi_region: MultiRegion::No,
                is_aws_managed: false,
                spec: "SYMMETRIC_DEFAULT".to_owned(),
                usage: "ENCRYPT_DECRYPT".to_owned(),
                origin: "AWS_KMS".to_owned(),
                grants: Vec::new(),
            };
            facts.keys.insert("key".to_owned(), Key::Held(Box::new(key)));
        } else if let Some(resource) = places.resource.as_ref().filter(|_| self.key.is_some() || is_of_kms(question)) {
            let finding = match &self.key {
                Some(_) => {
                    Diagnostic::error("invalid-resource", resource.span(), format!("`{resource}` is no key ARN"))
                        .help("write the key ARN: `arn:aws:kms:us-east-1:111122223333:key/…`")
                }
                None => Diagnostic::error(
                    "missing-key-policy",
                    resource.span(),
                    "a call on a key is decided by its key policy",
                )
                .help("add `--key-policy FILE`: without it no identity policy has any effect"),
            };
            return Err(vec![finding]);
        }
        Ok(facts)
    }

    fn add(
        &self,
        facts: &mut Facts,
        sources: &mut SourceMap,
        path: &str,
        text: &str,
        kind: PolicyType,
    ) -> Result<String, Vec<Diagnostic>> {
        let Ok(id) = sources.add(path, text) else { return Err(Vec::new()) };
        let mut document = Document::read(policy_name(path), id, text).map_err(|finding| vec![*finding])?;
        let unbound = document.fill(&self.vars);
        if !unbound.is_empty() {
            let finding = |name: &permitlab_evaluator::json::Unbound| {
                let known = self.vars.keys().map(String::as_str);
                nothing_bound(name, known).help(format!("give it a value: `--var {}=…`", name.name))
            };
            return Err(unbound.iter().map(finding).collect());
        }
        let name = document.name.to_string();
        facts.add_document(document, kind);
        Ok(name)
    }

    fn caller(
        &self,
        facts: &mut Facts,
        question: &Question,
        policies: Vec<String>,
        places: &Places,
    ) -> Result<(), Vec<Diagnostic>> {
        let Ok(principal) = Principal::parse(&question.by) else { return Ok(()) };
        let (full, identity) = match principal {
            Principal::User(user) => (format!("user/{}", user.name), user),
            Principal::RoleSession { role, .. } => (format!("role/{}", role.name), role),
            Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => {
                if self.identity.is_empty() {
                    return Ok(());
                }
                let message = format!("`{}` has no identity-based policies", question.by);
                let finding = Diagnostic::error("needless-identity-policy", places.by.span(), message);
                return Err(vec![
                    finding.help("remove `--identity-policy`, or name the role or user it is attached to"),
                ]);
            }
        };
        facts.identities.insert(full, Attached { identity, policies, boundary: None, trust: None, tags: None });
        Ok(())
    }
}

/// Whether a call is one to KMS, which asks for a key policy.
fn is_of_kms(question: &Question) -> bool {
    question.call.split_once(':').is_some_and(|(service, _)| service.eq_ignore_ascii_case("kms"))
}

/// `role/NAME` and `service/NAME` as an ARN or host name.
fn full_caller(by: &str, account: Option<AccountId>) -> Option<String> {
    let (kind, name) = by.split_once('/')?;
    match kind {
        "role" | "user" => account.map(|account| format!("arn:aws:iam::{account}:{kind}/{name}")),
        _ => None,
    }
}
