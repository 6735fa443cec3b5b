//! Which call does a fault decide otherwise?
//!
//! The calls are those the scenarios of a world ask, each with one thing about it different, and those of the world's access
//! table. All are decided once in the world as it is; a fault's world decides them until one comes out otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use permitlab_evaluator::context::{ConditionKey, Values};
use permitlab_evaluator::derive;
use permitlab_evaluator::gather::gather;
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;

use super::fault::Mutant;
use super::proof::{Proved, Side, proved};
use crate::coverage::for_each_statement;
use crate::facts::{self, Facts, Key};
use crate::file::write::{list, object, quoted};
use crate::judge::judge;
use crate::lint::attached::Uses;
use crate::question::Question;
use crate::replay::{Asked, Checked};
use crate::root::PolicyRoot;
use crate::table::answer::{Outcome, Word, calls, outcome};
use crate::table::caller::{OUTSIDER, caller, is_known};
use crate::table::near::{other_hosts, others};
use crate::table::space::Space;

/// The root user of an account that no world has.
const STRANGER: &str = "arn:aws:iam::000000000000:root";

/// The calls of some worlds, decided.
#[derive(Debug, Default)]
pub(super) struct Arena {
    calls: Vec<Call>,
    files: Vec<String>,
    /// The worlds as they are; nothing where they cannot be read.
    side: Option<Side>,
}

/// A call as a check would write it, and what comes of it.
#[derive(Debug)]
pub(super) struct Call {
    ask: Ask,
    request: Box<Request>,
    before: Outcome,
    /// The files whose policies have a say, by their numbers in the arena.
    files: Vec<usize>,
    /// Whether the worlds define the caller.
    is_known: bool,
}

/// The parts of a check that ask a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) question: Question,
    pub(crate) context: BTreeMap<ConditionKey, Option<Values>>,
}

impl Arena {
    pub(super) fn of<'c>(root: &PolicyRoot, uses: &Uses, checks: impl Iterator<Item = &'c Checked>) -> Self {
        let mut arena = Self::default();
        let mut sources = SourceMap::new();
        let Ok(facts) = facts::load(root, &mut sources, &uses.worlds, &uses.vars) else { return arena };
        let Ok(world) = facts.world() else { return arena };
        let Ok(mut space) = Space::of(&facts, &world) else { return arena };
        alike(&mut space, &facts, &sources);
        let side = arena.side.insert(Side::new(facts, world));
        let (facts, world) = (&side.facts, &side.peopled);
        let mut known = BTreeSet::new();
        let mut keep = |ask: Ask, request: Box<Request>| {
            if known.insert(ask.text("")) {
                let before = outcome(world, &request);
                // A check never passes on a guess, nor where a policy that nobody stated may allow the call.
                let hangs =
                    request.action.service() != "kms" && judge(world, &request, Rules::NONE).hangs_on_resource_policy;
                if before.word() != Word::Unsure && !hangs {
                    let files = files_of(world, &request, &sources, &mut arena.files);
                    let is_known = ask.question.by != OUTSIDER;
                    arena.calls.push(Call { ask, request, before, files, is_known });
                }
            }
        };
        let asks: Vec<Ask> = checks.flat_map(|check| &check.asked).filter_map(Ask::of).collect();
        let variants = asks.iter().flat_map(|ask| ask.variants(facts, &space)).collect::<Vec<_>>();
        for ask in asks.iter().cloned().chain(variants) {
            if let Some(request) = ask.request(facts) {
                keep(ask, request);
            }
        }
        for name in space.principals.iter().filter(|name| is_writable(facts, name)) {
            let Some(caller) = caller(facts, name) else { continue };
            for call in calls(facts, &space, &caller) {
                keep(Ask::of_table(name, &call), Box::new(call.request));
            }
        }
        // A check can only name who is in the world.
        arena.calls.sort_by_key(|call| call.ask.question.by == OUTSIDER);
        arena
    }

    /// What an edited root decides otherwise: a call of these, or any call there is.
    pub(super) fn proved(&self, edited: &PolicyRoot, uses: &Uses, mutant: &Mutant) -> Proved {
        let Some(before) = &self.side else { return Proved::Nothing };
        let facts = facts::load(edited, &mut SourceMap::new(), &uses.worlds, &uses.vars);
        let Ok((world, facts)) = facts.and_then(|facts| Ok((facts.world()?, facts))) else { return Proved::Nothing };
        let after = Side::new(facts, world);
        let file = self.files.iter().position(|own| *own == mutant.file);
        let differs = |call: &&Call| {
            file.is_some_and(|file| call.files.contains(&file))
                && outcome(&after.peopled, &call.request).word() != call.before.word()
        };
        match self.calls.iter().find(differs) {
            Some(call) => Proved::Differs(call.scenario(uses)),
            None => proved(before, &after, uses, mutant.policy()),
        }
    }
}

/// How many keys are asked one by one.
const FEW: usize = 50;

