//! When do the layers together allow a request?
//!
//! The flow chart of [`authorize`](crate::authorize), rule for rule, over formulas in place of truths: what is certain is
//! settled here, and conditions on keys nobody stated remain. Rules the reference is unsure of are taken in one reading at
//! a time: the reference's, or the other one where `flipped` says so.

use crate::catalog::{self, KeyType};
use crate::condition::operator::{Base, Family, Operator, SetOperator};
use crate::condition::{Condition, Operand};
use crate::context::{ConditionKey, Lookup, Presence};
use crate::eval::{View, element, statement};
use crate::gather::{Applicable, Levels};
use crate::json::Text;
use crate::policy::pattern::Pattern;
use crate::policy::{Effect, Policies, Policy, PolicyType, Statement};
use crate::principal::{Principal, PrincipalMatch};
use crate::service::kms::grant;
use crate::service::{Service, Sharing, s3, sts};
use crate::source::{SourceId, Span};
use crate::truth::{Rule, Rules, Truth};
use crate::world::kms::{Constraint, Grant, Pairs};

use super::formula::{Atoms, Formula, IDENTITY};
use super::value::read;

/// What policies that work together say.
struct Outcome {
    deny: Formula,
    allow: Formula,
}

/// What the resource's side allows, by the way it names the caller.
struct Allows([Vec<Formula>; 5]);

impl Allows {
    fn none() -> Self {
        Self([const { Vec::new() }; 5])
    }

    fn add(&mut self, way: PrincipalMatch, formula: Formula) {
        if let Some(own) = self.0.get_mut(way as usize) {
            own.push(formula);
        }
    }

    fn by(&self, way: PrincipalMatch) -> Formula {
        Formula::any(self.0.get(way as usize).into_iter().flatten().cloned())
    }

    fn any(&self) -> Formula {
        Formula::any(self.0.iter().flatten().cloned())
    }
}

/// Makes formulas of one request.
pub(super) struct Compiler<'c> {
    atoms: &'c mut Atoms,
    /// Rules that are taken in their other reading.
    flipped: Rules,
    /// Rules that were met.
    met: Rules,
    /// Whether nobody knows what the caller's identity-based policies say.
    identity_is_open: bool,
}

/// A condition that no file has.
pub(super) fn condition(key: &str, operator: Operator, values: impl IntoIterator<Item = String>) -> Condition {
    let span = Span::new(SourceId::from_index(u32::MAX), 0, 0);
    let key = ConditionKey::new(key);
    let operand =
        |text: String| crate::condition::Operand::new(Text::new(&text, span), operator, crate::policy::Version::V2008);
    let operands = values.into_iter().map(operand).collect();
    let key_type = catalog::key_type(&key);
    Condition { operator, key, key_type, operands, operator_span: span, key_span: span, span }
}

/// An operator without prefix and suffix.
pub(super) const fn plain(base: Base) -> Operator {
    Operator { set: SetOperator::None, base, if_exists: false }
}

impl<'c> Compiler<'c> {
    pub(super) fn new(atoms: &'c mut Atoms, flipped: Rules, identity_is_open: bool) -> Self {
        Self { atoms, flipped, met: Rules::NONE, identity_is_open }
    }

    /// The rules that the formulas made so far would be others without.
    pub(super) fn met(&self) -> Rules {
        self.met
    }

