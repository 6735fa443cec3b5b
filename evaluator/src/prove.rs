//! Does a change let anybody do what they could not do before?
//!
//! Two versions of a world are compared over *all* requests: every caller, known or not, every key and role, every action
//! on them, and every value of every condition key. Either no request is allowed by the second version that the first
//! denied, which is then proved; or there is one, which is shown, and which the evaluator has decided in both versions; or
//! the search was cut off, and says so.
//!
//! For a caller, a resource and an action the layers are put together as [`authorize`] does, over
//! formulas in place of truths. What such a formula leaves open is looked for among all values that its conditions could
//! tell apart.

mod access;
mod candidates;
mod document;
mod elsewhere;
mod formula;
mod layers;
mod never;
mod route;
mod search;
mod space;
mod statement;
mod strings;
mod value;
mod witness;

use std::collections::BTreeSet;
use std::fmt;

use crate::account::AccountId;
use crate::action::ActionName;
use crate::authorize;
use crate::condition::operator::Base;
use crate::condition::{Condition, Operand};
use crate::context::{ConditionKey, RequestContext, Values};
use crate::decision::{Decision, Effect};
use crate::derive;
use crate::eval::View;
use crate::gather::gather;
use crate::policy::pattern::Pattern;
use crate::policy::variable::Variable;
use crate::policy::{PrincipalElement, ResourceElement, Statement};
use crate::principal::Principal;
use crate::request::Request;
use crate::truth::{Rule, Rules, Unstated};
use crate::world::World;

use formula::{Atoms, Formula};
use layers::{Compiler, condition, plain};
use route::Route;
use search::{Model, Outcome, search};
use space::{Caller, Facts, Meanings, StandsFor, Subject};

pub use access::{Access, Travels, Way};
pub use document::{DocumentGains, DocumentWitness, differences, documents, undenied};
pub use elsewhere::{Elsewhere, OwnGain, OwnUnknown, Unlooked};
pub use never::{Never, Violation};
pub use search::Budget;
pub use space::{STRANGER, worlds_of_key, worlds_of_trust};
pub use statement::is_covered;

/// What one version of a world allows and the other does not.
#[derive(Debug, Clone, Default)]
pub struct Gains {
    /// Requests that show it, one for each caller, resource, action and way of travelling.
    pub witnesses: Vec<Witness>,
    /// Calls of which nothing could be said.
    pub unknown: Vec<Unknown>,
    /// How many callers, resources, and calls of one on the other there are.
    pub asked: Asked,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Callers, those who stand for others included.
    pub callers: usize,
    /// Keys and roles.
    pub resources: usize,
    /// Calls: a caller, a resource, an action, and a way of travelling.
    pub calls: usize,
}

/// A request that one version denies and the other allows.
#[derive(Debug, Clone)]
pub struct Witness {
    /// The request.
    pub request: Request,
    /// Whom its caller stands for.
    pub caller: Standing,
    /// Whether the policies of its caller, where no world says what they are, allow everything.
    pub has_access: bool,
    /// What the version that denies says.
    pub denied: Decision,
    /// What the version that allows says.
    pub allowed: Decision,
    /// The rules on whose other reading it rests; empty where the reference's reading is enough.
    pub rests_on: Rules,
    call: Open,
}

impl Witness {
    /// Whether a call of the same caller is gained under the same conditions.
    pub fn is_gained_like(&self, other: &Self) -> bool {
        self.call.route == other.call.route && self.call.formulas == other.call.formulas
    }
}

/// A call of which conditions are open: how it travels, and what both versions say of it.
#[derive(Debug, Clone)]
struct Open {
    request: Request,
    route: Route,
    formulas: Formulas,
}

/// Whom the caller of a witness stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// For itself.
    Itself,
    /// For everybody of its account; `allowed` says whether its own policies have to allow the call.
    OfAccount {
        /// Whether they have to.
        allowed: bool,
    },
    /// For every service.
    Service,
}

