//! What comes of each call of an access table?

use std::collections::BTreeMap;
use std::fmt;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::authorize::{Answer, answer};
use permitlab_evaluator::catalog::{self, kms};
use permitlab_evaluator::context::{ConditionKey, Lookup as _, Presence, Values};
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::explain::{Explanation, StatementExplanation, explain};
use permitlab_evaluator::gather::{Applicable, gather};
use permitlab_evaluator::layer::Layer;
use permitlab_evaluator::policy;
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource, Source, Via};
use permitlab_evaluator::source::Span;
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;
use rayon::prelude::*;

use super::caller::{LETS_OUT, caller, with_strangers};
use super::path::{Path, account_of};
use super::space::Space;
use crate::facts::{Facts, Key};

/// What came of each caller's action on a key, path by path.
pub type Answered = BTreeMap<(String, String, String), Vec<(Path, Outcome)>>;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// The decision under the reference's reading, with unstated keys absent.
    pub effect: Effect,
    /// The statement or grant that decided; an implicit deny has none.
    pub by: Option<String>,
    /// The errors of KMS, where the call is allowed and the state of the key refuses it.
    pub errors: Vec<&'static str>,
    /// The other answers that are open.
    pub otherwise: Vec<Effect>,
    /// Condition keys nobody stated that could change the answer.
    pub unstated: Vec<String>,
    /// Rules AWS leaves open that could change it.
    pub unsure: Vec<&'static str>,
}

/// The answer in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Allowed for certain.
    Allow,
    /// Allowed, and refused by the state of the key.
    Unavailable,
    /// Perhaps allowed.
    Unsure,
    /// Denied by a Deny for certain.
    ExplicitDeny,
    /// Denied, because nothing allows it.
    ImplicitDeny,
}

impl Word {
    /// Every word, in the order of a count.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Unavailable, Self::Unsure, Self::ExplicitDeny, Self::ImplicitDeny];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Unavailable => "unavailable",
            Self::Unsure => "unsure",
            Self::ExplicitDeny => "explicit-deny",
            Self::ImplicitDeny => "implicit-deny",
        }
    }
}

impl Outcome {
    /// What is not there can do nothing.
    pub(crate) const NOTHING: Self = Self {
        effect: Effect::ImplicitDeny,
        by: None,
        errors: Vec::new(),
        otherwise: Vec::new(),
        unstated: Vec::new(),
        unsure: Vec::new(),
    };

    /// The answer in a word. Which kind of denial it is may stay open; whether it is one may not.
    pub fn word(&self) -> Word {
        let could_be = |allows: bool| {
            let open = self.otherwise.iter().chain([&self.effect]);
            open.into_iter().any(|effect| effect.is_deny() != allows)
        };
        match self.effect {
            _ if could_be(true) && could_be(false) => Word::Unsure,
            Effect::Allow if self.errors.is_empty() => Word::Allow,
            Effect::Allow => Word::Unavailable,
            Effect::ExplicitDeny if self.otherwise.is_empty() => Word::ExplicitDeny,
            Effect::ExplicitDeny | Effect::ImplicitDeny => Word::ImplicitDeny,
        }
    }

    fn of(applicable: &Applicable<'_>, decision: &Decision, errors: &[&'static str]) -> Self {
        Self {
            effect: decision.effect,
            by: name(applicable, decision),
            errors: errors.to_vec(),
            otherwise: decision.otherwise.iter().collect(),
            unstated: decision.doubts.keys.iter().map(ToString::to_string).collect(),
            unsure: decision.doubts.rules.iter().map(Rule::number).collect(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word().word())?;
        if self.word() == Word::Unsure {
            write!(f, "  {}", self.effect.word())?;
        }
        if let Some(by) = &self.by {
            write!(f, "  {by}")?;
        }
        if !self.errors.is_empty() {
            write!(f, "  {}", self.errors.join(" or "))?;
        }
        if self.word() != Word::Unsure {
            return Ok(());
        }
        let others: Vec<_> = self.otherwise.iter().map(|effect| effect.word()).collect();
        write!(f, "  or {}:", others.join(" or "))?;
        if !self.unstated.is_empty() {
            write!(f, " nobody stated {}", self.unstated.join(", "))?;
        }
        if !self.unsure.is_empty() {
            let and = if self.unstated.is_empty() { "" } else { "," };
            write!(f, "{and} AWS leaves {} open", self.unsure.join(", "))?;
        }
        Ok(())
    }
}

/// What the deciding statement or grant is called.
fn name(applicable: &Applicable<'_>, decision: &Decision) -> Option<String> {
    let reference = decision.decided_by?;
    if reference.layer == Layer::Grant {
        return applicable.grants.get(reference.index.policy()).map(|grant| grant.name.to_string());
    }
    applicable.statement(reference).map(|(policy, statement)| policy.reference(statement))
}

