//! Does a solver that is not ours say what the prover says?
//!
//! Pairs of policies are compared, action by action, by the prover and by cvc5, which is asked in SMT-LIB ([`smt`]). What
//! the prover proves, cvc5 has to find impossible, and what it finds, cvc5 has to find; the call that cvc5 finds is decided
//! by the evaluator, which holds the question itself to the rules. What either of them leaves open is counted, and is
//! no agreement. Where cvc5 is not on the `PATH`, nothing is compared, and the test says so.
//!
//! `PERMITLAB_CASES` asks for another number of pairs, `PERMITLAB_SEED` for another start.
#![cfg(test)]
#![expect(clippy::string_slice, reason = "texts are cut where something of ASCII was found")]

mod generate;
mod smt;
mod solver;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::num::NonZero;
use std::str::FromStr;
use std::time::Instant;
use std::{env, io, thread};

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::{self, services};
use permitlab_evaluator::context::{ConditionKey, Origin, RequestContext};
use permitlab_evaluator::eval::View;
use permitlab_evaluator::eval::policy::evaluate;
use permitlab_evaluator::policy::{self, Document, Policies, Policy, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{Budget, documents};
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::Unstated;

use generate::Numbers;
use solver::Answer;

/// Pairs of policies that are compared.
const CASES: u64 = 30;

/// What came of comparisons.
#[derive(Debug, Default)]
struct Tally {
    /// Both find a call.
    both_find: usize,
    /// Both say that there is none.
    both_prove: usize,
    /// cvc5 left open.
    open_to_cvc5: usize,
    /// The prover left open.
    open_to_prover: Vec<String>,
    /// They differ, or the evaluator decides otherwise than cvc5 says.
    differences: Vec<String>,
}

#[test]
fn the_solver_says_what_the_prover_says() {
    let Some(version) = solver::version() else {
        say("skipped: cvc5 is not on the PATH (`apt-get install cvc5`), so that nothing was compared with it");
        return;
    };
    let (cases, seed) = (number("PERMITLAB_CASES").unwrap_or(CASES), number("PERMITLAB_SEED").unwrap_or(0));
    let began = Instant::now();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let mut all = Tally::default();
    thread::scope(|scope| {
        let of_worker = |worker: usize| {
            move || {
                let mut tally = Tally::default();
                let own = (0..cases).skip(worker).step_by(workers);
                own.for_each(|case| compare(&generate::pair(&mut Numbers::of(seed, case)), &mut tally));
                tally
            }
        };
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(of_worker(worker))).collect();
        for worker in running {
            all.add(worker.join().unwrap());
        }
    });
    say(&format!(
        "{version}: {cases} pairs of policies, {} sat for both, {} unsat for both, {} unknown to cvc5, {} unknown to the \
         prover, {} differences, {:.1} s",
        all.both_find,
        all.both_prove,
        all.open_to_cvc5,
        all.open_to_prover.len(),
        all.differences.len(),
        began.elapsed().as_secs_f32()
    ));
    all.open_to_prover.iter().for_each(|open| say(open));
    assert!(all.differences.is_empty(), "{}", all.differences.join("\n\n"));
    assert!(all.both_find > 0 && all.both_prove > 0, "{all:?}");
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.both_find += other.both_find;
        self.both_prove += other.both_prove;
        self.open_to_cvc5 += other.open_to_cvc5;
        self.open_to_prover.extend(other.open_to_prover);
        self.differences.extend(other.differences);
    }
}

/// Says it also where tests pass.
fn say(text: &str) {
    writeln!(io::stderr(), "{text}").unwrap();
}

fn number<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

fn read(text: &str) -> Policy {
    let mut sources = SourceMap::new();
    let id = sources.add("policy", text).unwrap();
    let document = Document::read("policy", id, text).unwrap();
    let parsed = policy::parse(&document, PolicyType::Identity);
    parsed.policy.unwrap_or_else(|| panic!("{text}\n{:?}", parsed.diagnostics))
}