/// A call of which nothing could be said.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The call, without what conditions look at.
    pub request: Request,
    /// Why.
    pub why: Why,
}

/// Why nothing could be said of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The budget was used up.
    Budget,
    /// A policy variable stands for a value that nobody stated.
    Variable,
    /// The request that was found is one that no call makes.
    NotReplayed,
    /// It hangs on a rule that AWS leaves open.
    Reading,
    /// A condition looks at what the versions do not say alike of the caller: its tags, its organization.
    Caller,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Budget => "there was too much to look through",
            Self::Variable => "it hangs on the value of a policy variable",
            Self::NotReplayed => "what was found is no request that a call could make",
            Self::Reading => "it hangs on a rule that AWS leaves open",
            Self::Caller => "it hangs on what the versions do not say alike of the caller",
        })
    }
}

/// A comparison that has been set up: who could call, and on what.
#[derive(Debug, Clone)]
pub struct Comparison<'w> {
    before: &'w World,
    after: &'w World,
    callers: Vec<Caller>,
    subjects: Vec<Subject>,
    budget: Budget,
    meanings: Meanings,
    /// Whether the versions differ in policies only.
    is_same_otherwise: bool,
}

/// A caller and a resource of a [`Comparison`], by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    caller: usize,
    subject: usize,
}

impl<'w> Comparison<'w> {
    /// Compares what `after` allows with what `before` does.
    pub fn new(before: &'w World, after: &'w World, budget: Budget) -> Self {
        let worlds = [before, after];
        let (callers, subjects) = (space::callers(worlds, &[]), space::subjects(worlds));
        let meanings = Meanings::of(worlds.into_iter().flat_map(space::policies));
        let is_same_otherwise = space::beside_policies(before) == space::beside_policies(after);
        Self { before, after, callers, subjects, budget, meanings, is_same_otherwise }
    }

    /// The same comparison, of which these callers are too, by themselves: nobody stands for them. A root user brings
    /// everybody else of its account.
    #[must_use]
    pub fn asking_about(self, callers: &[Principal]) -> Self {
        Self { callers: space::callers([self.before, self.after], callers), ..self }
    }

