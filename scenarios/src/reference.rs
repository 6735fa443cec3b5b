//! What does a name in a check stand for?
//!
//! `role/NAME`, `role/NAME@SESSION`, `user/NAME`, `key/NAME`, `account/NAME`, `service/NAME`, a full ARN, or
//! `anonymous` (DESIGN: references). Here they become the evaluator's callers and resources.

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog;
use permitlab_evaluator::catalog::{kms, names, services};
use permitlab_evaluator::context::ConditionKey;
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::Resource;
use permitlab_evaluator::source::Span;

use crate::facts::{Facts, Key, partition};
use crate::file::Text;

/// What a call is on.
#[derive(Debug, Clone)]
pub enum Target {
    /// A resource policies speak of.
    Resource(Resource),
    /// A key that AWS owns (R6.33).
    AwsOwned,
}

/// Session name of a caller that is written as a role.
const SESSION: &str = "permitlab";

/// The caller a text names.
///
/// # Errors
/// A name nobody defined, or a form that names no caller.
pub fn caller(facts: &Facts, text: &Text) -> Result<Principal, Box<Diagnostic>> {
    let written = text.as_str();
    let (kind, name) = written.split_once('/').unwrap_or((written, ""));
    match kind {
        "anonymous" if name.is_empty() => Ok(Principal::Anonymous),
        "role" => {
            let (role, session) = name.split_once('@').unwrap_or((name, SESSION));
            let role = identity(facts, text, &format!("role/{role}"))?;
            Ok(Principal::RoleSession { role, session: session.into() })
        }
        "user" => Ok(Principal::User(identity(facts, text, written)?)),
        "account" => Ok(Principal::Root { account: named_account(facts, text, name)?, partition: "aws".into() }),
        "service" => service(text, name),
        _ => {
            let principal = Principal::parse(written).map_err(|error| bad_caller(text, &error.to_string()))?;
            known(facts, text, &principal)?;
            Ok(principal)
        }
    }
}

/// A service principal: by the name AWS gives it, or by its host name, of which AWS publishes no list.
fn service(text: &Text, name: &str) -> Result<Principal, Box<Diagnostic>> {
    let is_host = [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|end| name.ends_with(end));
    if !is_host && !names::is_principal(name) {
        let near = closest(name, names::principals()).map(|near| format!("service/{near}"));
        return Err(unknown_service(text, name, near, &format!("service/{name}.amazonaws.com")));
    }
    let host = if is_host { name.to_owned() } else { format!("{name}.amazonaws.com") };
    Principal::parse(&host).map_err(|error| bad_caller(text, &error.to_string()))
}

/// The finding about a short name that no service has; `near` is one like it, `host` the same name as a host name.
pub fn unknown_service(text: &Text, name: &str, near: Option<String>, host: &str) -> Box<Diagnostic> {
    let help = match near {
        Some(near) => format!("did you mean `{near}`? A whole host name is taken as it stands"),
        None => format!("write the whole host name, `{host}`, if AWS has such a service"),
    };
    Box::new(Diagnostic::error("unknown-service", text.span(), format!("no AWS service is called `{name}`")).help(help))
}

/// A role or user given by ARN has policies only if the world knows it, with its path.
fn known(facts: &Facts, text: &Text, principal: &Principal) -> Result<(), Box<Diagnostic>> {
    let arn = match principal {
        Principal::User(user) => user.arn("user"),
        Principal::RoleSession { role, .. } => role.arn("role"),
        Principal::FederatedUser { .. } | Principal::Root { .. } | Principal::Service(_) | Principal::Anonymous => {
            return Ok(());
        }
    };
    let is_it = |name: &str, identity: &permitlab_evaluator::principal::Identity| match principal {
        Principal::RoleSession { role, .. } => {
            name.starts_with("role/") && identity.account == role.account && identity.name == role.name
        }
        Principal::User(_)
        | Principal::FederatedUser { .. }
        | Principal::Root { .. }
        | Principal::Service(_)
        | Principal::Anonymous => name.starts_with("user/") && identity.arn("user") == arn,
    };
    if facts.identities.iter().any(|(name, each)| is_it(name, &each.identity)) {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::error("unknown-principal", text.span(), format!("no role or user of the world is `{arn}`"))
            .help("define it under `roles:` or `users:`, so that its policies are known"),
    ))
}

fn bad_caller(text: &Text, help: &str) -> Box<Diagnostic> {
    let message = format!("`{text}` names no caller");
    let help = format!("write `role/NAME`, `user/NAME`, `service/NAME`, `account/NAME`, `anonymous` or an ARN: {help}");
    Box::new(Diagnostic::error("invalid-caller", text.span(), message).help(help))
}

fn identity(
    facts: &Facts,
    text: &Text,
    full: &str,
) -> Result<permitlab_evaluator::principal::Identity, Box<Diagnostic>> {
    match facts.identities.get(full) {
        Some(attached) => Ok(attached.identity.clone()),
        None => Err(unknown(text, full, facts.identities.keys().map(String::as_str))),
    }
}