/// The statement of the resource's policy that lets a caller of another account in.
fn opened(explanation: &Explanation<'_>) -> Option<(String, Span)> {
    let own = explanation.layers.iter().filter(|layer| layer.layer == Layer::Resource);
    let mut statements = own.flat_map(|layer| &layer.statements);
    let is_open =
        |each: &&StatementExplanation<'_>| each.applies.holds() && each.subject.effect() == policy::Effect::Allow;
    statements.find(is_open).map(|statement| (statement.name(), statement.subject.span()))
}

/// The statement of the resource's policy that lets a caller in whose own account allows it everything: its name and place.
pub(crate) fn lets_in(world: &World, request: &Request) -> Option<(String, Span)> {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    let applicable = gather(world, request, endpoint.as_deref());
    let Answer::Decided(decision) = answer(world, &applicable, request, &context, Rules::NONE) else { return None };
    opened(&explain(&applicable, request, &context, &decision))
}

/// Asks one call.
pub fn outcome(world: &World, request: &Request) -> Outcome {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    let applicable = gather(world, request, endpoint.as_deref());
    match answer(world, &applicable, request, &context, Rules::NONE) {
        Answer::Decided(decision) => {
            let mut outcome = Outcome::of(&applicable, &decision, &[]);
            // What lets a stranger in is the key policy; its own account allows it everything.
            if outcome.by.as_deref() == Some(LETS_OUT) {
                let opened = opened(&explain(&applicable, request, &context, &decision));
                outcome.by = opened.map(|(name, _)| name).or(outcome.by);
            }
            outcome
        }
        Answer::Unavailable(why, Some(decision)) => Outcome::of(&applicable, &decision, why.errors()),
        Answer::Unavailable(_, None) => Outcome::NOTHING,
    }
}

/// Asks every call of a space. A caller or key that these facts do not know can do nothing, and has no answers.
///
/// # Errors
/// Every reason for which AWS would refuse a policy.
pub fn answers(facts: &Facts, space: &Space) -> Result<Answered, Vec<Diagnostic>> {
    let world = with_strangers(facts.world()?, &space.principals);
    Ok(asked(facts, &world, space))
}

/// Asks every call of a space of a world with strangers.
pub(super) fn asked(facts: &Facts, world: &World, space: &Space) -> Answered {
    let of_caller = |name: &String| {
        let mut answered = Answered::new();
        let Some(caller) = caller(facts, name) else { return answered };
        for call in calls(facts, space, &caller) {
            let Some((path, request)) = stating(world, call.request, call.path) else { continue };
            let outcome = outcome(world, &request);
            let place = (name.clone(), call.key.to_owned(), call.action.to_owned());
            answered.entry(place).or_default().push((path, outcome));
        }
        answered
    };
    let callers: Vec<&String> = space.principals.iter().collect();
    let answered: Vec<Answered> = callers.into_par_iter().map(of_caller).collect();
    answered.into_iter().flatten().collect()
}

/// A request that states what its path says of condition keys, but for those that something else says, and the path with
/// what it states; nothing if that is no more than the path without.
fn stating(world: &World, mut request: Request, path: &Path) -> Option<(Path, Request)> {
    if path.stated.is_empty() {
        return Some((path.clone(), request));
    }
    let context = derive::context(world, &request);
    let mut path = path.clone();
    path.stated.retain(|name, _| {
        let key = ConditionKey::new(name);
        context.entry(&key).presence == Presence::Unstated && catalog::may_be_sent(&key, &request.action)
    });
    for (name, value) in &path.stated {
        let key = ConditionKey::new(name);
        let is_list = catalog::is_multivalued(&key);
        let value = value.clone();
        let values = if is_list { Values::Many(vec![value]) } else { Values::One(value) };
        request.context.insert(key, Some(values));
    }
    (!path.stated.is_empty()).then_some((path, request))
}

/// A call of the space, and the names it goes by there.
pub(crate) struct Call<'s> {
    pub(crate) key: &'s str,
    pub(crate) action: &'s str,
    pub(crate) path: &'s Path,
    pub(crate) request: Request,
}

/// The calls of one caller.
pub(crate) fn calls<'s>(facts: &Facts, space: &'s Space, caller: &Principal) -> Vec<Call<'s>> {
    let mut calls = Vec::new();
    for key in &space.keys {
        let Some(held) = facts.keys.get(key.trim_start_matches("key/")).and_then(Key::held) else { continue };
        for action in &space.actions {
            let Ok(name) = ActionName::parse(action) else { continue };
            let Some(operation) = kms::operation(&name) else { continue };
            if !operation.fits(&held.spec, &held.usage) {
                continue;
            }
            let takes_context = operation.encryption_context && held.spec == "SYMMETRIC_DEFAULT";
            let fits = |path: &&Path| path.fits(caller) && (takes_context || path.encryption_context.is_empty());
            for path in space.paths.iter().filter(fits) {
                let mut request = Request::new(caller.clone(), name.clone(), Resource::new(held.arn.clone()));
                request.via = path.via.as_deref().map(|via| Via { service: via.into() });
                request.source = path.source.as_deref().map(|arn| Source { arn: arn.into(), account: account_of(arn) });
                request.encryption_context.clone_from(&path.encryption_context);
                calls.push(Call { key, action, path, request });
            }
        }
    }
    calls
}