    /// The comparison the other way round.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self { before: self.after, after: self.before, ..self.clone() }
    }

    /// The callers and resources of which something differs between the versions. Of all others both say the same.
    pub fn pairs(&self) -> Vec<Pair> {
        let (mut old, mut new) = (Facts::of(self.before), Facts::of(self.after));
        let is_rest_same = old.rest == new.rest;
        let mut differs =
            |caller: &Caller| old.caller(self.before, &caller.principal) != new.caller(self.after, &caller.principal);
        let callers: Vec<bool> = self.callers.iter().map(&mut differs).collect();
        let subjects: Vec<bool> = self
            .subjects
            .iter()
            .map(|subject| {
                let arn = &subject.resource.arn;
                old.subject(self.before, arn) != new.subject(self.after, arn)
            })
            .collect();
        let mut pairs = Vec::new();
        for (subject, subject_differs) in subjects.iter().enumerate() {
            for (caller, caller_differs) in callers.iter().enumerate() {
                if !is_rest_same || *subject_differs || *caller_differs {
                    pairs.push(Pair { caller, subject });
                }
            }
        }
        pairs
    }

    /// How much is compared; `pairs` are those of which something differs.
    pub fn asked(&self) -> Asked {
        let calls = self.subjects.iter().map(|subject| {
            let routes = |caller: &Caller| route::routes([self.before, self.after], caller).len();
            subject.actions.len() * self.callers.iter().map(routes).sum::<usize>()
        });
        Asked { callers: self.callers.len(), resources: self.subjects.len(), calls: calls.sum() }
    }

    /// What a caller gains on a resource.
    pub fn gains(&self, pair: Pair) -> Gains {
        let mut gains = Gains::default();
        self.each_call(pair, |call| {
            if let Some(formulas) = call.differing() {
                gains.add(call.gain(&formulas), &call.request);
            }
        });
        gains
    }

    /// What a caller gains on a resource, and what it loses.
    pub fn differences(&self, pair: Pair) -> [Gains; 2] {
        let [mut gains, mut losses] = [Gains::default(), Gains::default()];
        self.each_call(pair, |call| {
            if let Some(formulas) = call.differing() {
                gains.add(call.gain(&formulas), &call.request);
                losses.add(call.turned().gain(&formulas.turned()), &call.request);
            }
        });
        [gains, losses]
    }

    fn each_call(&self, pair: Pair, mut ask: impl FnMut(&Call<'_>)) {
        let (Some(caller), Some(subject)) = (self.callers.get(pair.caller), self.subjects.get(pair.subject)) else {
            return;
        };
        for route in route::routes([self.before, self.after], caller) {
            for action in &subject.actions {
                self.calls(caller, subject, action, &route).iter().for_each(&mut ask);
            }
        }
    }

    /// The calls of somebody by an action that travel in one way: one, or one for each grant that could be retired.
    fn calls<'c>(
        &'c self,
        caller: &'c Caller,
        subject: &Subject,
        action: &ActionName,
        route: &'c Route,
    ) -> Vec<Call<'c>> {
        let retired = route::retired([self.before, self.after], subject, action).into_iter();
        let request = |retires| Request { retires, ..route::request(caller, subject, action, route) };
        let worlds = [self.before, self.after];
        retired.map(|retires| Call { comparison: self, worlds, caller, request: request(retires), route }).collect()
    }

    /// What each version says of a request by somebody it knows.
    pub fn effects(&self, request: &Request) -> [Effect; 2] {
        [self.before, self.after].map(|world| decided(world, request).0.effect)
    }

    /// The worlds in which a witness of a gain is decided: both versions, with its caller in them.
    pub fn worlds(&self, witness: &Witness) -> [World; 2] {
        let is_known =
            self.callers.iter().any(|caller| caller.is_known && caller.principal == witness.request.principal);
        if is_known {
            return [self.before.clone(), self.after.clone()];
        }
        with_caller([self.before, self.after], &witness.request.principal, witness.has_access)
    }

    /// All that anybody gains.
    pub fn all(&self) -> Gains {
        let mut all = Gains { asked: self.asked(), ..Gains::default() };
        for pair in self.pairs() {
            all.extend(self.gains(pair));
        }
        all
    }
}

/// One call of a comparison, of which conditions are open.
struct Call<'c> {
    comparison: &'c Comparison<'c>,
    /// The version that should deny, and the one that should allow.
    worlds: [&'c World; 2],
    caller: &'c Caller,
    request: Request,
    route: &'c Route,
}

/// What both versions say of a call, over the same atoms.
#[derive(Debug, Clone, PartialEq)]
struct Formulas {
    atoms: Atoms,
    before: Formula,
    after: Formula,
    /// What every such call keeps to.
    known: Vec<Formula>,
    /// Rules whose other reading could make other formulas.
    met: Rules,
}

impl Formulas {
    fn turned(self) -> Self {
        Self { before: self.after, after: self.before, ..self }
    }
}

impl Gains {
    /// Adds what others gain.
    pub fn extend(&mut self, other: Self) {
        self.witnesses.extend(other.witnesses);
        self.unknown.extend(other.unknown);
    }

    fn add(&mut self, found: Result<Option<Witness>, Why>, request: &Request) {
        match found {
            Ok(witness) => self.witnesses.extend(witness),
            Err(why) => self.unknown.push(Unknown { request: request.clone(), why }),
        }
    }
}

/// Both worlds, with a caller that neither knows.
fn with_caller(worlds: [&World; 2], principal: &Principal, everything: bool) -> [World; 2] {
    let caller = Caller { principal: principal.clone(), stands_for: StandsFor::Itself, is_known: false };
    worlds.map(|world| space::with_unknown(world, std::slice::from_ref(&caller), everything))
}

/// How many rules are read both ways together.
const MOST_RULES: usize = 4;