/// The account a text names: `account/NAME`, a name, or an account id.
///
/// # Errors
/// A name nobody defined.
pub fn account(facts: &Facts, text: &Text) -> Result<AccountId, Box<Diagnostic>> {
    let name = text.as_str().strip_prefix("account/").unwrap_or(text.as_str());
    AccountId::parse(name).or_else(|_| named_account(facts, text, name))
}

fn named_account(facts: &Facts, text: &Text, name: &str) -> Result<AccountId, Box<Diagnostic>> {
    facts.accounts.get(name).copied().ok_or_else(|| unknown(text, name, facts.accounts.keys().map(String::as_str)))
}

/// The finding about a name nobody defined.
pub fn unknown<'n>(text: &Text, name: &str, names: impl Iterator<Item = &'n str> + Clone) -> Box<Diagnostic> {
    let (kind, plural) = name.split_once('/').map_or(("account", "accounts:"), |(kind, _)| match kind {
        "key" => ("key", "keys:"),
        "role" => ("role", "roles:"),
        _ => ("user", "users:"),
    });
    let help = match closest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("define it under `{plural}` in a world that the file uses; it has {}", listed(names)),
    };
    Box::new(Diagnostic::error("unknown-name", text.span(), format!("no {kind} is called `{name}`")).help(help))
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The finding about a condition key with a prefix of AWS's that no request ever carries; `None` for the others.
pub fn unknown_context_key(name: &str, span: Span) -> Option<Diagnostic> {
    let key = ConditionKey::new(name);
    if !matches!(key.prefix(), "aws" | "kms") || catalog::key_type(&key).is_some() {
        return None;
    }
    let help = closest(name, catalog::key_names()).map_or_else(
        || "check its spelling in the service authorization reference".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Some(Diagnostic::error("unknown-condition-key", span, format!("AWS has no condition key `{name}`")).help(help))
}

/// The action a text names: one that AWS has.
///
/// # Errors
/// A text without the form of an action, and an unknown service or action.
pub fn action(text: &Text) -> Result<ActionName, Box<Diagnostic>> {
    let written = text.as_str();
    let finding = |code: &'static str, message: String, help: String| {
        Box::new(Diagnostic::error(code, text.span(), message).help(help))
    };
    let action = ActionName::parse(written).map_err(|_| {
        let help = permission_like(written);
        finding("unknown-action-form", format!("`{text}` is not an action"), help)
    })?;
    if action.service() == "kms" {
        let message = || format!("KMS has no permission `{text}`");
        let found = kms::operation(&action).is_some();
        return if found { Ok(action) } else { Err(finding("unknown-action", message(), permission_like(written))) };
    }
    let Some(service) = services::service(action.service()) else {
        let help = closest(action.service(), services::prefixes()).map_or_else(
            || "write the service prefix of AWS's Service Authorization Reference, as in `kms:Decrypt`".to_owned(),
            |near| format!("did you mean `{near}:{}`?", action.name()),
        );
        return Err(finding("unknown-service", format!("no AWS service has the prefix `{}`", action.service()), help));
    };
    if service.action(action.name()).is_none() {
        let help = closest(action.name(), service.actions().map(services::Action::name)).map_or_else(
            || format!("AWS's Service Authorization Reference lists the actions of {}", service.name()),
            |near| format!("did you mean `{}:{near}`?", service.prefix()),
        );
        return Err(finding("unknown-action", format!("{} has no action `{text}`", service.name()), help));
    }
    Ok(action)
}

