//! Is there a request that is allowed though it must never be?

use crate::action::ActionName;
use crate::arn::Arn;
use crate::condition::Condition;
use crate::context::{Presence, RequestContext};
use crate::decision::{Decision, Effect};
use crate::gather::gather;
use crate::principal::Principal;
use crate::request::Request;
use crate::truth::{Rules, Unstated};

use super::formula::Formula;
use super::layers::Compiler;
use super::search::{Outcome, search};
use super::{Call, Comparison, Formulas, Standing, Unknown, Why, decided, readings, route, with_caller};

/// A request that is allowed though it must never be.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The request.
    pub request: Request,
    /// Whom its caller stands for.
    pub caller: Standing,
    /// Whether the policies of its caller, where no world says what they are, allow everything.
    pub has_access: bool,
    /// What the world says.
    pub allowed: Decision,
}

/// What must never be: a call on a resource by somebody who is not spared, unless one of the conditions holds.
#[derive(Debug, Clone)]
pub struct Never<'n> {
    /// The actions.
    pub actions: &'n [ActionName],
    /// The resource.
    pub resource: &'n Arn,
    /// Conditions that excuse a call.
    pub unless: &'n [Condition],
}

impl Comparison<'_> {
    /// Requests that the second version allows though they must never be, one for each caller and action, and calls of which
    /// nothing could be said. `is_meant` says of a caller whether it is one of those who must not, and
    /// whether it stands for others.
    pub fn violations(
        &self,
        never: &Never<'_>,
        is_meant: impl Fn(&Principal, Standing) -> bool,
    ) -> (Vec<Violation>, Vec<Unknown>) {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        let subjects = self.subjects.iter().filter(|subject| subject.resource.arn == *never.resource);
        for subject in subjects {
            for caller in &self.callers {
                if !is_meant(&caller.principal, caller.stands_for.standing(true)) {
                    continue;
                }
                for action in never.actions.iter().filter(|action| subject.actions.contains(action)) {
                    for route in route::routes([self.before, self.after], caller) {
                        for call in self.calls(caller, subject, action, &route) {
                            match call.violation(never.unless) {
                                Ok(None) => {}
                                Ok(Some(violation)) => found.push(violation),
                                Err(why) => unknown.push(Unknown { request: call.request, why }),
                            }
                        }
                    }
                }
            }
        }
        (found, unknown)
    }
}

impl Call<'_> {
    fn violation(&self, unless: &[Condition]) -> Result<Option<Violation>, Why> {
        let (formulas, outcome) = self.unexcused(unless, Rules::NONE);
        let model = match outcome {
            Outcome::Unknown => return Err(Why::Budget),
            Outcome::Model(model) => model,
            // What another reading of a rule may allow is not known never to be.
            Outcome::Impossible => {
                let allows = |flipped| self.unexcused(unless, flipped).1 != Outcome::Impossible;
                let is_open = readings(formulas.met).is_none_or(|mut others| others.any(allows));
                return if is_open { Err(Why::Reading) } else { Ok(None) };
            }
        };
        let request = self.request(&formulas, &model);
        let has_access = formulas.atoms.is_open_identity(&model.open);
        let (allowed, context) = if self.caller.is_known {
            decided(self.comparison.after, &request)
        } else {
            let [_, after] = with_caller(self.worlds, &request.principal, has_access);
            decided(&after, &request)
        };
        if allowed.effect != Effect::Allow || is_excused(unless, &context) {
            return Err(if formulas.atoms.has_open() { Why::Variable } else { Why::NotReplayed });
        }
        let caller = self.caller.stands_for.standing(has_access);
        Ok(Some(Violation { request, caller, has_access, allowed }))
    }

    /// Whether a request is allowed that no condition excuses, in one reading of the rules.
    fn unexcused(&self, unless: &[Condition], flipped: Rules) -> (Formulas, Outcome) {
        let mut formulas = self.formulas(flipped, &[]);
        let world = self.comparison.after;
        let context = self.context(world, &self.request, &[]);
        let applicable = gather(world, &self.request, self.endpoint());
        let unstated = Unstated::default();
        let view = applicable.view(&self.request, &context, &unstated);
        let mut compiler = Compiler::new(&mut formulas.atoms, flipped, !self.caller.is_known);
        let excuses: Vec<Formula> = unless.iter().map(|condition| compiler.condition(condition, &view)).collect();
        let excused = !Formula::any(excuses);
        let mut goals = vec![&formulas.after, &excused];
        goals.extend(&formulas.known);
        let outcome = search(&goals, &formulas.atoms, flipped, self.comparison.budget);
        (formulas, outcome)
    }
}

fn is_excused(unless: &[Condition], context: &RequestContext) -> bool {
    let of = |condition: &Condition| {
        let presence = context.recorded(&condition.key).map_or(&Presence::Absent, |entry| &entry.presence);
        condition.holds_with(presence, context).holds()
    };
    unless.iter().any(of)
}
