//! What can be asked of a world, or of policies without one, so that its cost is measured?
//!
//! The calls come from the policies themselves: who exists, with the actions and resources that statements name. A
//! pattern stands for a few of the actions it covers, and for one resource it matches. Policies without a world are given
//! one: a role that has all identity-based policies, and a key or another resource for each resource-based one. Nothing
//! here looks at a clock: `permitlab bench` does.

use std::collections::BTreeSet;
use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize::{Answer, authorize};
use permitlab_evaluator::catalog::services::pattern::covered;
use permitlab_evaluator::context::RequestContext;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::derive;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::eval::View;
use permitlab_evaluator::eval::statement::applies;
use permitlab_evaluator::policy::{self, ActionElement, Policy, PolicyType, ResourceElement, Statement};
use permitlab_evaluator::principal::{Identity, Principal};
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::truth::{Rules, Unstated};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::Role;
use permitlab_evaluator::world::kms::KmsKey;
use permitlab_evaluator::world::resource::OtherResource;

use crate::facts;
use crate::file::{Named, Text};
use crate::lint;
use crate::root::PolicyRoot;

/// A world, and what of it can be asked.
#[derive(Debug)]
pub struct Subject {
    world: World,
    /// The texts that places point into.
    pub sources: SourceMap,
    groups: Vec<Group>,
}

/// Callers of whom each makes every one of these calls.
#[derive(Debug)]
struct Group {
    callers: Vec<Principal>,
    calls: Vec<(ActionName, Resource)>,
}

/// A call that can be asked any number of times.
#[derive(Debug)]
pub struct Call {
    request: Request,
    context: RequestContext,
}

/// A statement of the user's.
#[derive(Debug, Clone, Copy)]
pub struct Walked<'s> {
    policy: &'s Policy,
    statement: &'s Statement,
}

/// What is wrong, and the texts it points into.
pub type Refused = (SourceMap, Vec<Diagnostic>);

/// The account of whoever has no other.
const ACCOUNT: &str = "111122223333";

/// How many actions stand for a pattern.
const ACTIONS_OF_A_PATTERN: usize = 3;

impl Subject {
    /// Reads worlds that work together.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of_worlds(root: &PolicyRoot, worlds: &[String]) -> Result<Self, Refused> {
        let mut sources = SourceMap::new();
        let mut names = Vec::new();
        for world in worlds {
            // A name on the command line is far shorter than what a source map refuses.
            let Ok(id) = sources.add("WORLD", world.as_str()) else { continue };
            names.push(Text::new(world.as_str(), Span::new(id, 0, world.len())));
        }
        let facts = facts::load(root, &mut sources, &names, &Named::default());
        match facts.and_then(|facts| facts.world()) {
            Ok(world) => Ok(Self::of(world, sources)),
            Err(findings) => Err((sources, findings)),
        }
    }

    /// Reads policies, each by its name and its text, as what their shape speaks for.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of_policies(policies: &[(String, String)]) -> Result<Self, Refused> {
        let (mut sources, mut findings, mut checked) = (SourceMap::new(), Vec::new(), Vec::new());
        for (name, text) in policies {
            match lint::read(&mut sources, name, text, None) {
                Ok((document, kind)) => {
                    let parsed = policy::parse(&document, kind);
                    findings.extend(parsed.diagnostics.into_iter().filter(Diagnostic::is_error));
                    checked.extend(parsed.policy.map(Arc::new));
                }
                Err(finding) => findings.push(*finding),
            }
        }
        match bare(&checked) {
            Some(world) if findings.is_empty() => Ok(Self::of(world, sources)),
            Some(_) | None => Err((sources, findings)),
        }
    }

    fn of(world: World, sources: SourceMap) -> Self {
        let groups = groups(&world);
        Self { world, sources, groups }
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }

    /// Whether no policy names a call that somebody could make.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// So many of the calls, from all over: the same ones each time.
    pub fn calls(&self, limit: usize) -> Vec<Call> {
        let all = self.len();
        // Steps of a prime number, which meet every call once before they meet one again.
        let spread = |number: usize| if all > limit { number.wrapping_mul(2_654_435_761) % all } else { number };
        (0..all.min(limit)).filter_map(|number| self.call(spread(number))).collect()
    }

    fn call(&self, mut number: usize) -> Option<Call> {
        for group in &self.groups {
            if number < group.len() {
                let caller = group.callers.get(number / group.calls.len())?.clone();
                let (action, resource) = group.calls.get(number % group.calls.len())?.clone();
                let request = Request::new(caller, action, resource);
                let context = derive::context(&self.world, &request);
                return Some(Call { request, context });
            }
            number -= group.len();
        }
        None
    }

    /// Decides a call; `None` where KMS would answer with an error before it looks at a policy.
    pub fn decide(&self, call: &Call) -> Option<Effect> {
        match authorize(&self.world, &call.request, Rules::NONE) {
            Answer::Decided(decision) | Answer::Unavailable(_, Some(decision)) => Some(decision.effect),
            Answer::Unavailable(_, None) => None,
        }
    }

    /// How many policies there are, each counted once.
    pub fn policies(&self) -> usize {
        distinct(&self.world).len()
    }

    /// Every statement.
    pub fn statements(&self) -> Vec<Walked<'_>> {
        let all = distinct(&self.world).into_iter();
        all.flat_map(|policy| policy.statements.iter().map(move |statement| Walked { policy, statement })).collect()
    }
}