/// Leaves one key of those that have the same policy in one account and Region, where there are many.
fn alike(space: &mut Space, facts: &Facts, sources: &SourceMap) {
    if space.keys.len() <= FEW {
        return;
    }
    let mut known = BTreeSet::new();
    space.keys.retain(|name| {
        let key = name.strip_prefix("key/").and_then(|name| facts.keys.get(name)).and_then(Key::held);
        key.is_some_and(|key| {
            let span = facts.documents.get(&key.policy).map(|entry| entry.document.root.span);
            let text = span.and_then(|span| sources.source(span.source)?.text().get(span.range()));
            known.insert((key.account, key.arn.region(), text))
        })
    });
}

/// The files whose policies have a say in a call, by their numbers among those known.
pub(super) fn files_of(world: &World, request: &Request, sources: &SourceMap, known: &mut Vec<String>) -> Vec<usize> {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    let mut files = Vec::new();
    for_each_statement(&gather(world, request, endpoint.as_deref()), |_, _, statement| {
        let name = sources.name(statement.span.source);
        let number = known.iter().position(|own| own == name).unwrap_or_else(|| {
            known.push(name.to_owned());
            known.len() - 1
        });
        if !files.contains(&number) {
            files.push(number);
        }
    });
    files
}

impl Call {
    /// A call that is asked by itself.
    pub(super) fn new(ask: Ask, request: Box<Request>, before: Outcome, is_known: bool) -> Self {
        Self { ask, request, before, files: Vec::new(), is_known }
    }

    /// The call as a scenario, ready to paste.
    pub(super) fn scenario(&self, uses: &Uses) -> String {
        let worlds: Vec<&str> = uses.worlds.iter().map(crate::file::Text::as_str).collect();
        let Question { by, call, .. } = &self.ask.question;
        let mut text = String::new();
        let _ = writeln!(text, "scenario: {}", quoted(&format!("{call} by {by}")));
        let _ = writeln!(text, "use: [{}]", worlds.join(", "));
        if by == OUTSIDER {
            text.push_str("# `outsider` stands for a role of another account that its own policies allow everything: define one\n");
        } else if !self.is_known {
            text.push_str(
                "# the world does not define the caller, whose own policies are taken to allow the call: define it\n",
            );
        }
        if !uses.vars.is_empty() {
            let vars = uses.vars.iter().map(|(name, value)| format!("{name}: {}", quoted(value.as_str())));
            let _ = writeln!(text, "vars: {{ {} }}", vars.collect::<Vec<_>>().join(", "));
        }
        let _ = write!(text, "checks:\n  - name: {}\n{}", quoted(&format!("{call} by {by}")), self.ask.text("    "));
        let because = self.before.by.as_ref().map(|by| format!(", because: {}", quoted(by))).unwrap_or_default();
        let _ = writeln!(text, "    expect: {{ is: {}{because} }}", self.before.word().word());
        text
    }
}

impl Ask {
    /// The call of a check that asks of its world as it is.
    fn of(asked: &Asked) -> Option<Self> {
        let request = asked.request.as_deref()?;
        let places = &asked.places;
        let text = |text: &Option<crate::file::Text>| text.as_ref().map(|text| text.as_str().to_owned());
        let question = Question {
            by: places.by.as_str().to_owned(),
            call: places.call.as_str().to_owned(),
            resource: text(&places.resource),
            via: text(&places.via),
            on_behalf_of: text(&places.on_behalf_of),
            region: text(&places.region),
            now: text(&places.now),
            encryption_context: request.encryption_context.clone().into_iter().collect(),
            ..Question::default()
        };
        Some(Self { question, context: request.context.clone() })
    }

    fn of_table(name: &str, call: &crate::table::answer::Call<'_>) -> Self {
        let question = Question {
            by: name.to_owned(),
            call: call.action.to_owned(),
            resource: Some(call.key.to_owned()),
            via: call.path.via.clone(),
            on_behalf_of: call.path.source.clone(),
            encryption_context: call.path.encryption_context.clone().into_iter().collect(),
            ..Question::default()
        };
        Self { question, context: BTreeMap::new() }
    }

    pub(super) fn request(&self, facts: &Facts) -> Option<Box<Request>> {
        let by = &self.question.by;
        if let Some(caller) = caller(facts, by).filter(|_| !is_known(facts, by)) {
            let stand_in = facts.identities.keys().next()?.clone();
            let question = Question { by: stand_in, ..self.question.clone() };
            let request = Self { question, context: self.context.clone() }.request(facts)?;
            return Some(Box::new(Request { principal: caller, ..*request }));
        }
        self.question.request(facts, self.context.clone())
    }

