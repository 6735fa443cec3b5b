//! What does a grant of a world or of a `change:` stand for?
//!
//! The parts of a grant as written become the evaluator's [`Grant`]: references become principals, names become
//! operations. What `CreateGrant` would refuse is refused here (R6.22, R6.23, R6.27).

use std::collections::BTreeMap;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::kms::{self, Operation};
use permitlab_evaluator::context::{ConditionKey, Values};
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::json::Text as JsonText;
use permitlab_evaluator::policy::Written;
use permitlab_evaluator::principal::{Principal, PrincipalPattern};
use permitlab_evaluator::source::Span;
use permitlab_evaluator::world::kms::{Constraint, Grant, Pairs};

use crate::facts::{Facts, HeldKey, Key};
use crate::file::scenario::GrantQuestion;
use crate::file::world::{self as written, Grantee};
use crate::file::{At, Named, Text};
use crate::placeholders::{Scope, fill};
use crate::reference;
use crate::replay::Places;

/// As many pairs as KMS takes in one constraint (R6.27).
pub const MOST_PAIRS: usize = 8;

type Found<T> = Result<T, Vec<Diagnostic>>;

/// The grant that was written for a key, by the name references use.
///
/// # Errors
/// What KMS would refuse, a name nobody defined, a placeholder nothing is bound to.
pub fn resolve(facts: &Facts, written: &At<written::Grant>, key: &HeldKey, name: &str) -> Found<Grant> {
    resolve_in(facts, written, key, name, &Scope::new(&facts.vars))
}

fn resolve_in(
    facts: &Facts,
    written: &At<written::Grant>,
    key: &HeldKey,
    name: &str,
    scope: &Scope<'_>,
) -> Found<Grant> {
    let resolver = Resolver { facts, key, span: written.span, scope };
    let (written, span) = (&written.value, written.span);
    let mut findings = Vec::new();
    let mut keep = |result: Found<()>| findings.extend(result.err().unwrap_or_default());
    keep(check_service(written));
    let grantee = resolver.grantee(&written.grantee);
    let operations = resolver.operations(&written.operations);
    let constraints = resolver.constraints(&written.constraints);
    let retiring = written.retiring_principal.as_ref().map(|text| resolver.principal(text)).transpose();
    let issuing = written.issuing_account.as_ref().map(|text| resolver.account(text)).transpose();
    match (findings.is_empty(), grantee, operations, constraints, retiring, issuing) {
        (true, Ok(grantee), Ok(operations), Ok(constraints), Ok(retiring_principal), Ok(issuing_account)) => {
            let name = name.into();
            Ok(Grant { name, span, grantee, operations, constraints, retiring_principal, issuing_account })
        }
        (_, grantee, operations, constraints, retiring, issuing) => {
            findings.extend(grantee.err().unwrap_or_default());
            findings.extend(operations.err().unwrap_or_default());
            findings.extend(constraints.err().unwrap_or_default());
            findings.extend(retiring.err().unwrap_or_default());
            findings.extend(issuing.err().unwrap_or_default());
            Err(findings)
        }
    }
}

struct Resolver<'r> {
    facts: &'r Facts,
    key: &'r HeldKey,
    span: Span,
    scope: &'r Scope<'r>,
}