/// Every way of reading some rules but the reference's: those of which the other reading is taken. `None` where there are too
/// many.
fn readings(met: Rules) -> Option<impl Iterator<Item = Rules>> {
    let met: Vec<Rule> = met.iter().collect();
    let choices = (met.len() <= MOST_RULES).then(|| 1..1_u32 << met.len())?;
    Some(choices.map(move |choice| {
        met.iter().enumerate().filter(|(at, _)| choice & 1 << at != 0).map(|(_, rule)| *rule).collect()
    }))
}

impl<'c> Call<'c> {
    /// The same call, of which is asked what the first version alone allows.
    fn turned(&self) -> Self {
        let [before, after] = self.worlds;
        let Self { comparison, caller, route, .. } = *self;
        Self { comparison, worlds: [after, before], caller, request: self.request.clone(), route }
    }

    /// What both versions say, unless it is the same for a reason that is plain.
    fn differing(&self) -> Option<Formulas> {
        let [before, after] = self.worlds;
        if self.comparison.is_same_otherwise && self.says(before) == self.says(after) {
            return None;
        }
        Some(self.formulas(Rules::NONE, &[]))
    }

    /// A request that the second version alone allows.
    fn gain(&self, formulas: &Formulas) -> Result<Option<Witness>, Why> {
        if let Some(witness) = self.gain_in(formulas, Rules::NONE)? {
            return Ok(Some(witness));
        }
        // Access that is gained in another reading only is perhaps gained.
        for flipped in readings(formulas.met).ok_or(Why::Budget)? {
            let formulas = self.formulas(flipped, &[]);
            if let Some(witness) = self.gain_in(&formulas, flipped)? {
                return Ok(Some(witness));
            }
        }
        Ok(None)
    }

    /// What the statements of each layer mean that are about the call, as far as caller and action tell.
    fn says(&self, world: &World) -> Vec<(bool, BTreeSet<Option<usize>>)> {
        let applicable = gather(world, &self.request, self.endpoint());
        let mut layers = Vec::new();
        for layer in crate::layer::Layer::ALL {
            for level in 0..applicable.levels(layer) {
                let policies = applicable.policies(layer, level);
                let statements =
                    policies.iter().flat_map(|policies| policies.iter()).flat_map(|policy| &policy.statements);
                let about = statements.filter(|statement| self.is_about(statement));
                let meanings = about.map(|statement| self.comparison.meanings.get(statement)).collect();
                layers.push((policies.is_some(), meanings));
            }
        }
        layers
    }

    fn is_about(&self, statement: &Statement) -> bool {
        let names = |element: &PrincipalElement| {
            let caller = &self.request.principal;
            element.negated || element.entries.iter().any(|entry| entry.value.covers(caller).is_some())
        };
        statement.action.covers(&self.request.action) && statement.principal.as_ref().is_none_or(names)
    }

    fn gain_in(&self, formulas: &Formulas, flipped: Rules) -> Result<Option<Witness>, Why> {
        if formulas.after == Formula::NO || formulas.after == formulas.before {
            return Ok(None);
        }
        let denied = !formulas.before.clone();
        let mut goals = vec![&formulas.after, &denied];
        goals.extend(&formulas.known);
        let model = match search(&goals, &formulas.atoms, flipped, self.comparison.budget) {
            Outcome::Impossible => return Ok(None),
            Outcome::Unknown => return Err(Why::Budget),
            Outcome::Model(model) => model,
        };
        if let Some(witness) = self.replayed(formulas, &model, flipped) {
            return Ok(Some(witness));
        }
        let found = self.again(formulas, &model, flipped)?;
        Ok(found.map(|witness| Witness { call: self.open(formulas), ..witness }))
    }