fn compare(texts: &[String; 2], tally: &mut Tally) {
    let [before, after] = texts.each_ref().map(|text| read(text));
    let gains = documents(&before, &after, Budget::default());
    for actions in questions([&before, &after]) {
        let is_of = |action: &ActionName| actions.contains(action);
        let found = gains.witnesses.iter().find(|witness| witness.actions.iter().any(is_of));
        let open = gains.unknown.iter().find(|(action, _)| is_of(action));
        let action = actions.first().unwrap();
        let question = smt::question(&before, &after, action, |key| catalog::may_be_sent(key, action));
        let told = |what: &str| format!("{what}\naction {action}\nbefore {}\nafter {}", texts[0], texts[1]);
        let answer = solver::ask(&question.script);
        if let Answer::Sat(values) = &answer {
            let call = question.call(values);
            if !is_gained(&before, &after, action, &call) {
                tally.differences.push(told(&format!("the evaluator does not say what cvc5 does of {call:?}")));
                continue;
            }
        }
        match (answer, found, open) {
            (Answer::Unknown, ..) => tally.open_to_cvc5 += 1,
            (answer, _, Some((_, why))) => {
                let answer = if matches!(answer, Answer::Sat(_)) { "sat" } else { "unsat" };
                tally.open_to_prover.push(told(&format!("open to the prover: {why}; cvc5 says {answer}")));
            }
            (Answer::Sat(_), Some(_), None) => tally.both_find += 1,
            (Answer::Unsat, None, None) => tally.both_prove += 1,
            (Answer::Sat(values), None, None) => {
                let call = question.call(&values);
                tally.differences.push(told(&format!("the prover finds none, cvc5 {call:?}")));
            }
            (Answer::Unsat, Some(witness), None) => {
                tally.differences.push(told(&format!("cvc5 finds none, the prover {witness:?}")));
            }
        }
    }
}

/// The actions that the policies name, those together of which no statement and no key says something else.
fn questions(policies: [&Policy; 2]) -> Vec<Vec<ActionName>> {
    let statements: Vec<_> = policies.iter().flat_map(|policy| &policy.statements).collect();
    let keys: BTreeSet<&ConditionKey> =
        statements.iter().flat_map(|statement| &statement.conditions).map(|condition| &condition.key).collect();
    let is_every = statements.iter().any(|statement| statement.action.negated);
    let services = services::prefixes().filter(|prefix| is_every || *prefix == "s3");
    let mut together: BTreeMap<Vec<bool>, Vec<ActionName>> = BTreeMap::new();
    for service in services.filter_map(services::service) {
        for action in service.actions() {
            let name = format!("{}:{}", service.prefix(), action.name());
            let named: Vec<bool> = statements.iter().map(|statement| smt::names(statement, &name)).collect();
            // Keys of KMS are more than one question (R8.5), and not what is asked here.
            if !named.contains(&true) || service.prefix() == "kms" {
                continue;
            }
            let action = ActionName::parse(&name).unwrap();
            let sent = keys.iter().map(|key| catalog::may_be_sent(key, &action));
            together.entry(named.into_iter().chain(sent).collect()).or_default().push(action);
        }
    }
    together.into_values().collect()
}

/// Whether the evaluator says that the call is allowed by one policy alone.
fn is_gained(before: &Policy, after: &Policy, action: &ActionName, call: &smt::Call) -> bool {
    let caller = Principal::parse("arn:aws:iam::111122223333:role/caller").unwrap();
    let resource = Resource::new(Arn::parse(&call.resource).unwrap());
    let request = Request::new(caller, action.clone(), resource);
    let mut context = RequestContext::closed();
    for (key, presence) in &call.context {
        context.record(key.clone(), presence.clone(), Origin::Stated);
    }
    let unstated = Unstated::default();
    let view = View {
        request: &request,
        context: &context,
        kind: PolicyType::Identity,
        has_boundary: false,
        unstated: &unstated,
    };
    let allows = |policy: &Policy| {
        let outcome = evaluate(Policies::One(policy), &view);
        outcome.allow.truth.holds() && !outcome.deny.truth.holds()
    };
    allows(after) && !allows(before)
}