    /// When the request of the view is allowed.
    pub(super) fn decision(&mut self, applicable: &Applicable<'_>, view: &View<'_>) -> Formula {
        let request = view.request;
        let caller = &request.principal;
        let owner = applicable.resource_account.or(request.resource.account);
        let service = Service::of(&request.action);
        let sharing = service.sharing(request);
        let same_account = sharing == Sharing::ByGrant || owner.is_none() || owner == caller.account();
        let has_account = caller.account().is_some();
        let stays_at_home = same_account || !has_account;
        if !service.serves(request) || !(stays_at_home || service.works_across_accounts(&request.action)) {
            return Formula::NO;
        }
        if sharing == Sharing::Unguarded {
            return Formula::YES;
        }
        let service_linked = caller.is_service_linked();
        let scp_applies = has_account && !service_linked && !applicable.principal_in_management_account;
        let rcp_applies = applicable.rcp.is_some()
            && catalog::rcps_reach(&request.action)
            && !applicable.resource_in_management_account
            && !service_linked
            && !sts::takes_linked_role(request);
        let rcp = applicable.rcp.as_ref().filter(|_| rcp_applies).map(|levels| self.levels(levels, view));
        let scp = applicable.scp.as_ref().filter(|_| scp_applies).map(|levels| self.levels(levels, view));
        let vpc_endpoint = applicable.vpc_endpoint.map(|policies| self.policies(policies, view));
        let mut allows = Allows::none();
        let policy = applicable.resource.filter(|_| match sharing {
            Sharing::EitherAllows | Sharing::Delegated => !s3::is_root_on_policy(request, owner),
            Sharing::IdentityOnly | Sharing::ByGrant | Sharing::Unguarded => false,
        });
        let resource = policy.map(|policy| self.resource_policy(policy, view, &mut allows));
        let (granted, granted_by_own) = self.grants(applicable, view);
        let identity = if self.identity_is_open {
            Some(Outcome { deny: Formula::NO, allow: self.atoms.open(IDENTITY) })
        } else {
            applicable.identity.map(|policies| self.policies(policies, view))
        };
        let boundary = applicable.boundary.map(|policies| self.policies(policies, view));
        let session = applicable.session.map(|policies| self.policies(policies, view));

        let denied_by = |outcome: &Option<Outcome>| outcome.as_ref().map_or(Formula::NO, |each| each.deny.clone());
        let mut by_rcp = denied_by(&rcp);
        if !self.reads(Rule::RcpAgainstGrant, by_rcp != Formula::NO && granted.any() != Formula::NO) {
            by_rcp = by_rcp.and(!granted.any());
        }
        let others = [&scp, &vpc_endpoint, &resource, &identity, &boundary, &session];
        let deny = Formula::any(std::iter::once(by_rcp).chain(others.into_iter().map(denied_by)));

        let limit = |outcome: &Option<Outcome>| outcome.as_ref().map_or(Formula::YES, |each| each.allow.clone());
        let limits = limit(&boundary).and(limit(&session));
        let own = || identity.as_ref().map_or(Formula::NO, |each| each.allow.clone()).and(limits.clone());
        let identity_allows = match caller {
            Principal::User(_) | Principal::RoleSession { .. } => own(),
            Principal::FederatedUser { .. } if session.is_none() => Formula::NO,
            Principal::FederatedUser { .. } => own(),
            Principal::Root { .. } => Formula::YES,
            Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => Formula::NO,
        };
        let is_enough = same_account || !has_account;
        let is_federated = matches!(caller, Principal::Federated(_));
        let by_policy = match (sharing, is_enough) {
            (Sharing::EitherAllows | Sharing::Delegated, true) => {
                let ways =
                    PrincipalMatch::ALL.into_iter().filter(|way| !is_federated || *way == PrincipalMatch::Direct);
                Formula::any(ways.map(|way| allows.by(way).and(self.policy_stands(way, &limits))).collect::<Vec<_>>())
            }
            (Sharing::EitherAllows | Sharing::Delegated, false)
            | (Sharing::IdentityOnly | Sharing::ByGrant | Sharing::Unguarded, _) => Formula::NO,
        };
        let granting = if is_enough { &granted } else { &granted_by_own };
        let mut by_grant = Formula::NO;
        for way in PrincipalMatch::ALL {
            let given = granting.by(way);
            if given != Formula::NO {
                by_grant = by_grant.or(given.and(self.grant_stands(way, &limits)));
            }
        }
        if !is_enough && !self.reads(Rule::GrantOfCallersAccount, by_grant != Formula::NO) {
            by_grant = Formula::NO;
        }
        let delegation = match (sharing, same_account) {
            (Sharing::EitherAllows, true) | (Sharing::IdentityOnly | Sharing::Unguarded, _) => Formula::YES,
            (Sharing::EitherAllows | Sharing::Delegated | Sharing::ByGrant, false) => allows.any().or(granted.any()),
            (Sharing::Delegated | Sharing::ByGrant, true) => {
                allows.by(PrincipalMatch::Account).or(granted.by(PrincipalMatch::Account))
            }
        };
        let open = Formula::any([by_policy, by_grant, delegation.and(identity_allows)]);
        Formula::all([!deny, limit(&scp), limit(&vpc_endpoint), open])
    }

