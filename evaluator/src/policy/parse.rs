//! Is this a policy AWS would store, and what does it mean?
//!
//! Rules R1.1 to R1.15 and R2.1, R2.5, R3.5. Reading goes on after a mistake: one run reports all of them. A policy
//! with an error gives no [`Policy`]: evaluating what AWS would refuse answers nothing.

mod one_pass;

use std::collections::HashMap;

use memchr::memchr_iter;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::action::{ActionPattern, NotAnAction};
use crate::catalog::{self, KeyType};
use crate::condition::operator::{Family, Operator, SetOperator, UnknownOperator};
use crate::condition::{Condition, Operand, date};
use crate::context::ConditionKey;
use crate::diagnostic::{Diagnostic, closest};
use crate::json::{Kind, Member, Text, Value};
use crate::policy::document::{Document, member};
use crate::policy::grammar::{Grammar, PolicyType, Presence, ShortArn};
use crate::policy::pattern::ArnPattern;
use crate::policy::{ActionElement, Effect, Policy, PrincipalElement, ResourceElement, Statement, Version, Written};
use crate::principal::{PrincipalPattern, Star};
use crate::source::Span;

pub use one_pass::read;

/// A policy, if it has no errors, and everything that was noticed on the way.
#[derive(Debug)]
pub struct Parsed {
    /// The checked policy; `None` when a diagnostic is an error.
    pub policy: Option<Policy>,
    /// Errors and warnings in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a document against the grammar of its type.
pub fn parse(document: &Document, kind: PolicyType) -> Parsed {
    let mut parser = Parser::new(kind);
    let policy = parser.policy(document);
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.span().map(|span| span.start));
    let refused = diagnostics.iter().any(Diagnostic::is_error);
    Parsed { policy: policy.filter(|_| !refused), diagnostics }
}

struct Parser {
    kind: PolicyType,
    grammar: Grammar,
    version: Version,
    /// Whether `*` may stand alone as an action.
    allows_action_star: bool,
    diagnostics: Vec<Diagnostic>,
}

/// How many findings of one policy are told. One that has more is no policy, and memory has its bounds.
const MOST: usize = 1_000;