impl Resolver<'_> {
    fn filled(&self, text: &Text) -> Found<Text> {
        fill(text, self.scope)
    }

    fn grantee(&self, grantee: &Grantee) -> Found<Written<PrincipalPattern>> {
        match grantee {
            Grantee::Principal(text) => self.principal(text),
            Grantee::Service(text) => {
                let found = self.principal(text)?;
                if matches!(found.value, PrincipalPattern::Service(_)) {
                    return Ok(found);
                }
                let finding = Diagnostic::error("invalid-grant", text.span(), format!("`{text}` is no service"));
                Err(vec![finding.help("write `service/bedrock`, or use `grantee_principal:`")])
            }
        }
    }

    /// A reference, an ARN or the host name of a service.
    fn principal(&self, text: &Text) -> Found<Written<PrincipalPattern>> {
        let filled = self.filled(text)?;
        let value = named(self.facts, &filled).map_err(|finding| vec![*finding])?;
        Ok(Written { text: JsonText::new(filled.as_str(), filled.span()), value })
    }

    fn operations(&self, written: &[Text]) -> Found<Vec<Written<&'static Operation>>> {
        if written.is_empty() {
            let finding = Diagnostic::error("invalid-grant", self.span, "the grant permits nothing");
            return Err(vec![finding.help("name at least one operation: `operations: [Decrypt]`")]);
        }
        let (mut operations, mut findings) = (Vec::new(), Vec::new());
        for text in written {
            match self.operation(text) {
                Ok(operation) => operations.push(operation),
                Err(more) => findings.extend(more),
            }
        }
        if findings.is_empty() { Ok(operations) } else { Err(findings) }
    }

    fn operation(&self, text: &Text) -> Found<Written<&'static Operation>> {
        let text = self.filled(text)?;
        let value = operation(text.as_str()).map_err(|help| {
            let message = format!("`{text}` is no operation a grant can permit");
            vec![Diagnostic::error("unknown-value", text.span(), message).help(help)]
        })?;
        let (spec, usage) = (&self.key.spec, &self.key.usage);
        if !value.fits(spec, usage) {
            let message = format!("a key of spec `{spec}` and usage `{usage}` has no `{text}`");
            let finding = Diagnostic::error("invalid-grant", text.span(), message);
            return Err(vec![finding.help("remove the operation: KMS refuses to create such a grant")]);
        }
        Ok(Written { text: JsonText::new(text.as_str(), text.span()), value })
    }

    fn constraints(&self, written: &written::GrantConstraints) -> Found<Vec<Constraint>> {
        let mut constraints = Vec::new();
        if let Some(pairs) = &written.encryption_context_equals {
            constraints.push(Constraint::EncryptionContextEquals(self.pairs(pairs)?));
        }
        if let Some(pairs) = &written.encryption_context_subset {
            constraints.push(Constraint::EncryptionContextSubset(self.pairs(pairs)?));
        }
        if let Some(source) = &written.source_arn {
            let source = self.filled(source)?;
            let text = JsonText::new(source.as_str(), source.span());
            constraints.push(source_arn(text).map_err(|help| {
                let message = format!("`{source}` is not an ARN");
                vec![Diagnostic::error("invalid-arn", source.span(), message).help(help)]
            })?);
        }
        Ok(constraints)
    }

    fn pairs(&self, written: &At<Named<Text>>) -> Found<Pairs> {
        let refused = |message: String, help: &str| {
            Err(vec![Diagnostic::error("invalid-grant", written.span, message).help(help)])
        };
        if self.key.spec != "SYMMETRIC_DEFAULT" {
            let message = format!("a key of spec `{}` takes no encryption context", self.key.spec);
            return refused(message, "remove the constraint: KMS has it for symmetric encryption keys only");
        }
        if written.value.len() > MOST_PAIRS {
            let message = format!("the constraint has {} pairs", written.value.len());
            return refused(message, "KMS takes at most 8");
        }
        if written.value.is_empty() {
            return refused("the constraint has no pairs".to_owned(), "add a pair, or leave the constraint out");
        }
        let mut pairs = BTreeMap::new();
        for (name, value) in written.value.iter() {
            pairs.insert(self.filled(name)?.as_str().to_owned(), self.filled(value)?.as_str().to_owned());
        }
        Ok(Pairs { pairs, span: written.span })
    }

    fn account(&self, text: &Text) -> Found<AccountId> {
        let filled = self.filled(text)?;
        reference::account(self.facts, &filled).map_err(|finding| vec![*finding])
    }
}

/// A grant to a service that a caller asks for is bound to a source, and somebody may retire it (R6.23).
fn check_service(grant: &written::Grant) -> Found<()> {
    let Grantee::Service(service) = &grant.grantee else { return Ok(()) };
    let missing = match (&grant.constraints.source_arn, &grant.retiring_principal) {
        (None, _) => "`constraints: { source_arn: … }`",
        (Some(_), None) => "`retiring_principal:`",
        (Some(_), Some(_)) => return Ok(()),
    };
    let message = format!("a grant to the service principal `{service}` needs {missing}");
    Err(vec![
        Diagnostic::error("invalid-grant", service.span(), message)
            .help("add it; a grant that the service made for itself is written with `grantee_principal: service/NAME`"),
    ])
}