    /// Looks again, with a value for what hangs together with the rest: the account of a stranger, a policy variable.
    fn again(&self, formulas: &Formulas, model: &Model, flipped: Rules) -> Result<Option<Witness>, Why> {
        let variables = self.variables(formulas);
        let stated: Vec<(ConditionKey, Values)> =
            variables.into_iter().map(|key| (key, Values::One("example".to_owned()))).collect();
        let mut again = if stated.is_empty() { formulas.clone() } else { self.formulas(flipped, &stated) };
        if stated.is_empty() && self.caller.stands_for == StandsFor::Accounts {
            let account = self.request(formulas, model).principal.account().or(self.caller.principal.account());
            again.known.extend(account.into_iter().flat_map(|account| of_account(account, &mut again.atoms)));
        }
        let formulas = again;
        let denied = !formulas.before.clone();
        let mut goals = vec![&formulas.after, &denied];
        goals.extend(&formulas.known);
        let why = if stated.is_empty() { Why::NotReplayed } else { Why::Variable };
        match search(&goals, &formulas.atoms, flipped, self.comparison.budget) {
            Outcome::Model(model) => {
                let mut call = Call { request: self.request.clone(), ..*self };
                call.request.context.extend(stated.into_iter().map(|(key, values)| (key, Some(values))));
                call.replayed(&formulas, &model, flipped).map(Some).ok_or(why)
            }
            Outcome::Impossible | Outcome::Unknown => Err(why),
        }
    }