    /// Whether the reference's reading of a rule is taken. `matters` says whether it was met.
    fn reads(&mut self, rule: Rule, matters: bool) -> bool {
        if matters {
            self.met = self.met.with(rule);
        }
        !self.flipped.contains(rule)
    }

    fn policy_stands(&mut self, way: PrincipalMatch, limits: &Formula) -> Formula {
        match way {
            PrincipalMatch::Direct => Formula::YES,
            PrincipalMatch::RoleOfSession | PrincipalMatch::UserOfFederatedSession => limits.clone(),
            PrincipalMatch::Everyone => {
                let escapes = self.reads(Rule::EveryoneEscapesLimits, *limits != Formula::YES);
                if escapes { Formula::YES } else { limits.clone() }
            }
            PrincipalMatch::Account => Formula::NO,
        }
    }

    fn grant_stands(&mut self, way: PrincipalMatch, limits: &Formula) -> Formula {
        match way {
            PrincipalMatch::Direct => {
                let escapes = self.reads(Rule::GrantEscapesLimits, *limits != Formula::YES);
                if escapes { Formula::YES } else { limits.clone() }
            }
            PrincipalMatch::RoleOfSession | PrincipalMatch::UserOfFederatedSession => {
                let is_limited = self.reads(Rule::GrantEscapesLimits, *limits != Formula::YES);
                if is_limited { limits.clone() } else { Formula::YES }
            }
            PrincipalMatch::Everyone => Formula::NO,
            PrincipalMatch::Account => Formula::Constant(!self.reads(Rule::GrantEscapesLimits, true)),
        }
    }

    /// The levels of SCPs or RCPs: a Deny at any of them denies, and every one has to allow.
    fn levels(&mut self, levels: &Levels<'_>, view: &View<'_>) -> Outcome {
        let outcomes: Vec<Outcome> = levels.iter().map(|policies| self.policies(*policies, view)).collect();
        let (denies, allows): (Vec<_>, Vec<_>) = outcomes.into_iter().map(|each| (each.deny, each.allow)).unzip();
        Outcome { deny: Formula::any(denies), allow: Formula::all(allows) }
    }

    fn policies(&mut self, policies: Policies<'_>, view: &View<'_>) -> Outcome {
        self.each(policies, view, |_, _, _, _| {})
    }

    fn resource_policy(&mut self, policy: &Policy, view: &View<'_>, allows: &mut Allows) -> Outcome {
        let delegates =
            policy.kind != PolicyType::Trust && view.request.resource.account == view.request.principal.account();
        self.each(Policies::One(policy), view, |compiler, statement, view, applies| {
            for way in element::ways(statement, view).iter() {
                let formula = match way {
                    PrincipalMatch::Account if delegates => compiler.delegates(statement, view, applies),
                    PrincipalMatch::Account
                    | PrincipalMatch::Direct
                    | PrincipalMatch::RoleOfSession
                    | PrincipalMatch::UserOfFederatedSession
                    | PrincipalMatch::Everyone => applies.clone(),
                };
                allows.add(way, formula);
            }
        })
    }