/// Whom a reference, an ARN or the host name of a service names.
fn named(facts: &Facts, text: &Text) -> Result<PrincipalPattern, Box<Diagnostic>> {
    let is_reference = ["role/", "user/", "account/", "service/"].iter().any(|kind| text.as_str().starts_with(kind));
    if !is_reference {
        return pattern(text.as_str()).map_err(|help| {
            let message = format!("`{text}` can hold no grant");
            Box::new(Diagnostic::error("invalid-grant", text.span(), message).help(help))
        });
    }
    Ok(match reference::caller(facts, text)? {
        Principal::User(user) => PrincipalPattern::User(user),
        Principal::RoleSession { role, session } if text.as_str().contains('@') => {
            PrincipalPattern::RoleSession { account: role.account, role: role.name, session }
        }
        Principal::RoleSession { role, .. } => PrincipalPattern::Role(role),
        Principal::FederatedUser { account, name, .. } => PrincipalPattern::FederatedUser { account, name },
        Principal::Root { account, .. } => PrincipalPattern::Account(account),
        Principal::Service(service) => PrincipalPattern::Service(service),
        Principal::Federated(_) | Principal::Anonymous => PrincipalPattern::Nobody,
    })
}

/// What a call that makes or retires a grant carries.
#[derive(Debug, Default)]
pub(crate) struct AskedGrant {
    /// The condition keys of `CreateGrant` (R6.16): every one of them, present or absent.
    pub(crate) context: BTreeMap<ConditionKey, Option<Values>>,
    /// The encryption context of the constraint (R6.20).
    pub(crate) encryption_context: BTreeMap<String, String>,
    /// The name of the grant that is retired.
    pub(crate) retires: Option<Box<str>>,
}

/// What `grant:` of a check says of its call.
///
/// # Errors
/// A call that is about no grant; a grant KMS would not create; a name of no grant.
pub(crate) fn asked_grant(
    facts: &Facts,
    written: &At<GrantQuestion>,
    places: &Places,
    scope: &Scope<'_>,
) -> Found<AskedGrant> {
    let refused =
        |message: String, help: &str| Err(vec![Diagnostic::error("misplaced-key", written.span, message).help(help)]);
    let call = places.call.as_str();
    let grant = &written.value;
    match (grant, call.eq_ignore_ascii_case("kms:CreateGrant"), call.eq_ignore_ascii_case("kms:RetireGrant")) {
        (GrantQuestion::Made(grant), true, _) => made(facts, grant, written.span, places, scope),
        (GrantQuestion::Retired(name), _, true) => {
            let name = fill(name, scope)?;
            let grants = facts.keys.values().filter_map(Key::held).flat_map(|key| &key.grants);
            let names: Vec<&str> = grants.map(|grant| &*grant.name).collect();
            if names.contains(&name.as_str()) {
                return Ok(AskedGrant { retires: Some(name.as_str().into()), ..AskedGrant::default() });
            }
            let help = match closest(name.as_str(), names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it under `grants:` of its key".to_owned(),
            };
            let message = format!("no grant is called `{name}`");
            Err(vec![Diagnostic::error("unknown-name", name.span(), message).help(help)])
        }
        (GrantQuestion::Made(_), false, true) => {
            refused("`kms:RetireGrant` makes no grant".to_owned(), "name the grant it retires: `grant: key/NAME[0]`")
        }
        (GrantQuestion::Retired(_), true, _) => refused(
            "`kms:CreateGrant` retires no grant".to_owned(),
            "write the grant it makes: `grant: { grantee_principal: …, operations: […] }`",
        ),
        (GrantQuestion::Made(_) | GrantQuestion::Retired(_), false, false) => {
            refused(format!("`{call}` is about no grant"), "remove `grant:`")
        }
    }
}

