//! Does a fault change what anybody may do?
//!
//! For a fault that no call of the arena shows, both versions are compared over all calls ([`permitlab_evaluator::prove`]): what
//! a policy without principals allows and denies by itself, or what everybody may do with the keys and roles of a world. A
//! request that differs becomes a check, if a check can ask it; where none is left the fault is none.

use permitlab_evaluator::catalog::services;
use permitlab_evaluator::policy::{self, Policy, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{Budget, Comparison, DocumentWitness, Standing, Witness, differences};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;

use super::witness::{Ask, Call, strangers};
use crate::facts::Facts;
use crate::judge::judge;
use crate::lint::attached::Uses;
use crate::measure::plain;
use crate::prove::{ask, caller_name, name_of};
use crate::question::Question;
use crate::reference::unknown_key;
use crate::table::OUTSIDER;
use crate::table::answer::{Word, outcome};
use crate::table::caller::{is_known, with_strangers};

/// How many keys and roles a world may have, and how many callers, for all calls to be looked at.
const MOST: usize = 200;

/// How much is looked through for one call.
const BUDGET: Budget = Budget { steps: 10_000, states: 5_000 };

/// What came of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proved {
    /// Nobody may do more or less.
    Same,
    /// A check that would catch the fault: a whole scenario file.
    Differs(String),
    /// Nothing is known.
    Nothing,
}

/// A version of some worlds.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) facts: Facts,
    pub(super) world: World,
    /// The world with those who stand for others in it.
    pub(super) peopled: World,
}

impl Side {
    pub(super) fn new(facts: Facts, world: World) -> Self {
        let peopled = with_strangers(world.clone(), &strangers());
        Self { facts, world, peopled }
    }

    fn policy(&self, name: &str, kind: PolicyType) -> Option<Policy> {
        policy::parse(&self.facts.documents.get(name)?.document, kind).policy
    }
}

/// Compares two versions of worlds, of which the policy of that name differs.
pub(super) fn proved(before: &Side, after: &Side, uses: &Uses, name: &str) -> Proved {
    let Some(entry) = before.facts.documents.get(name) else { return Proved::Nothing };
    let trial = Trial { before, after, uses };
    let alone = entry.kinds.iter().filter(|kind| !bears_on_resources(**kind));
    let mut is_same_alone = true;
    for kind in alone {
        let (Some(old), Some(new)) = (before.policy(name, *kind), after.policy(name, *kind)) else {
            return Proved::Nothing;
        };
        if has_principals(*kind) {
            is_same_alone = false;
            continue;
        }
        let found = differences(&old, &new, BUDGET);
        is_same_alone &= found.witnesses.is_empty() && found.unknown.is_empty();
        if let Some(scenario) = trial.by_holder(name, &found.witnesses) {
            return Proved::Differs(scenario);
        }
    }
    let is_on_resources = entry.kinds.iter().any(|kind| bears_on_resources(*kind));
    if is_same_alone && !is_on_resources {
        return Proved::Same;
    }
    match trial.everybody() {
        Proved::Same if is_same_alone => Proved::Same,
        Proved::Same | Proved::Nothing => Proved::Nothing,
        differs @ Proved::Differs(_) => differs,
    }
}

/// Whether a policy is about a key or a role alone.
const fn bears_on_resources(kind: PolicyType) -> bool {
    matches!(kind, PolicyType::Key | PolicyType::Trust)
}

/// Whether statements say whom they speak of.
const fn has_principals(kind: PolicyType) -> bool {
    matches!(
        kind,
        PolicyType::Key
            | PolicyType::Trust
            | PolicyType::Resource
            | PolicyType::VpcEndpoint
            | PolicyType::ResourceControl
    )
}

/// Two versions of worlds, and what calls they decide otherwise.
struct Trial<'t> {
    before: &'t Side,
    after: &'t Side,
    uses: &'t Uses,
}