    /// The same call with one thing about it different.
    fn variants(&self, facts: &Facts, space: &Space) -> Vec<Self> {
        let mut variants = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut variant = self.clone();
            change(&mut variant);
            if variant != *self {
                variants.push(variant);
            }
        };
        let roots = facts.accounts.keys().map(|name| format!("account/{name}"));
        let strangers = ["anonymous".to_owned(), STRANGER.to_owned()];
        let callers =
            space.principals.iter().filter(|name| is_writable(facts, name)).cloned().chain(roots).chain(strangers);
        for by in callers {
            add(&|ask| {
                ask.question.by.clone_from(&by);
                if !by.starts_with("service/") {
                    ask.question.on_behalf_of = None;
                }
            });
        }
        let is_key = self.question.resource.as_deref().is_some_and(|resource| resource.starts_with("key/"));
        for key in space.keys.iter().filter(|_| is_key) {
            add(&|ask| ask.question.resource = Some(key.clone()));
        }
        for action in space.actions.iter().filter(|_| is_key) {
            add(&|ask| {
                ask.question.call.clone_from(action);
                ask.question.encryption_context.clear();
            });
        }
        for (via, source) in self.other_paths(space) {
            add(&|ask| {
                ask.question.via.clone_from(&via);
                ask.question.on_behalf_of.clone_from(&source);
            });
        }
        for at in 0..self.question.encryption_context.len() {
            add(&|ask| {
                ask.question.encryption_context.remove(at);
            });
            for value in others(self.question.encryption_context.get(at).map_or("", |(_, value)| value)) {
                add(&|ask| {
                    if let Some((_, own)) = ask.question.encryption_context.get_mut(at) {
                        own.clone_from(&value);
                    }
                });
            }
        }
        for (key, values) in &self.context {
            add(&|ask| {
                ask.context.insert(key.clone(), None);
            });
            for value in values.iter().flat_map(Values::as_slice).flat_map(|value| others(value)) {
                add(&|ask| {
                    ask.context.insert(key.clone(), Some(Values::One(value.clone())));
                });
            }
        }
        variants
    }

    /// Directly, through another service, in another Region, for another resource: a service that forwards the call, and a
    /// resource it is made for.
    fn other_paths(&self, space: &Space) -> Vec<(Option<String>, Option<String>)> {
        let Question { via, on_behalf_of: source, .. } = &self.question;
        let mut paths = vec![(None, source.clone()), (via.clone(), None)];
        let named = space.paths.iter().filter_map(|path| path.via.clone());
        let hosts: BTreeSet<String> = named.chain(via.clone()).collect();
        for host in &hosts {
            for via in other_hosts(host).into_iter().chain([host.clone()]) {
                paths.push((Some(via), source.clone()));
            }
        }
        let named = space.paths.iter().filter_map(|path| path.source.clone());
        let sources: BTreeSet<String> = named.chain(source.clone()).collect();
        for source in sources {
            paths.extend(others(&source).into_iter().map(|other| (via.clone(), Some(other))));
            paths.push((via.clone(), Some(source)));
        }
        paths
    }

    /// What the call has beside caller, action and resource, in words.
    pub(crate) fn circumstances(&self) -> String {
        let Self { question, context } = self;
        let mut parts = Vec::new();
        parts.extend(question.via.as_ref().map(|via| format!("through {via}")));
        parts.extend(question.on_behalf_of.as_ref().map(|source| format!("for {source}")));
        let pairs = question.encryption_context.iter();
        parts.extend(pairs.map(|(name, value)| format!("with encryption context {name}={value}")));
        for (key, values) in context {
            parts.push(match values {
                Some(values) => format!("with {key} {values}"),
                None => format!("without {key}"),
            });
        }
        if parts.is_empty() { "directly".to_owned() } else { parts.join(", ") }
    }

    /// The lines of a check.
    pub(crate) fn text(&self, indent: &str) -> String {
        let Question { by, via, on_behalf_of, call, resource, region, now, encryption_context, .. } = &self.question;
        let mut text = String::new();
        let fields = [
            ("by", Some(by)),
            ("via", via.as_ref()),
            ("for", on_behalf_of.as_ref()),
            ("call", Some(call)),
            ("resource", resource.as_ref()),
            ("region", region.as_ref()),
            ("now", now.as_ref()),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                let _ = writeln!(text, "{indent}{key}: {}", plain(value));
            }
        }
        if !encryption_context.is_empty() {
            let pairs = encryption_context.iter().map(|(name, value)| (name, quoted(value)));
            let _ = writeln!(text, "{indent}encryption_context: {}", object(pairs));
        }
        if !self.context.is_empty() {
            let value = |values: &Option<Values>| match values {
                None => "null".to_owned(),
                Some(Values::One(value)) => quoted(value),
                Some(Values::Many(values)) => list(values),
            };
            let keys = self.context.iter().map(|(key, values)| (key.as_str(), value(values)));
            let _ = writeln!(text, "{indent}context: {}", object(keys));
        }
        text
    }
}

/// The callers of a check that no world defines.
pub(super) fn strangers() -> [String; 1] {
    [OUTSIDER.to_owned()]
}

/// Whether a check can name a caller of the access table: the world defines it, or it is the outsider, whom people then
/// define.
fn is_writable(facts: &Facts, name: &str) -> bool {
    name == OUTSIDER || is_known(facts, name)
}

/// A value without quotes, where YAML takes it so.
fn plain(value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "/:.-_".contains(c));
    if is_plain && value.starts_with(|c: char| c.is_ascii_alphabetic()) && !value.ends_with(':') {
        return value.to_owned();
    }
    quoted(value)
}