macro_rules! elements {
    ($($name:ident)*) => {
        /// The name of an element of the policy language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Element {
            $($name,)*
        }

        impl Element {
            const COUNT: usize = [$(Self::$name,)*].len();

            fn of(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

elements! {
    Version Id Statement
    Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition
}

const POLICY_ELEMENTS: [Element; 3] = [Element::Version, Element::Id, Element::Statement];
const STATEMENT_ELEMENTS: [Element; 9] = [
    Element::Sid,
    Element::Effect,
    Element::Principal,
    Element::NotPrincipal,
    Element::Action,
    Element::NotAction,
    Element::Resource,
    Element::NotResource,
    Element::Condition,
];
const PRINCIPAL_KINDS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

/// The members of an object by their names.
#[derive(Default)]
struct Elements<'v>([Option<&'v Member>; Element::COUNT]);

impl<'v> Elements<'v> {
    fn get(&self, element: Element) -> Option<&'v Member> {
        self.0.get(element as usize).copied().flatten()
    }

    /// Adds a member; gives back the first of its name, if it is not the first.
    fn add(&mut self, element: Element, member: &'v Member) -> Option<&'v Member> {
        let slot = self.0.get_mut(element as usize)?;
        let first = *slot;
        slot.get_or_insert(member);
        first
    }
}

impl Parser {
    fn new(kind: PolicyType) -> Self {
        Self {
            kind,
            grammar: kind.grammar(),
            version: Version::V2008,
            allows_action_star: kind != PolicyType::ResourceControl,
            diagnostics: Vec::new(),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        let is_first_error = || diagnostic.is_error() && !self.diagnostics.iter().any(Diagnostic::is_error);
        if self.diagnostics.len() < MOST || is_first_error() {
            self.diagnostics.push(diagnostic);
        }
    }

    /// AWS's own `RCPFullAWSAccess` is the one RCP that allows (R1.10). Its Allow is always there.
    fn is_rcp_full_access(&self, document: &Document) -> bool {
        let is = |statement: &Value, name: &str, wanted: &str| {
            member(statement, name)
                .and_then(|member| member.value.as_text())
                .is_some_and(|text| text.as_str() == wanted)
        };
        match (self.kind, document.statements()) {
            (PolicyType::ResourceControl, [only]) => {
                is(only, "Effect", "Allow")
                    && ["Principal", "Action", "Resource"].iter().all(|name| is(only, name, "*"))
            }
            _ => false,
        }
    }

    fn policy(&mut self, document: &Document) -> Option<Policy> {
        if self.is_rcp_full_access(document) {
            self.grammar.allow = Presence::Allowed;
            self.allows_action_star = true;
        }
        let elements = self.elements(&document.root, &POLICY_ELEMENTS, "a policy")?;
        self.version = self.read_version(elements.get(Element::Version), &document.root);
        self.read_id(elements.get(Element::Id));
        let Some(statement) = elements.get(Element::Statement) else {
            self.report(
                Diagnostic::error(
                    "missing-element",
                    first_character(document.root.span),
                    "the policy has no `Statement`",
                )
                .help("add `\"Statement\": [ … ]` with at least one statement"),
            );
            return None;
        };
        let statements = self.statements(&statement.value);
        self.check_sids(&statements);
        Some(Policy::new(document.name.clone(), self.kind, self.version, statements))
    }

    /// The members of an object, each known and there once (R1.5, R1.6).
    fn elements<'v>(&mut self, value: &'v Value, known: &[Element], what: &str) -> Option<Elements<'v>> {
        let Kind::Object(members) = &value.kind else {
            self.wrong_type(value, &format!("{what} is an object"), "write it between `{` and `}`");
            return None;
        };
        let mut elements = Elements::default();
        for member in members {
            let Some(element) = Element::of(member.name.as_str()).filter(|element| known.contains(element)) else {
                let known: Vec<&str> = known.iter().map(|element| element.name()).collect();
                self.unknown_element(member, &known, what);
                continue;
            };
            if let Some(first) = elements.add(element, member) {
                self.duplicate(first, member);
            }
        }
        Some(elements)
    }

    fn unknown_element(&mut self, member: &Member, known: &[&str], what: &str) {
        let name = member.name.as_str();
        let help = match known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            Some(exact) => format!("element names are case-sensitive: write `{exact}`"),
            None => match closest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{what} has only {}", list(known)),
            },
        };
        let message = format!("unknown element `{name}`");
        self.report(Diagnostic::error("unknown-element", member.name.span(), message).help(help));
    }

    fn duplicate(&mut self, first: &Member, second: &Member) {
        let message = format!("`{}` stands here twice", second.name.as_str());
        self.report(
            Diagnostic::error("duplicate-key", second.name.span(), message)
                .label("again here")
                .also(first.name.span(), "first here")
                .help("AWS refuses a policy with the same key twice in one object; merge the two"),
        );
    }

    fn wrong_type(&mut self, value: &Value, expected: &str, help: &str) {
        let message = format!("{expected}, found {}", value.describe());
        self.report(Diagnostic::error("wrong-type", value.span, message).help(help));
    }

    fn read_version(&mut self, member: Option<&Member>, root: &Value) -> Version {
        let needs_2012 = matches!(self.kind, PolicyType::ServiceControl | PolicyType::ResourceControl);
        let Some(member) = member else {
            if needs_2012 {
                let message = format!("{} without `Version`", self.kind.describe());
                self.report(
                    Diagnostic::warning("missing-version", first_character(root.span), message)
                        .help("add `\"Version\": \"2012-10-17\"`; without it, policy variables are plain text"),
                );
            }
            return Version::V2008;
        };
        match member.value.as_text().map(Text::as_str) {
            Some("2012-10-17") => Version::V2012,
            Some("2008-10-17") if !needs_2012 => Version::V2008,
            Some(_) | None => {
                let help = if needs_2012 {
                    "write `\"2012-10-17\"`; this policy type takes no other version"
                } else {
                    "write `\"2012-10-17\"`, or `\"2008-10-17\"` for a policy without variables"
                };
                self.report(
                    Diagnostic::error(
                        "invalid-version",
                        value_span(&member.value),
                        "no such version of the policy language",
                    )
                    .help(help),
                );
                Version::V2012
            }
        }
    }

    fn read_id(&mut self, member: Option<&Member>) {
        let Some(member) = member else { return };
        if member.value.as_text().is_none() {
            self.wrong_type(&member.value, "`Id` is a string", "put it in double quotes");
        } else if self.grammar.id == Presence::Forbidden {
            let message = format!("`Id` has no meaning in {}", self.kind.describe());
            self.report(Diagnostic::warning("meaningless-id", member.name.span(), message).help("remove it"));
        }
    }

    fn statements(&mut self, value: &Value) -> Vec<Statement> {
        let written = each(value);
        if written.is_empty() {
            self.report(
                Diagnostic::error("empty-statement", value.span, "`Statement` is empty")
                    .help("a policy needs at least one statement"),
            );
        }
        written.iter().enumerate().filter_map(|(index, statement)| self.statement(index, statement)).collect()
    }

    fn statement(&mut self, index: usize, value: &Value) -> Option<Statement> {
        let elements = self.elements(value, &STATEMENT_ELEMENTS, "a statement")?;
        let sid = elements.get(Element::Sid).and_then(|member| self.sid(member));
        let effect = self.effect(elements.get(Element::Effect), value);
        let deny = effect == Some(Effect::Deny);
        self.check_presence(&elements, deny, value);
        let principal = self.principal_element(&elements);
        let action = self.action_element(&elements);
        let resource = self.resource_element(&elements);
        let conditions =
            elements.get(Element::Condition).map(|member| self.conditions(&member.value)).unwrap_or_default();
        Some(Statement {
            index,
            sid,
            effect: effect?,
            principal,
            action: action?,
            resource: resource?,
            conditions,
            span: value.span,
        })
    }

    fn sid(&mut self, member: &Member) -> Option<Text> {
        let Some(sid) = member.value.as_text() else {
            self.wrong_type(&member.value, "`Sid` is a string", "put it in double quotes");
            return None;
        };
        let plain = sid.as_str().chars().all(|c| c.is_ascii_alphanumeric());
        if !plain && !self.grammar.free_sid {
            let message = format!("`Sid` `{}` holds more than letters and digits", sid.as_str());
            self.report(
                Diagnostic::warning("invalid-sid", sid.span(), message)
                    .help("IAM takes only A-Z, a-z and 0-9 in a Sid of this policy type"),
            );
        }
        (!sid.as_str().is_empty()).then(|| sid.clone())
    }

    /// A Sid is unique in its document (R1.7); it never affects the decision.
    fn check_sids(&mut self, statements: &[Statement]) {
        let mut seen: HashMap<&str, Span, FxBuildHasher> =
            HashMap::with_capacity_and_hasher(statements.len(), FxBuildHasher);
        let mut repeated = Vec::new();
        for sid in statements.iter().filter_map(|statement| statement.sid.as_ref()) {
            match seen.get(sid.as_str()) {
                Some(first) => repeated.push((sid.clone(), *first)),
                None => drop(seen.insert(sid.as_str(), sid.span())),
            }
        }
        for (sid, first) in repeated {
            let message = format!("two statements have the Sid `{}`", sid.as_str());
            self.report(
                Diagnostic::warning("duplicate-sid", sid.span(), message)
                    .also(first, "the first")
                    .help("give each statement a Sid of its own"),
            );
        }
    }

    fn effect(&mut self, member: Option<&Member>, statement: &Value) -> Option<Effect> {
        let Some(member) = member else {
            self.report(
                Diagnostic::error("missing-element", first_character(statement.span), "the statement has no `Effect`")
                    .help("add `\"Effect\": \"Allow\"` or `\"Effect\": \"Deny\"`"),
            );
            return None;
        };
        let effect = match member.value.as_text().map(Text::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(_) | None => {
                self.report(
                    Diagnostic::error("invalid-effect", value_span(&member.value), "`Effect` is `Allow` or `Deny`")
                        .help("the value is case-sensitive: write `\"Allow\"` or `\"Deny\"`"),
                );
                return None;
            }
        };
        if effect == Effect::Allow && self.grammar.allow == Presence::Forbidden {
            let message = format!("`Allow` in {}", self.kind.describe());
            self.report(
                Diagnostic::error("allow-forbidden", value_span(&member.value), message)
                    .help("a customer's resource control policy can only deny; `RCPFullAWSAccess` does the allowing"),
            );
        }
        Some(effect)
    }

    /// Exclusive pairs (R1.9) and the elements the policy type requires or forbids (R1.10).
    fn check_presence(&mut self, elements: &Elements<'_>, deny: bool, statement: &Value) {
        let grammar = self.grammar;
        let pairs = [
            (Element::Principal, Element::NotPrincipal, grammar.principal, grammar.not_principal),
            (Element::Action, Element::NotAction, Presence::Required, grammar.not_action),
            (Element::Resource, Element::NotResource, grammar.resource, grammar.not_resource),
        ];
        for (plain, negated, plain_rule, negated_rule) in pairs {
            let found = (elements.get(plain), elements.get(negated));
            let (plain, negated) = (plain.name(), negated.name());
            if let (Some(first), Some(second)) = found {
                let message = format!("a statement has `{plain}` or `{negated}`, not both");
                self.report(
                    Diagnostic::error("exclusive-elements", second.name.span(), message)
                        .also(first.name.span(), "the other one")
                        .help("keep the one you mean, or split the statement"),
                );
            }
            if matches!(found, (None, None)) && plain_rule == Presence::Required {
                let message = format!("the statement has no `{plain}`");
                self.report(
                    Diagnostic::error("missing-element", first_character(statement.span), message)
                        .help(format!("{} needs `{plain}` in every statement", self.kind.describe())),
                );
            }
            self.forbidden(found.0, plain_rule, deny);
            self.forbidden(found.1, negated_rule, deny);
        }
    }

    fn forbidden(&mut self, member: Option<&Member>, rule: Presence, deny: bool) {
        let Some(member) = member else { return };
        let name = member.name.as_str();
        let diagnostic = match rule {
            Presence::Required | Presence::Allowed => return,
            Presence::DenyOnly if deny => return,
            Presence::DenyOnly => Diagnostic::error(
                "element-in-allow",
                member.name.span(),
                format!("`{name}` with `\"Effect\": \"Allow\"`"),
            )
            .help("AWS supports it only with `Deny`; name the principals in `Principal`"),
            Presence::Forbidden => {
                let message = format!("`{name}` is not allowed in {}", self.kind.describe());
                Diagnostic::error("forbidden-element", member.name.span(), message)
                    .help(forbidden_help(name, self.kind))
            }
        };
        self.report(diagnostic);
    }

    /// The strings of a value that is a string or an array of strings (R1.4).
    fn strings<'v, T>(&mut self, member: &'v Member, mut read: impl FnMut(&mut Self, &'v Text) -> Option<T>) -> Vec<T> {
        let values = each(&member.value);
        let mut strings = Vec::with_capacity(values.len());
        for value in values {
            match value.as_text() {
                Some(text) => strings.extend(read(self, text)),
                None => self.wrong_type(
                    value,
                    &format!("`{}` is a string or an array of strings", member.name.as_str()),
                    "put each value in double quotes",
                ),
            }
        }
        strings
    }

    fn action_element(&mut self, elements: &Elements<'_>) -> Option<ActionElement> {
        let (member, negated) = either(elements, Element::Action, Element::NotAction)?;
        let patterns = self.strings(member, |parser, text| match ActionPattern::parse(text.as_str()) {
            Ok(value) => {
                parser.check_action(text, &value, negated);
                Some(Written { text: text.clone(), value })
            }
            Err(error) => {
                parser.bad_action(text, error);
                None
            }
        });
        self.empty_list(member, patterns.is_empty());
        Some(ActionElement { negated, patterns, span: member.value.span })
    }

    fn empty_list(&mut self, member: &Member, is_empty: bool) {
        if is_empty && matches!(&member.value.kind, Kind::Array(values) if values.is_empty()) {
            let name = member.name.as_str();
            self.report(
                Diagnostic::error("empty-list", member.value.span, format!("`{name}` is an empty list"))
                    .help(format!("list at least one value in `{name}`, or remove the statement")),
            );
        }
    }

    fn bad_action(&mut self, text: &Text, error: NotAnAction) {
        let written = text.as_str();
        let kms_names = kms_names();
        let diagnostic = Diagnostic::error("unknown-action-form", text.span(), format!("`{written}` is not an action"));
        let suggestion = closest(written, kms_names.iter().map(String::as_str));
        let help = match (suggestion, error) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, NotAnAction::NoColon | NotAnAction::BadForm) => error.to_string(),
        };
        self.report(diagnostic.help(help));
    }

    /// What AWS stores and never uses: a name no KMS permission has (R2.3); the whole star twice (R2.1).
    fn check_action(&mut self, text: &Text, pattern: &ActionPattern, negated: bool) {
        let written = text.as_str();
        if written == "*:*" {
            self.report(
                Diagnostic::warning("action-star-colon-star", text.span(), "`*:*` is not a documented action")
                    .help("write `*`"),
            );
        }
        if !self.allows_action_star && pattern.service().is_none() {
            self.report(
                Diagnostic::error("action-star-forbidden", text.span(), "`*` alone in a resource control policy")
                    .help("name the service, as in `kms:*`"),
            );
        }
        if pattern.service() == Some("kms") && !covers_an_operation(pattern) {
            let kms_names = kms_names();
            let help = match closest(written, kms_names.iter().map(String::as_str)) {
                _ if written.eq_ignore_ascii_case("kms:ReEncrypt") => {
                    "the permissions are `kms:ReEncryptFrom` and `kms:ReEncryptTo`; `kms:ReEncrypt*` covers both"
                        .to_owned()
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => "see the list of KMS permissions in the AWS KMS Developer Guide".to_owned(),
            };
            let effect = if negated { "excludes nothing" } else { "matches nothing" };
            let message = format!("KMS has no permission `{written}`; the entry {effect}");
            self.report(Diagnostic::warning("unknown-action", text.span(), message).help(help));
        }
    }

    fn resource_element(&mut self, elements: &Elements<'_>) -> Option<ResourceElement> {
        let Some((member, negated)) = either(elements, Element::Resource, Element::NotResource) else {
            return match self.grammar.resource {
                Presence::Forbidden => Some(ResourceElement::Own),
                Presence::Required => None,
                Presence::Allowed | Presence::DenyOnly => Some(ResourceElement::Missing),
            };
        };
        let (version, completion) = (self.version, self.grammar.short_arn.completion());
        let patterns = self.strings(member, |parser, text| {
            parser.check_resource(text);
            let value = ArnPattern::parse_resource(text.to_value(), version, completion);
            Some(Written { text: text.clone(), value })
        });
        self.empty_list(member, patterns.is_empty());
        Some(ResourceElement::Listed { negated, patterns, span: member.value.span })
    }

    fn check_resource(&mut self, text: &Text) {
        let written = text.as_str();
        let fields = 1 + memchr_iter(b':', written.as_bytes()).count();
        let is_arn = written.starts_with("arn:") || written == "arn";
        if written == "*" || (is_arn && fields >= 6) {
            return;
        }
        let diagnostic = match (is_arn, self.grammar.short_arn) {
            (false, _) if written.starts_with('*') => Diagnostic::warning(
                "resource-matches-nothing",
                text.span(),
                format!("`{written}` is no ARN pattern; it matches nothing"),
            )
            .help("write `*`, or an ARN with six fields"),
            (false, _) => {
                Diagnostic::error("malformed-resource", text.span(), format!("`{written}` is neither an ARN nor `*`"))
                    .help("a resource is `*` or an ARN such as `arn:aws:kms:us-east-1:111122223333:key/*`")
            }
            (true, ShortArn::Completed) => return,
            (true, ShortArn::Refused) => Diagnostic::error(
                "short-arn",
                text.span(),
                format!("`{written}` has {fields} of the six fields of an ARN"),
            )
            .help(format!("{} takes complete ARNs only", self.kind.describe())),
            (true, ShortArn::Dead) => Diagnostic::warning(
                "short-arn",
                text.span(),
                format!("`{written}` has {fields} of the six fields of an ARN; it matches nothing"),
            )
            .help("write all six fields: `arn:partition:service:region:account:resource`"),
        };
        self.report(diagnostic);
    }

    fn principal_element(&mut self, elements: &Elements<'_>) -> Option<PrincipalElement> {
        let (member, negated) = either(elements, Element::Principal, Element::NotPrincipal)?;
        let span = member.value.span;
        let entries = match &member.value.kind {
            Kind::String(text) if text.as_str() == "*" => {
                vec![Written { text: text.clone(), value: PrincipalPattern::Everyone(Star::Bare) }]
            }
            Kind::Object(members) => self.principal_map(members, span),
            Kind::String(_) | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Array(_) => {
                self.wrong_type(
                    &member.value,
                    &format!("`{}` is `\"*\"` or an object", member.name.as_str()),
                    "write `{ \"AWS\": … }` or `{ \"Service\": … }` around it",
                );
                Vec::new()
            }
        };
        self.check_rcp_principal(&entries);
        Some(PrincipalElement { negated, entries, span })
    }

    fn check_rcp_principal(&mut self, entries: &[Written<PrincipalPattern>]) {
        if self.kind != PolicyType::ResourceControl {
            return;
        }
        for entry in entries.iter().filter(|entry| !matches!(entry.value, PrincipalPattern::Everyone(_))) {
            self.report(
                Diagnostic::error("rcp-principal", entry.text.span(), "a resource control policy speaks to everyone")
                    .help("write `\"Principal\": \"*\"` and narrow it in `Condition`, with `aws:PrincipalArn` for one"),
            );
        }
    }

    fn principal_map(&mut self, members: &[Member], span: Span) -> Vec<Written<PrincipalPattern>> {
        let mut entries = Vec::new();
        let mut seen: SmallVec<[&Member; PRINCIPAL_KINDS.len()]> = SmallVec::new();
        for member in members {
            let name = member.name.as_str();
            if !PRINCIPAL_KINDS.contains(&name) {
                self.unknown_element(member, &PRINCIPAL_KINDS, "a principal");
                continue;
            }
            match seen.iter().find(|first| first.name.as_str() == name) {
                Some(first) => self.duplicate(first, member),
                None => seen.push(member),
            }
            entries.extend(self.strings(member, |parser, text| parser.principal_entry(name, text)));
            self.empty_list(member, matches!(&member.value.kind, Kind::Array(values) if values.is_empty()));
        }
        if members.is_empty() {
            self.report(
                Diagnostic::error("empty-list", span, "a principal object without entries")
                    .help("name whom the statement speaks of: `{ \"AWS\": … }` or `{ \"Service\": … }`"),
            );
        }
        entries
    }

    fn principal_entry(&mut self, name: &str, text: &Text) -> Option<Written<PrincipalPattern>> {
        let written = text.as_str();
        let parsed = match name {
            "AWS" => PrincipalPattern::parse_aws(written),
            "Service" => PrincipalPattern::parse_service(written),
            "Federated" => Ok(PrincipalPattern::Federated(written.into())),
            _ => Ok(PrincipalPattern::CanonicalUser(written.into())),
        };
        match parsed {
            Ok(value) => {
                if value == PrincipalPattern::Nobody {
                    self.report(
                        Diagnostic::warning(
                            "principal-wildcard",
                            text.span(),
                            format!("`{written}` names nobody: wildcards do not work in a principal"),
                        )
                        .help("use `\"Principal\": \"*\"` with a condition on `aws:PrincipalArn`"),
                    );
                }
                Some(Written { text: text.clone(), value })
            }
            Err(error) => {
                self.report(
                    Diagnostic::error("invalid-principal", text.span(), format!("`{written}` is not a principal"))
                        .help(error.to_string()),
                );
                None
            }
        }
    }

    fn conditions(&mut self, block: &Value) -> Vec<Condition> {
        let Kind::Object(operators) = &block.kind else {
            self.wrong_type(block, "`Condition` is an object", "write `{ \"OPERATOR\": { \"KEY\": VALUE } }`");
            return Vec::new();
        };
        let mut conditions = Vec::with_capacity(operators.len());
        let mut seen: SmallVec<[(Operator, &Member); 4]> = SmallVec::new();
        for member in operators {
            let Some(operator) = self.operator(&member.name) else { continue };
            if let Some((_, first)) = seen.iter().rfind(|(other, _)| *other == operator) {
                self.duplicate(first, member);
            }
            seen.push((operator, member));
            let Kind::Object(keys) = &member.value.kind else {
                self.wrong_type(&member.value, &format!("`{operator}` holds an object"), "write `{ \"KEY\": VALUE }`");
                continue;
            };
            self.condition_keys(operator, member.name.span(), keys, &mut conditions);
        }
        conditions
    }

    fn operator(&mut self, name: &Text) -> Option<Operator> {
        match Operator::parse(name.as_str()) {
            Ok(operator) => {
                if !operator.is_written(name.as_str()) {
                    let canonical = operator.to_string();
                    let message = format!("AWS writes this operator `{canonical}`");
                    self.report(
                        Diagnostic::warning("operator-case", name.span(), message).help(format!("write `{canonical}`")),
                    );
                }
                Some(operator)
            }
            Err(error) => {
                let diagnostic = Diagnostic::error("unknown-operator", name.span(), error.to_string());
                self.report(match error {
                    UnknownOperator::Name { suggestion: Some(near), .. } => diagnostic.help(format!("did you mean `{near}`?")),
                    UnknownOperator::Name { suggestion: None, .. } => {
                        diagnostic.help("see the condition operators in the IAM User Guide; `StringEquals` and `StringLike` compare text")
                    }
                    UnknownOperator::CombinedNull => diagnostic.help("write `Null` by itself"),
                });
                None
            }
        }
    }

    fn condition_keys(
        &mut self,
        operator: Operator,
        operator_span: Span,
        keys: &[Member],
        conditions: &mut Vec<Condition>,
    ) {
        let mut seen: SmallVec<[(ConditionKey, &Member); 4]> = SmallVec::new();
        for member in keys {
            let key = ConditionKey::new(member.name.as_str());
            if let Some((_, first)) = seen.iter().rfind(|(other, _)| *other == key) {
                self.duplicate(first, member);
            }
            seen.push((key.clone(), member));
            let key_type = catalog::key_type(&key);
            self.check_key(&key, key_type, member, operator);
            let operands = self.operands(operator, key_type, member);
            let (key_span, span) = (member.name.span(), member.value.span);
            conditions.push(Condition { operator, key, key_type, operands, operator_span, key_span, span });
        }
    }

    fn check_key(&mut self, key: &ConditionKey, key_type: Option<KeyType>, member: &Member, operator: Operator) {
        if key.prefix().is_empty() {
            self.report(
                Diagnostic::error(
                    "invalid-condition-key",
                    member.name.span(),
                    format!("`{key}` is not a condition key"),
                )
                .help("a key has a prefix and a name, as in `aws:SourceArn` or `kms:ViaService`"),
            );
        } else if key_type.is_none() && matches!(key.prefix(), "kms" | "aws") {
            let help = closest(key.as_str(), catalog::key_names()).map_or_else(
                || "AWS never sends this key; check its spelling".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.report(
                Diagnostic::warning(
                    "unknown-condition-key",
                    member.name.span(),
                    format!("no request ever carries `{key}`"),
                )
                .help(help),
            );
        }
        let per_pair =
            key.family().is_some_and(|family| matches!(family, "kms:encryptioncontext:" | "aws:requesttag/"));
        if self.kind == PolicyType::Key && operator.set == SetOperator::ForAllValues && per_pair {
            self.report(
                Diagnostic::error(
                    "overly-permissive-condition",
                    member.name.span(),
                    format!("`ForAllValues` with `{key}`"),
                )
                .help("KMS refuses it, since it holds when the key is absent; drop the set operator"),
            );
        }
    }

    /// The values of a key: strings, numbers or booleans, one or several (R1.4).
    fn operands(&mut self, operator: Operator, key_type: Option<KeyType>, member: &Member) -> Vec<Operand> {
        let values = each(&member.value);
        let mut operands = Vec::with_capacity(values.len());
        for value in values {
            let text = match &value.kind {
                Kind::String(text) => text.clone(),
                Kind::Number(digits) => Text::new(&**digits, value.span),
                Kind::Bool(boolean) => Text::new(boolean.to_string(), value.span),
                Kind::Null | Kind::Array(_) | Kind::Object(_) => {
                    self.wrong_type(
                        value,
                        "a condition value is a string, number or boolean",
                        "put the value in double quotes",
                    );
                    continue;
                }
            };
            let operand = Operand::new(text, operator, self.version);
            self.check_operand(&operand, operator, key_type);
            operands.push(operand);
        }
        operands
    }

    fn check_operand(&mut self, operand: &Operand, operator: Operator, key_type: Option<KeyType>) {
        let written = operand.text.as_str();
        if !operand.is_readable() {
            let wanted = match operator.base.family() {
                Family::Numeric if key_type == Some(KeyType::Date) => "a number of seconds",
                Family::Numeric => "a number",
                Family::Date => "a date or a number of seconds",
                Family::Bool | Family::Null => "`true` or `false`",
                Family::Binary => "base64",
                Family::Ip => "an IP address or range",
                Family::Arn | Family::String => "an ARN with six fields",
            };
            let message = format!("`{written}` is not {wanted}; nothing equals it under `{operator}`");
            self.report(
                Diagnostic::warning("unreadable-value", operand.text.span(), message)
                    .help(format!("write {wanted}, or use a string operator")),
            );
        }
        if operator.base.family() == Family::Date && date::is_ambiguous(written) {
            self.report(
                Diagnostic::warning("ambiguous-date", operand.text.span(), format!("`{written}` is read as a year"))
                    .help("write the whole date, as in `2025-01-01T00:00:00Z`"),
            );
        }
    }
}

/// The entries of an array; what stands without one counts as one entry (R1.3, R1.4).
fn each(value: &Value) -> &[Value] {
    match &value.kind {
        Kind::Array(values) => values,
        Kind::Object(_) | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => std::slice::from_ref(value),
    }
}

/// Whether KMS has a permission that the pattern covers.
fn covers_an_operation(pattern: &ActionPattern) -> bool {
    match pattern.literal_name() {
        Some(name) => catalog::kms::of_folded(name).is_some(),
        None => catalog::kms::operations().any(|operation| pattern.covers_name(operation.name)),
    }
}

/// The permissions of KMS: `kms:Decrypt`.
fn kms_names() -> Vec<String> {
    catalog::kms::operations().map(|operation| format!("kms:{}", operation.name)).collect()
}

fn either<'v>(elements: &Elements<'v>, plain: Element, negated: Element) -> Option<(&'v Member, bool)> {
    elements.get(plain).map(|member| (member, false)).or_else(|| elements.get(negated).map(|member| (member, true)))
}

fn forbidden_help(name: &str, kind: PolicyType) -> String {
    match (name, kind) {
        ("Principal", PolicyType::Identity | PolicyType::Boundary | PolicyType::Session) => {
            "remove it: whom the policy speaks of follows from where it is attached".to_owned()
        }
        ("Resource" | "NotResource", PolicyType::Trust) => "remove it: the resource is the role itself".to_owned(),
        _ => format!("remove `{name}`"),
    }
}

/// Points at the opening bracket rather than at a whole object.
fn first_character(span: Span) -> Span {
    Span { end: span.start + 1, ..span }
}

/// The text of a string without its quotes, or the whole value.
fn value_span(value: &Value) -> Span {
    value.as_text().map_or(value.span, Text::span)
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