impl Group {
    fn len(&self) -> usize {
        self.callers.len() * self.calls.len()
    }
}

impl Walked<'_> {
    /// What messages call it: `key-eval#[1]`.
    pub fn reference(&self) -> String {
        self.policy.reference(self.statement)
    }

    /// Where it stands: `policies/key-eval.json:5:5`.
    pub fn place(&self, sources: &SourceMap) -> String {
        sources.place(self.statement.span)
    }

    /// Whether it applies to a call.
    pub fn applies(&self, call: &Call) -> bool {
        let (request, context, unstated) = (&call.request, &call.context, Unstated::default());
        let view = View { request, context, kind: self.policy.kind, has_boundary: false, unstated: &unstated };
        applies(self.statement, &view).holds()
    }

    /// Whether it lists the action of a call, so that a decision has to look further.
    pub fn is_candidate(&self, call: &Call) -> bool {
        let ActionElement { negated, patterns, .. } = &self.statement.action;
        patterns.iter().any(|pattern| pattern.value.matches(&call.request.action)) != *negated
    }
}

/// Every policy a world holds, where it is attached.
pub(crate) fn policies(world: &World) -> Vec<&Policy> {
    let roles = world.roles.iter().flat_map(|role| role.policies.iter().chain(&role.boundary).chain(&role.trust));
    let users = world.users.iter().flat_map(|user| user.policies.iter().chain(&user.boundary));
    let organization = world.organization.iter();
    let controls = organization.flat_map(|organization| {
        let units = organization.units.iter().map(|unit| &unit.controls);
        units.chain(organization.accounts.iter().map(|member| &member.controls))
    });
    let controls = controls.flat_map(|level| level.scps.iter().chain(level.rcps.iter()));
    let endpoints = world.endpoints.iter().filter_map(|endpoint| endpoint.policy.as_ref());
    let buckets = world.buckets.iter().filter_map(|bucket| bucket.policy.as_ref());
    let resources = world.resources.iter().filter_map(|resource| resource.policy.as_ref());
    let keys = world.keys.iter().map(|key| &key.policy);
    let all = keys.chain(roles).chain(users).chain(controls).chain(endpoints).chain(buckets).chain(resources);
    all.map(AsRef::as_ref).collect()
}

/// Every policy once, however often it is attached.
fn distinct(world: &World) -> Vec<&Policy> {
    let mut seen = BTreeSet::new();
    let mut all = policies(world);
    all.retain(|policy| seen.insert(std::ptr::from_ref(*policy)));
    all
}