    /// The keys of policy variables that nobody stated.
    fn variables(&self, formulas: &Formulas) -> Vec<ConditionKey> {
        if !formulas.atoms.has_open() {
            return Vec::new();
        }
        let mut found: Vec<ConditionKey> = Vec::new();
        for world in self.worlds {
            let context = self.context(world, &self.request, &[]);
            let applicable = gather(world, &self.request, self.endpoint());
            let unstated = Unstated::default();
            let view = applicable.view(&self.request, &context, &unstated);
            for layer in crate::layer::Layer::ALL {
                for level in 0..applicable.levels(layer) {
                    let Some(policies) = applicable.policies(layer, level) else { continue };
                    for statement in policies.iter().flat_map(|policy| &policy.statements) {
                        found.extend(open_variables(statement, &view));
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn endpoint(&self) -> Option<&str> {
        match self.route {
            Route::Endpoint(id) => Some(id),
            Route::Direct(_) | Route::Forwarded => None,
        }
    }

    /// The request context in a world, with what the call could say otherwise left open.
    fn context(&self, world: &World, request: &Request, stated: &[(ConditionKey, Values)]) -> RequestContext {
        let mut context = derive::context(world, request);
        route::open_up(&mut context, request, self.caller, self.route);
        for (key, values) in stated {
            let presence = crate::context::Presence::Present(values.clone());
            context.record(key.clone(), presence, crate::context::Origin::Stated);
        }
        context
    }

    fn formulas(&self, flipped: Rules, stated: &[(ConditionKey, Values)]) -> Formulas {
        let mut atoms = Atoms::default();
        let mut met = Rules::NONE;
        let [before, after] = self.worlds;
        let of_before = self.context(before, &self.request, stated);
        let of_after = (!self.comparison.is_same_otherwise).then(|| self.context(after, &self.request, stated));
        let mut formula = |world: &'c World, context: &RequestContext| {
            let applicable = gather(world, &self.request, self.endpoint());
            let unstated = Unstated::default();
            let view = applicable.view(&self.request, context, &unstated);
            let mut compiler = Compiler::new(&mut atoms, flipped, !self.caller.is_known);
            let formula = compiler.decision(&applicable, &view);
            met = met.union(compiler.met());
            formula
        };
        let (before, after) = (formula(before, &of_before), formula(after, of_after.as_ref().unwrap_or(&of_before)));
        let known = route::known(&self.request, self.caller, self.route);
        let asked_of = |(condition, _): &(Condition, bool)| atoms.keys().contains(&condition.key);
        let known: Vec<(Condition, bool)> = known.into_iter().filter(asked_of).collect();
        let known = known.into_iter().map(|(condition, holds)| atoms.that(condition, holds)).collect();
        Formulas { atoms, before, after, known, met }
    }

    fn request(&self, formulas: &Formulas, model: &Model) -> Request {
        witness::request(self.request.clone(), self.caller, &formulas.atoms, model)
    }

    /// The request of a model, if the evaluator says of it what the formulas do.
    fn replayed(&self, formulas: &Formulas, model: &Model, flipped: Rules) -> Option<Witness> {
        let request = self.request(formulas, model);
        let has_access = formulas.atoms.is_open_identity(&model.open);
        let [denied, allowed] = if self.caller.is_known {
            self.worlds.map(|world| decided(world, &request).0)
        } else {
            with_caller(self.worlds, &request.principal, has_access).map(|world| decided(&world, &request).0)
        };
        let is_shown = if flipped.is_empty() {
            denied.effect.is_deny() && allowed.effect == Effect::Allow
        } else {
            // Of another reading the evaluator says no more than that it could be.
            let could_deny = denied.otherwise.iter().any(Effect::is_deny) || denied.effect.is_deny();
            could_deny && (allowed.effect == Effect::Allow || allowed.otherwise.contains(Effect::Allow))
        };
        let caller = self.caller.stands_for.standing(has_access);
        let call = self.open(formulas);
        is_shown.then_some(Witness { request, caller, has_access, denied, allowed, rests_on: flipped, call })
    }

    fn open(&self, formulas: &Formulas) -> Open {
        Open { request: self.request.clone(), route: self.route.clone(), formulas: formulas.clone() }
    }
}

/// What the evaluator says of a request in a world, and the request context.
fn decided(world: &World, request: &Request) -> (Decision, RequestContext) {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    let applicable = gather(world, request, endpoint.as_deref());
    (authorize::decide(&applicable, request, &context, Rules::NONE), context)
}

impl StandsFor {
    /// Whom a caller stands for, as readers of an answer are told; `allowed` says whether its own policies have to allow.
    fn standing(self, allowed: bool) -> Standing {
        match self {
            Self::Itself => Standing::Itself,
            Self::Account | Self::Accounts => Standing::OfAccount { allowed },
            Self::Services => Standing::Service,
        }
    }
}

/// That a caller is of this account, whatever names its account.
fn of_account(account: AccountId, atoms: &mut Atoms) -> Vec<Formula> {
    let mut tie = |key: &str, pattern: String| {
        let is_asked_of = atoms.keys().contains(&ConditionKey::new(key));
        is_asked_of.then(|| atoms.condition(condition(key, plain(Base::StringLike), [pattern])))
    };
    let arn = tie("aws:PrincipalArn", format!("arn:aws:iam::{account}:?*"));
    let accounts: Vec<_> = witness::OF_ACCOUNT.iter().filter_map(|key| tie(key, account.to_string())).collect();
    arn.into_iter().chain(accounts).collect()
}

/// The keys of variables in a statement that nobody stated.
fn open_variables(statement: &Statement, view: &View<'_>) -> Vec<ConditionKey> {
    let open = variables(statement).filter(|variable| variable.resolve(view).open.is_some());
    open.map(|variable| variable.key.clone()).collect()
}

/// The keys that a statement looks at, by a condition or a variable.
fn looked_at(statement: &Statement) -> impl Iterator<Item = &ConditionKey> {
    let named = statement.conditions.iter().map(|condition| &condition.key);
    named.chain(variables(statement).map(|variable| &variable.key))
}

/// The variables in the conditions and resources of a statement.
fn variables(statement: &Statement) -> impl Iterator<Item = &Variable> {
    let operands = statement.conditions.iter().flat_map(|condition| &condition.operands);
    let resources = match &statement.resource {
        ResourceElement::Listed { patterns, .. } => patterns.as_slice(),
        ResourceElement::Missing | ResourceElement::Own => &[],
    };
    let fields = resources.iter().filter_map(|pattern| pattern.value.as_fields()).flatten();
    operands.flat_map(Operand::patterns).chain(fields).flat_map(Pattern::variables)
}