/// What to write instead of something that is no permission of KMS.
fn permission_like(written: &str) -> String {
    if written.eq_ignore_ascii_case("kms:ReEncrypt") {
        return "the permissions are `kms:ReEncryptFrom` and `kms:ReEncryptTo`; ask about each".to_owned();
    }
    let names: Vec<String> = kms::operations().map(|operation| format!("kms:{}", operation.name)).collect();
    closest(written, names.iter().map(String::as_str)).map_or_else(
        || "write the service, a colon and the name: `kms:Decrypt`".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// Whether an action can be called on a resource (R2.7): one of its resource types has the form of the ARN.
///
/// # Errors
/// `wrong-resource-type`, with the forms that fit.
pub fn check_type(action: &ActionName, arn: &Arn, text: &Text) -> Result<(), Box<Diagnostic>> {
    let Some(known) = services::action(action).filter(|known| !known.takes(arn)) else { return Ok(()) };
    let (message, help) = if known.is_wildcard_only() {
        let message = format!("`{action}` has no resource");
        (message, "remove `resource:`; policies must allow it on `*`".to_owned())
    } else {
        let forms = known.resources().flat_map(|resource| {
            let name = resource.kind.name();
            resource.kind.arn_patterns().map(move |pattern| format!("a resource of type `{name}`, `{pattern}`"))
        });
        let forms: Vec<_> = forms.collect();
        (format!("`{action}` is not called on `{arn}`"), format!("it is called on {}", forms.join(", or ")))
    };
    Err(Box::new(Diagnostic::error("wrong-resource-type", text.span(), message).help(help)))
}

/// The resource a text names.
///
/// # Errors
/// A name nobody defined, or a key the world does not know.
pub fn target(facts: &Facts, text: &Text) -> Result<Target, Box<Diagnostic>> {
    let written = text.as_str();
    if let Some(name) = written.strip_prefix("key/") {
        return match facts.keys.get(name) {
            Some(Key::Held(key)) => {
                Ok(Target::Resource(Resource { account: Some(key.account), ..Resource::new(key.arn.clone()) }))
            }
            Some(Key::AwsOwned { .. }) => Ok(Target::AwsOwned),
            None => {
                let names: Vec<String> = facts.keys.keys().map(|name| format!("key/{name}")).collect();
                Err(unknown(text, written, names.iter().map(String::as_str)))
            }
        };
    }
    if written.starts_with("alias/") {
        return alias(facts, text, written, None);
    }
    let Ok(arn) = Arn::parse(written) else {
        return Err(Box::new(
            Diagnostic::error("invalid-resource", text.span(), format!("`{text}` names no resource"))
                .help("write `key/NAME`, `alias/NAME` or an ARN"),
        ));
    };
    if arn.service() == "kms" && arn.resource().starts_with("alias/") {
        return alias(facts, text, arn.resource(), Some(&arn));
    }
    let known = facts.keys.values().any(|key| matches!(key, Key::Held(key) if key.arn == arn));
    if arn.service() == "kms" && !known {
        return Err(Box::new(
            Diagnostic::error("unknown-key", text.span(), format!("no key of the world is `{arn}`"))
                .help("define it under `keys:`, so that its key policy is known"),
        ));
    }
    Ok(Target::Resource(Resource::new(arn)))
}

/// Whether a text names an alias: `alias/NAME` or its ARN.
pub fn is_alias(text: &Text) -> bool {
    let written = text.as_str();
    written.starts_with("alias/") || Arn::parse(written).is_ok_and(|arn| Resource::new(arn).is_alias())
}

/// The alias itself, for operations that are authorized on it (R6.12). It need not exist yet: then it is one of the
/// caller's account, in the Region of the call.
///
/// # Errors
/// An alias that does not exist, without a Region, or of a caller without an account.
pub fn alias_itself(
    facts: &Facts,
    text: &Text,
    caller: Option<AccountId>,
    region: Option<&str>,
) -> Result<Target, Box<Diagnostic>> {
    let written = text.as_str();
    if let Ok(arn) = Arn::parse(written) {
        return Ok(Target::Resource(Resource::new(arn)));
    }
    let place = match alias(facts, text, written, None) {
        Ok(Target::Resource(key)) => Some((key.arn.region().to_owned(), key.account)),
        Ok(Target::AwsOwned) | Err(_) => region.map(|region| (region.to_owned(), caller)),
    };
    let arn = place.and_then(|(region, account)| {
        Arn::parse(&format!("arn:{}:kms:{region}:{}:{written}", partition(&region), account?)).ok()
    });
    arn.map(|arn| Target::Resource(Resource::new(arn))).ok_or_else(|| {
        let finding = Diagnostic::error("unknown-alias", text.span(), format!("where `{text}` would be is not known"));
        Box::new(finding.help("write its ARN, or add `region:`"))
    })
}

/// KMS finds the key of an alias before it asks for permission (R2.12).
fn alias(facts: &Facts, text: &Text, alias: &str, arn: Option<&Arn>) -> Result<Target, Box<Diagnostic>> {
    let lives_there = |key: &Arn| arn.is_none_or(|arn| arn.region() == key.region() && arn.account() == key.account());
    let mut found = facts.keys.values().filter_map(|key| match key {
        Key::Held(key) if lives_there(&key.arn) && key.aliases.iter().flatten().any(|own| own == alias) => Some(key),
        Key::Held(_) | Key::AwsOwned { .. } => None,
    });
    let finding = |message: String, help: &str| {
        Err(Box::new(Diagnostic::error("unknown-alias", text.span(), message).help(help)))
    };
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(Target::Resource(Resource {
            account: Some(key.account),
            alias: Some(alias.into()),
            ..Resource::new(key.arn.clone())
        })),
        (None, _) => finding(format!("no key of the world has the alias `{alias}`"), "add it to the key's `aliases:`"),
        (Some(_), Some(_)) => {
            finding(format!("several keys have the alias `{alias}`"), "write the alias ARN, with Region and account")
        }
    }
}

/// What stands for the resource of an operation without one (R2.8).
pub fn wide(service: &str, region: &str, account: Option<AccountId>) -> Option<Resource> {
    let account = account.map(|account| account.to_string()).unwrap_or_default();
    Arn::parse(&format!("arn:{}:{service}:{region}:{account}:*", partition(region))).ok().map(Resource::wide)
}