fn made(facts: &Facts, grant: &written::Grant, span: Span, places: &Places, scope: &Scope<'_>) -> Found<AskedGrant> {
    let key = places.resource.as_ref().and_then(|text| text.as_str().strip_prefix("key/"));
    let Some(key) = key.and_then(|name| facts.keys.get(name)).and_then(Key::held) else {
        let finding = Diagnostic::error("misplaced-key", span, "a grant is made on a key of the world");
        return Err(vec![finding.help("name it: `resource: key/NAME`")]);
    };
    let resolved = resolve_in(facts, &At { value: grant.clone(), span }, key, "the grant", scope)?;
    let partition = key.arn.partition();
    let mut asked = AskedGrant::default();
    let mut state = |key: &str, value: Option<Values>| asked.context.insert(ConditionKey::new(key), value);
    for (who, principal_key, service_key) in [
        (Some(&resolved.grantee), "kms:GranteePrincipal", "kms:GranteeServicePrincipal"),
        (resolved.retiring_principal.as_ref(), "kms:RetiringPrincipal", "kms:RetiringServicePrincipal"),
    ] {
        let is_service = who.is_some_and(|who| matches!(who.value, PrincipalPattern::Service(_)));
        let (principal, service) = if is_service { (None, who) } else { (who, None) };
        let one = |who: Option<&Written<PrincipalPattern>>| who.map(|who| Values::One(principal_name(who, partition)));
        state(principal_key, one(principal));
        state(service_key, one(service));
    }
    let operations = resolved.operations.iter().map(|operation| operation.value.name.to_owned()).collect();
    state("kms:GrantOperations", Some(Values::Many(operations)));
    let mut kind = None;
    let mut source = None;
    let mut pairs = BTreeMap::new();
    for constraint in &resolved.constraints {
        match constraint {
            Constraint::EncryptionContextEquals(constraint_pairs)
            | Constraint::EncryptionContextSubset(constraint_pairs) => {
                kind = Some(constraint.name());
                pairs.extend(constraint_pairs.pairs.clone());
            }
            Constraint::SourceArn(condition) => {
                source = condition.operands.first().map(|operand| operand.text.as_str().to_owned());
            }
        }
    }
    state("kms:GrantConstraintType", kind.map(|kind| Values::One(kind.to_owned())));
    state("kms:GrantConstraintSourceArn", source.map(Values::One));
    asked.encryption_context = pairs;
    Ok(asked)
}

/// A grantee as condition keys hold it: its ARN, or the host name of a service.
fn principal_name(who: &Written<PrincipalPattern>, partition: &str) -> String {
    match &who.value {
        PrincipalPattern::Account(account) => format!("arn:{partition}:iam::{account}:root"),
        PrincipalPattern::User(user) => user.arn("user"),
        PrincipalPattern::Role(role) => role.arn("role"),
        PrincipalPattern::RoleSession { account, role, session } => {
            format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
        }
        PrincipalPattern::FederatedUser { account, name } => {
            format!("arn:{partition}:sts::{account}:federated-user/{name}")
        }
        PrincipalPattern::Service(name) => name.to_string(),
        PrincipalPattern::Everyone(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_)
        | PrincipalPattern::Nobody => who.text.as_str().to_owned(),
    }
}

/// The number in a grant's name: 1 of `key/eval[1]`.
pub fn number(name: &str) -> Option<usize> {
    name.rsplit_once('[')?.1.strip_suffix(']')?.parse().ok()
}

/// Whom an ARN, an account id or the host name of a service names (R6.23).
///
/// # Errors
/// What to write instead.
pub fn pattern(text: &str) -> Result<PrincipalPattern, String> {
    const FORMS: &str = "a grant is held by an account, user, role, role session or federated user, or a service";
    if text.ends_with(".amazonaws.com") {
        return PrincipalPattern::parse_service(text).map_err(|error| error.to_string());
    }
    match PrincipalPattern::parse_aws(text).map_err(|error| error.to_string())? {
        PrincipalPattern::Everyone(_) | PrincipalPattern::Nobody => Err(format!("{FORMS}; it takes no wildcard")),
        PrincipalPattern::OriginAccessIdentity(_) => Err(FORMS.to_owned()),
        pattern @ (PrincipalPattern::Account(_)
        | PrincipalPattern::User(_)
        | PrincipalPattern::Role(_)
        | PrincipalPattern::RoleSession { .. }
        | PrincipalPattern::FederatedUser { .. }
        | PrincipalPattern::Service(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)) => Ok(pattern),
    }
}

/// The operation of a name, exactly as AWS writes it (R6.22).
///
/// # Errors
/// What to write instead.
pub fn operation(name: &str) -> Result<&'static Operation, String> {
    let grantable = || kms::operations().filter(|operation| operation.grantable);
    grantable().find(|operation| operation.name == name).ok_or_else(|| {
        let plain = name.strip_prefix("kms:").unwrap_or(name);
        let names: Vec<&str> = grantable().map(|operation| operation.name).collect();
        let near = closest(plain, names.iter().copied());
        near.map_or_else(|| format!("grants permit {}", names.join(", ")), |near| format!("did you mean `{near}`?"))
    })
}

/// The constraint on the resource a service acts for: a condition on `aws:SourceArn` inside the grant (R6.27).
///
/// # Errors
/// Why the text is no ARN.
pub fn source_arn(text: JsonText) -> Result<Constraint, String> {
    Arn::parse(text.as_str()).map_err(|error| error.to_string())?;
    Ok(Constraint::source_arn(text))
}