    /// Whether the condition of a statement that names the account counts is inferred (R6.3).
    fn delegates(&mut self, of: &Statement, view: &View<'_>, applies: &Formula) -> Formula {
        if *applies == Formula::YES || !statement::applies_but_for_conditions(of, view).holds() {
            return applies.clone();
        }
        if self.reads(Rule::ConditionOfDelegation, true) { applies.clone() } else { Formula::YES }
    }

    fn each(
        &mut self,
        policies: Policies<'_>,
        view: &View<'_>,
        mut allow: impl FnMut(&mut Self, &Statement, &View<'_>, &Formula),
    ) -> Outcome {
        let mut outcome = (Vec::new(), Vec::new());
        let Some(kind) = policies.kind() else { return Outcome { deny: Formula::NO, allow: Formula::NO } };
        let view = View { kind, ..*view };
        policies.candidates(view.request, |_, statement| {
            let applies = self.applies(statement, &view);
            match statement.effect {
                Effect::Deny => outcome.0.push(applies),
                Effect::Allow => {
                    allow(self, statement, &view, &applies);
                    outcome.1.push(applies);
                }
            }
        });
        Outcome { deny: Formula::any(outcome.0), allow: Formula::any(outcome.1) }
    }

    /// When a statement applies.
    fn applies(&mut self, statement: &Statement, view: &View<'_>) -> Formula {
        if !statement.action.covers(&view.request.action) {
            return Formula::NO;
        }
        let ways = element::ways(statement, view);
        let principal =
            statement.principal.as_ref().map_or(Truth::YES, |principal| element::principal(principal, ways, view));
        let principal = self.settled(principal).map_or(Formula::YES, Formula::Constant);
        if principal == Formula::NO {
            return Formula::NO;
        }
        let resource = element::resource(&statement.resource, view);
        let resource = match self.settled(resource) {
            Some(holds) => Formula::Constant(holds),
            None => self.atoms.open(&resource_text(statement)),
        };
        let mut parts = vec![principal, resource];
        for condition in &statement.conditions {
            if parts.contains(&Formula::NO) {
                return Formula::NO;
            }
            parts.push(self.condition(condition, view));
        }
        Formula::all(parts)
    }

    /// What a truth is once rules are read; `None` where it hangs on a key nobody stated.
    fn settled(&mut self, truth: Truth) -> Option<bool> {
        let all: Rules = Rule::ALL.iter().copied().collect();
        if !truth.settle(all).is_certain() {
            return None;
        }
        if !truth.is_certain() {
            self.met = self.met.union(truth.rules());
        }
        Some(read(truth, self.flipped))
    }

    /// A condition that hangs on a policy variable nobody stated. What means the same is the same atom, and what means the
    /// opposite is its negation.
    fn hanging(&mut self, condition: &Condition) -> Formula {
        let operator = condition.operator;
        let has_one = condition.key_type.is_some() && !condition.is_multivalued();
        let is_single = operator.set == SetOperator::None && !operator.if_exists && has_one;
        match found(&OPPOSITES, operator.base).filter(|_| is_single) {
            Some(base) => {
                let operator = Operator { base, ..operator };
                !self.atoms.open(&condition_text(&Condition { operator, ..condition.clone() }))
            }
            None => self.atoms.open(&condition_text(condition)),
        }
    }

    /// When a condition holds.
    pub(super) fn condition(&mut self, condition: &Condition, view: &View<'_>) -> Formula {
        let entry = view.entry(&condition.key);
        let presence = match &entry.doubt {
            Some(doubt) if !self.reads(doubt.rule, true) => &doubt.otherwise,
            Some(_) | None => &entry.presence,
        };
        if *presence == Presence::Unstated {
            if condition.never_fails() {
                return Formula::YES;
            }
            self.met = self.met.union(doubtful(condition));
            return match condition.resolved(view) {
                Some(condition) => self.atoms.condition(condition),
                None => self.hanging(condition),
            };
        }
        let truth = condition.holds_with(presence, view);
        match self.settled(truth) {
            Some(holds) => Formula::Constant(holds),
            None => self.atoms.open(&format!("{} of {presence:?}", condition_text(condition))),
        }
    }

    /// What the grants of the key allow: all of them, and those the caller's own account issued.
    fn grants(&mut self, applicable: &Applicable<'_>, view: &View<'_>) -> (Allows, Allows) {
        let (mut all, mut own) = (Allows::none(), Allows::none());
        let is_grantable = catalog::kms::operation(&view.request.action).is_some_and(|operation| operation.grantable);
        if !is_grantable {
            return (all, own);
        }
        for each in applicable.grants {
            let Some(way) = grant::way(each, view.request) else { continue };
            let applies = self.grant(each, view);
            if grant::is_issued_by_caller(each, view.request) {
                own.add(way, applies.clone());
            }
            all.add(way, applies);
        }
        (all, own)
    }

    fn grant(&mut self, given: &Grant, view: &View<'_>) -> Formula {
        let request = view.request;
        if grant::retires(request) {
            return Formula::YES;
        }
        if !grant::permits(given, request.action.name()) {
            return Formula::NO;
        }
        let makes_a_grant = grant::makes_a_grant(request);
        let mut parts = Vec::new();
        for constraint in &given.constraints {
            let (pairs, is_exact) = match constraint {
                Constraint::SourceArn(condition) => {
                    parts.push(self.condition(condition, view));
                    continue;
                }
                Constraint::EncryptionContextEquals(pairs) => (pairs, true),
                Constraint::EncryptionContextSubset(pairs) => (pairs, false),
            };
            if request.action.name().eq_ignore_ascii_case("DescribeKey") {
                continue;
            }
            parts.push(self.pairs(pairs, is_exact, view));
            if makes_a_grant {
                let both = ["EncryptionContextEquals", "EncryptionContextSubset"];
                let accepted = if is_exact { &both[..1] } else { &both[..] };
                let accepted = accepted.iter().map(|each| (*each).to_owned()).collect();
                parts.push(self.parameter("kms:GrantConstraintType", accepted, view));
            }
        }
        if makes_a_grant {
            let operations = given.operations.iter().map(|operation| operation.value.name.to_owned()).collect();
            parts.push(self.parameter("kms:GrantOperations", operations, view));
        }
        Formula::all(parts)
    }

    /// That the encryption context holds these pairs, or is exactly this.
    fn pairs(&mut self, pairs: &Pairs, is_exact: bool, view: &View<'_>) -> Formula {
        let mut parts = Vec::new();
        for (name, value) in &pairs.pairs {
            let key = format!("kms:EncryptionContext:{name}");
            parts.push(self.condition(&condition(&key, plain(Base::StringEquals), [value.clone()]), view));
        }
        if is_exact {
            let operator = Operator { set: SetOperator::ForAllValues, base: Base::StringEquals, if_exists: false };
            let names = pairs.pairs.keys().cloned();
            parts.push(self.condition(&condition("kms:EncryptionContextKeys", operator, names), view));
        }
        Formula::all(parts)
    }

    /// That a parameter of the call is there and holds nothing but these values.
    fn parameter(&mut self, key: &str, values: Vec<String>, view: &View<'_>) -> Formula {
        let of_all = Operator { set: SetOperator::ForAllValues, base: Base::StringEqualsIgnoreCase, if_exists: false };
        let is_there = condition(key, plain(Base::Null), ["false".to_owned()]);
        let is_there = self.condition(&is_there, view);
        is_there.and(self.condition(&condition(key, of_all, values), view))
    }
}

/// Rules that a condition could meet with one value or another of its key.
fn doubtful(condition: &Condition) -> Rules {
    let base = condition.operator.base;
    // A key of the type that is compared holds nothing else.
    let is_of_type = matches!(
        (base.family(), condition.key_type),
        (Family::Numeric, Some(KeyType::Numeric | KeyType::Date))
            | (Family::Date, Some(KeyType::Date))
            | (Family::Bool, Some(KeyType::Bool | KeyType::Bools))
            | (Family::Ip, Some(KeyType::Ip))
    );
    let is_parsed =
        matches!(base.family(), Family::Numeric | Family::Date | Family::Bool | Family::Ip | Family::Binary);
    let rules = [
        (
            Rule::MultivaluedWithoutSetOperator,
            condition.is_multivalued() && condition.operator.set == SetOperator::None,
        ),
        (Rule::NotAnArn, base.is_negated() && base.family() == Family::Arn && !is_arn(condition)),
        (Rule::UnparsableNegated, base.is_negated() && is_parsed && !is_of_type),
        (Rule::NullOfEmptyString, base == Base::Null && !is_of_form(condition)),
    ];
    rules.into_iter().filter(|(_, could)| *could).map(|(rule, _)| rule).collect()
}

/// Whether the key holds ARNs, and every operand is one.
fn is_arn(condition: &Condition) -> bool {
    let is_read = condition.operands.iter().all(crate::condition::Operand::is_readable);
    matches!(condition.key_type, Some(KeyType::Arn | KeyType::Arns)) && is_read
}

/// Whether the key is never an empty text.
fn is_of_form(condition: &Condition) -> bool {
    match condition.key_type {
        Some(KeyType::String | KeyType::Strings) | None => condition.is_multivalued(),
        Some(KeyType::Arn | KeyType::Arns | KeyType::Bool | KeyType::Bools) => true,
        Some(KeyType::Numeric | KeyType::Date | KeyType::Ip) => true,
    }
}

fn condition_text(condition: &Condition) -> String {
    let mut operands: Vec<&str> = condition.operands.iter().map(|operand| operand.text.as_str()).collect();
    operands.sort_unstable();
    let operator = Operator { base: plainest(condition), ..condition.operator };
    format!("{} {operator} {operands:?}", condition.key.folded())
}

/// Operators that say the same without wildcards as with them. Those in the value of a variable are none (R4.14), and
/// operators on ARNs know no difference.
const PLAINER: [(Base, Base); 4] = [
    (Base::StringLike, Base::StringEquals),
    (Base::StringNotLike, Base::StringNotEquals),
    (Base::ArnLike, Base::ArnEquals),
    (Base::ArnNotLike, Base::ArnNotEquals),
];

/// Operators that hold of a single value where the other one fails.
const OPPOSITES: [(Base, Base); 5] = [
    (Base::StringNotEquals, Base::StringEquals),
    (Base::StringNotEqualsIgnoreCase, Base::StringEqualsIgnoreCase),
    (Base::StringNotLike, Base::StringLike),
    (Base::ArnNotEquals, Base::ArnEquals),
    (Base::ArnNotLike, Base::ArnLike),
];

fn found(table: &[(Base, Base)], base: Base) -> Option<Base> {
    table.iter().find(|(own, _)| *own == base).map(|(_, other)| *other)
}

/// The operator that says the same in the plainest way.
fn plainest(condition: &Condition) -> Base {
    let base = condition.operator.base;
    let has_wildcards = || condition.operands.iter().flat_map(Operand::patterns).any(Pattern::has_wildcards);
    let is_plain = base.family() == Family::Arn || !has_wildcards();
    found(&PLAINER, base).filter(|_| is_plain).unwrap_or(base)
}

fn resource_text(statement: &Statement) -> String {
    match &statement.resource {
        crate::policy::ResourceElement::Listed { negated, patterns, .. } => {
            let mut texts: Vec<&str> = patterns.iter().map(|pattern| pattern.text.as_str()).collect();
            texts.sort_unstable();
            format!("resource {negated} {texts:?}")
        }
        crate::policy::ResourceElement::Missing | crate::policy::ResourceElement::Own => "resource".to_owned(),
    }
}