/// The world of policies that have none.
fn bare(policies: &[Arc<Policy>]) -> Option<World> {
    let account = AccountId::parse(ACCOUNT).ok()?;
    let of = |kind: PolicyType| policies.iter().filter(move |policy| policy.kind == kind);
    let role = |name: &str, policies: Vec<Arc<Policy>>, trust: Option<Arc<Policy>>| {
        let identity =
            Identity { partition: "aws".into(), account, path: "/".into(), name: name.into(), unique_id: None };
        Role { identity, policies: policies.into(), boundary: None, trust, tags: None }
    };
    let caller = role("permitlab-bench", of(PolicyType::Identity).cloned().collect(), None);
    let trusting = of(PolicyType::Trust).enumerate();
    let trusting = trusting.map(|(number, trust)| role(&format!("trusting-{number}"), Vec::new(), Some(trust.clone())));
    let key = |(number, policy): (usize, &Arc<Policy>)| {
        let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-{number:012}");
        let key = KmsKey::new(Arn::parse(&arn).ok()?, account, policy.clone());
        Some(KmsKey { aliases: None, tags: None, ..key })
    };
    let resource = |policy: &Arc<Policy>| {
        let named = policy.statements.iter().find_map(|statement| calls(statement, &[]).into_iter().next());
        named.map(|(_, resource)| OtherResource { arn: resource.arn, account, policy: Some(policy.clone()) })
    };
    Some(World {
        roles: std::iter::once(caller).chain(trusting).collect(),
        keys: of(PolicyType::Key).enumerate().map(key).collect::<Option<_>>()?,
        resources: of(PolicyType::Resource).filter_map(resource).collect(),
        ..World::default()
    })
}

/// Who can call what: everybody what key policies name on every key, each what its own policies name, and services what
/// resource-based policies name them for.
fn groups(world: &World) -> Vec<Group> {
    let keys: Vec<Resource> = world.keys.iter().map(|key| Resource::new(key.arn.clone())).collect();
    let session = |role: &Role| Principal::RoleSession { role: role.identity.clone(), session: "permitlab".into() };
    let mut everybody: Vec<Principal> = world.roles.iter().map(session).collect();
    everybody.extend(world.users.iter().map(|user| Principal::User(user.identity.clone())));

    let statements = world.keys.iter().flat_map(|key| &key.policy.statements);
    let mut on_keys: Vec<_> = statements.flat_map(|statement| calls(statement, &keys)).collect();
    sort(&mut on_keys);
    let mut groups = vec![Group { callers: everybody, calls: on_keys }];

    let roles = world.roles.iter().map(|role| (session(role), &role.policies));
    let users = world.users.iter().map(|user| (Principal::User(user.identity.clone()), &user.policies));
    for (caller, policies) in roles.chain(users) {
        let statements = policies.iter().flat_map(|policy| &policy.statements);
        let mut calls: Vec<_> = statements.flat_map(|statement| calls(statement, &keys)).collect();
        sort(&mut calls);
        groups.push(Group { callers: vec![caller], calls });
    }
    for key in &world.keys {
        let own = [Resource::new(key.arn.clone())];
        let statements = key.policy.statements.iter();
        groups
            .extend(statements.map(|statement| Group { callers: services(statement), calls: calls(statement, &own) }));
    }
    groups.retain(|group| group.len() > 0);
    groups
}

fn sort(calls: &mut Vec<(ActionName, Resource)>) {
    calls.sort_by(|one, other| (&one.0, one.1.arn.as_str()).cmp(&(&other.0, other.1.arn.as_str())));
    calls.dedup();
}

/// The services a statement names.
fn services(statement: &Statement) -> Vec<Principal> {
    let entries = statement.principal.iter().filter(|element| !element.negated).flat_map(|element| &element.entries);
    entries.filter_map(|entry| entry.value.service()).map(|name| Principal::Service(name.into())).collect()
}

/// The calls a statement names. Where it speaks of whatever there is, that is each of the keys for an action of KMS.
fn calls(statement: &Statement, keys: &[Resource]) -> Vec<(ActionName, Resource)> {
    let actions = actions(&statement.action);
    let named = resources(&statement.resource);
    let on = |action: &ActionName| match (&named, action.service()) {
        (Some(named), _) => {
            named.iter().filter(|arn| arn.service() == action.service()).cloned().map(Resource::new).collect()
        }
        (None, "kms") => keys.to_vec(),
        (None, service) => anything(service).into_iter().collect::<Vec<_>>(),
    };
    actions.iter().flat_map(|action| on(action).into_iter().map(move |resource| (action.clone(), resource))).collect()
}

/// The actions an element names: those it spells out, and a few of each pattern. A negated one names none.
fn actions(element: &ActionElement) -> Vec<ActionName> {
    let mut actions = Vec::new();
    for pattern in element.patterns.iter().filter(|_| !element.negated) {
        if pattern.value.literal_name().is_some() {
            actions.extend(ActionName::parse(pattern.text.as_str()));
        } else if pattern.value.service().is_some() {
            let some = covered(&pattern.value).take(ACTIONS_OF_A_PATTERN);
            actions.extend(
                some.flat_map(|action| ActionName::parse(&format!("{}:{}", action.service().prefix(), action.name()))),
            );
        }
    }
    actions
}