impl Trial<'_> {
    /// A check of a call by somebody who has a policy that alone differs.
    fn by_holder(&self, name: &str, witnesses: &[DocumentWitness]) -> Option<String> {
        let is_held = |names: &[String]| names.iter().any(|own| own == name);
        let holders = self.before.facts.identities.iter();
        let holders: Vec<&String> = holders
            .filter(|(_, each)| is_held(&each.policies) || each.boundary.as_deref() == Some(name))
            .map(|(holder, _)| holder)
            .collect();
        let asks = |witness: &DocumentWitness, holder: &String| {
            let question = Question {
                by: holder.clone(),
                call: witness.actions.first().map(ToString::to_string).unwrap_or_default(),
                ..Question::default()
            };
            let ask = Ask { question, context: witness.context.clone() };
            resources(witness).into_iter().map(move |resource| {
                let question = Question { resource, ..ask.question.clone() };
                Ask { question, context: ask.context.clone() }
            })
        };
        witnesses.iter().find_map(|witness| {
            holders.iter().find_map(|holder| asks(witness, holder).find_map(|ask| self.scenario(ask)))
        })
    }

    /// All calls on the keys and roles.
    fn everybody(&self) -> Proved {
        let (old, new) = (&self.before.world, &self.after.world);
        if old.keys.len() + old.roles.len() + old.users.len() > MOST {
            return Proved::Nothing;
        }
        let mut is_same = true;
        for (denying, allowing) in [(old, new), (new, old)] {
            let comparison = Comparison::new(denying, allowing, BUDGET);
            for pair in comparison.pairs() {
                let gains = comparison.gains(pair);
                is_same &= gains.unknown.is_empty() && gains.witnesses.is_empty();
                let shown = |witness: &Witness| self.asks(witness).into_iter().find_map(|ask| self.scenario(ask));
                if let Some(scenario) = gains.witnesses.iter().find_map(shown) {
                    return Proved::Differs(scenario);
                }
            }
        }
        if is_same { Proved::Same } else { Proved::Nothing }
    }

    /// The request of a witness as checks could ask it: by its caller, by the root user of its account, by a stranger whose
    /// own policies allow it.
    fn asks(&self, witness: &Witness) -> Vec<Ask> {
        let facts = &self.before.facts;
        let of = |by: String| ask(&by, &name_of(facts, &witness.request.resource.arn), &witness.request);
        let caller = &witness.request.principal;
        let root = caller.account().map(|account| Principal::Root { account, partition: "aws".into() });
        let root = root.and_then(|root| root.arn());
        match witness.caller {
            Standing::Itself | Standing::Service => vec![of(caller_name(facts, facts, caller))],
            Standing::OfAccount { .. } => root.into_iter().chain([OUTSIDER.to_owned()]).map(of).collect(),
        }
    }

    /// The call as a check that holds now and would not hold with the fault, if it is one.
    fn scenario(&self, mut ask: Ask) -> Option<String> {
        // A key that AWS does not know is in no request, and no check can say so.
        ask.context.retain(|key, values| values.is_some() || unknown_key(key).is_none());
        let request: Box<Request> = ask.request(&self.before.facts)?;
        let by = &ask.question.by;
        let people = |side: &Side| {
            if by == OUTSIDER { side.peopled.clone() } else { with_strangers(side.world.clone(), [by]) }
        };
        let (old, new);
        let is_known = is_known(&self.before.facts, by);
        let [before, after] = if is_known {
            [&self.before.world, &self.after.world]
        } else {
            (old, new) = (people(self.before), people(self.after));
            [&old, &new]
        };
        let told = outcome(before, &request);
        let hangs = request.action.service() != "kms" && judge(before, &request, Rules::NONE).hangs_on_resource_policy;
        let differs = told.word() != outcome(after, &request).word();
        let call = (differs && !hangs && told.word() != Word::Unsure).then(|| Call::new(ask, request, told, is_known));
        call.map(|call| call.scenario(self.uses))
    }
}

/// Resources that show what a witness shows: the one it names, none, and something of each type that the action is called on.
fn resources(witness: &DocumentWitness) -> Vec<Option<String>> {
    let action = witness.actions.first().and_then(services::action);
    let patterns = action.into_iter().flat_map(services::Action::resources).flat_map(|each| each.kind.arn_patterns());
    let filled = |pattern: String| {
        let known = [("${Partition}", "aws"), ("${Region}", "us-east-1"), ("${Account}", "000000000000")];
        plain(&known.iter().fold(pattern, |text, (name, value)| text.replace(name, value)))
    };
    [Some(witness.resource.to_string()), None].into_iter().chain(patterns.map(filled).map(Some)).collect()
}