/// A resource for each entry of an element; `None` if it speaks of whatever there is.
fn resources(element: &ResourceElement) -> Option<Vec<Arn>> {
    let ResourceElement::Listed { negated: false, patterns, .. } = element else { return None };
    if patterns.iter().any(|pattern| pattern.text.as_str() == "*") {
        return None;
    }
    Some(patterns.iter().filter_map(|pattern| Arn::parse(&plain(pattern.text.as_str())).ok()).collect())
}

/// A text that a pattern matches: something for each wildcard and variable.
pub(crate) fn plain(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        text.push_str(before);
        text.push('x');
        rest = variable.split_once('}').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace(['*', '?'], "x")
}

fn anything(service: &str) -> Option<Resource> {
    let arn = match service {
        "s3" => "arn:aws:s3:::x/x".to_owned(),
        service => format!("arn:aws:{service}:us-east-1:{ACCOUNT}:x"),
    };
    Arn::parse(&arn).ok().map(Resource::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PolicyRoot {
        PolicyRoot::at(env!("CARGO_MANIFEST_DIR"))
    }

    fn texts(subject: &Subject, limit: usize) -> Vec<String> {
        let text = |call: &Call| {
            let Request { principal, action, resource, .. } = &call.request;
            let caller = principal.arn().unwrap_or_else(|| format!("{principal:?}"));
            format!("{caller} {action} {}", resource.arn.as_str())
        };
        subject.calls(limit).iter().map(text).collect()
    }

    fn bare(policies: &[&str]) -> Subject {
        let named = policies.iter().enumerate().map(|(number, text)| (format!("{number}.json"), (*text).to_owned()));
        Subject::of_policies(&named.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn policies_without_a_world_are_asked_what_they_name() {
        let subject = bare(&[r#"{"Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject", "sqs:SendMess*"], "Resource": ["arn:aws:s3:::logs/${aws:username}/*", "arn:aws:sqs:us-east-1:111122223333:q?"]},
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}]}"#]);
        let caller = "arn:aws:sts::111122223333:assumed-role/permitlab-bench/permitlab";
        assert_eq!(
            texts(&subject, 10),
            [
                format!("{caller} s3:GetObject arn:aws:s3:::logs/x/x"),
                format!("{caller} sqs:SendMessage arn:aws:sqs:us-east-1:111122223333:qx"),
            ]
        );
        assert_eq!((subject.policies(), subject.statements().len()), (1, 2));
        let effects: Vec<_> = subject.calls(10).iter().map(|call| subject.decide(call)).collect();
        assert_eq!(effects, [Some(Effect::ExplicitDeny); 2]);
    }

    #[test]
    fn a_key_policy_is_asked_for_its_services_and_for_the_role() {
        let subject = bare(&[
            r#"{"Statement": {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}"#,
        ]);
        let calls = texts(&subject, 10);
        assert_eq!(calls.len(), 3, "{calls:?}");
        assert!(calls.iter().any(|call| call.starts_with("Service")), "{calls:?}");
        let applying = |walked: &Walked<'_>| subject.calls(10).iter().filter(|call| walked.applies(call)).count();
        assert_eq!(subject.statements().iter().map(applying).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_world_is_asked_by_everybody_and_the_sample_is_spread() {
        let subject = Subject::of_worlds(&root(), &["fixtures/bedrock-eval.yaml".to_owned()]).unwrap();
        let all = texts(&subject, usize::MAX);
        assert_eq!(all.len(), subject.len());
        let few: BTreeSet<String> = texts(&subject, all.len() / 2).into_iter().collect();
        assert!(few.len() > all.len() / 3, "{} of {}", few.len(), all.len());
        assert!(few.iter().all(|call| all.contains(call)));
        let mut effects: Vec<_> = subject.calls(usize::MAX).iter().map(|call| subject.decide(call)).collect();
        effects.sort();
        effects.dedup();
        assert!(effects.contains(&Some(Effect::Allow)) && effects.contains(&Some(Effect::ImplicitDeny)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (_, findings) =
            Subject::of_policies(&[("a.json".to_owned(), "{\"Statement\": {}}".to_owned())]).unwrap_err();
        assert!(!findings.is_empty());
    }
}
