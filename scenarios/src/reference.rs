//! What does a name in a check stand for?
//!
//! Callers: `role/NAME`, `role/NAME@SESSION`, `user/NAME`, `federated-user/USER/SESSION`, `account/NAME` for its root
//! user, `service/NAME`, `federated/PROVIDER` for somebody an identity provider vouches for, `anonymous`, or an ARN.
//! Resources: `key/NAME`, `alias/NAME`, `role/NAME`, `user/NAME`, `bucket/NAME`, `bucket/NAME/KEY` for an object,
//! `resource/NAME`, or an ARN. Here they become the evaluator's callers and resources.

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog;
use permitlab_evaluator::catalog::services::keys;
use permitlab_evaluator::catalog::{kms, names, services};
use permitlab_evaluator::context::ConditionKey;
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::principal::{Identity, Principal};
use permitlab_evaluator::request::Resource;
use permitlab_evaluator::source::Span;
use permitlab_evaluator::world::s3::bucket_name;

use crate::facts::{BucketFacts, Facts, Key, partition};
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
        "federated-user" => federated_user(facts, text, name),
        "account" => Ok(Principal::Root { account: named_account(facts, text, name)?, partition: "aws".into() }),
        "service" => service(text, name),
        _ => {
            let principal = Principal::parse(written).map_err(|error| bad_caller(text, &error.to_string()))?;
            known(facts, text, principal)
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

/// A session that a user of the world made with `GetFederationToken` (R5.9).
fn federated_user(facts: &Facts, text: &Text, name: &str) -> Result<Principal, Box<Diagnostic>> {
    let Some((user, session)) = name.split_once('/').filter(|(_, session)| !session.is_empty()) else {
        return Err(bad_caller(text, "a federated user has the user that made the session before its name"));
    };
    let user = identity(facts, text, &format!("user/{user}"))?;
    let (account, partition) = (user.account, user.partition.clone());
    Ok(Principal::FederatedUser { account, partition, name: session.into(), user: Some(user) })
}

/// A role or user given by ARN has policies only if the world knows it; what else the world says of it, its path in
/// the case of a session, comes with it.
fn known(facts: &Facts, text: &Text, principal: Principal) -> Result<Principal, Box<Diagnostic>> {
    let is_session_arn = text.as_str().contains(":sts:");
    let found = |kind: &str, own: &Identity| {
        let same = |each: &&Identity| match kind {
            "role" if is_session_arn => (each.account, &each.name) == (own.account, &own.name),
            _ => each.arn(kind) == own.arn(kind),
        };
        let of_kind = facts.identities.iter().filter(|(name, _)| name.split_once('/').is_some_and(|(k, _)| k == kind));
        let found = of_kind.map(|(_, each)| &each.identity).find(same).cloned();
        found.ok_or_else(|| {
            let message = format!("no role or user of the world is `{}`", own.arn(kind));
            Box::new(
                Diagnostic::error("unknown-principal", text.span(), message)
                    .help("define it under `roles:` or `users:`, so that its policies are known"),
            )
        })
    };
    match principal {
        Principal::User(user) => found("user", &user).map(Principal::User),
        Principal::RoleSession { role, session } => {
            found("role", &role).map(|role| Principal::RoleSession { role, session })
        }
        Principal::FederatedUser { .. }
        | Principal::Root { .. }
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::Anonymous => Ok(principal),
    }
}

fn bad_caller(text: &Text, help: &str) -> Box<Diagnostic> {
    let message = format!("`{text}` names no caller");
    let help = format!(
        "write `role/NAME`, `user/NAME`, `federated-user/USER/SESSION`, `service/NAME`, `account/NAME`, `federated/PROVIDER`, `anonymous` or an ARN: {help}"
    );
    Box::new(Diagnostic::error("invalid-caller", text.span(), message).help(help))
}

fn identity(facts: &Facts, text: &Text, full: &str) -> Result<Identity, Box<Diagnostic>> {
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
        "bucket" => ("bucket", "buckets:"),
        "resource" => ("resource", "resources:"),
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

/// The finding about a condition key that no request ever carries; `None` for one that AWS has, and for one with a prefix
/// whose keys nobody lists, such as those of identity providers.
pub fn unknown_context_key(name: &str, span: Span) -> Option<Diagnostic> {
    let (message, help) = unknown_key(&ConditionKey::new(name))?;
    Some(Diagnostic::error("unknown-condition-key", span, message).help(help))
}

/// What is said of such a key, and what to do about it.
pub fn unknown_key(key: &ConditionKey) -> Option<(String, String)> {
    if catalog::key_type(key).is_some() {
        return None;
    }
    let name = key.as_str();
    let service = services::service(key.prefix()).filter(|service| keys::keys_of(*service).next().is_some());
    let near = match (key.prefix(), service) {
        ("aws" | "kms", _) => closest(name, catalog::key_names()),
        (_, Some(service)) => closest(name, keys::keys_of(service)),
        (_, None) if !name.contains(':') => catalog::key_names().find(|known| is_rest_of(known, name)),
        (_, None) => return None,
    };
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if name.contains(':') => "check its spelling in the service authorization reference".to_owned(),
        None => "write it with its prefix, as in `aws:SourceArn` or `kms:ViaService`".to_owned(),
    };
    Some((format!("AWS has no condition key `{name}`"), help))
}

/// Whether a key is called this behind its prefix.
fn is_rest_of(key: &str, name: &str) -> bool {
    key.split_once(':').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(name))
}

/// A Region has a direction in the middle: `us-east-1`, `ap-southeast-2`.
///
/// # Errors
/// A text that is no Region.
pub fn check_region(text: &Text) -> Result<(), Box<Diagnostic>> {
    const DIRECTIONS: [&str; 9] =
        ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];
    let parts: Vec<&str> = text.as_str().split('-').collect();
    let direction = parts.iter().rev().nth(1).copied().unwrap_or_default();
    let numbered = parts.last().is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()));
    if parts.len() >= 3 && numbered && DIRECTIONS.contains(&direction) {
        return Ok(());
    }
    let help = match closest(direction, DIRECTIONS) {
        Some(near) if numbered && parts.len() >= 3 && near != direction => {
            format!("did you mean `{}`?", text.as_str().replace(direction, near))
        }
        Some(_) | None => "write a Region as AWS does: `us-east-1`".to_owned(),
    };
    Err(Box::new(Diagnostic::error("unknown-region", text.span(), format!("`{text}` is no Region")).help(help)))
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
        let flow = "check the flow `kms.re-encrypt`, which asks for both permissions";
        return format!("{flow}, or `kms:ReEncryptFrom` and `kms:ReEncryptTo` one by one");
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
/// A name nobody defined, a key or a bucket the world does not know.
pub fn target(facts: &Facts, text: &Text) -> Result<Target, Box<Diagnostic>> {
    let written = text.as_str();
    let (kind, name) = written.split_once('/').unwrap_or((written, ""));
    match kind {
        "key" => key(facts, text, name),
        "alias" => alias(facts, text, written, None),
        "role" | "user" => identity(facts, text, written)
            .and_then(|identity| arn(text, &identity.arn(kind)))
            .map(|arn| Target::Resource(Resource::new(arn))),
        "bucket" => bucket(facts, text, name),
        "resource" => other_resource(facts, text, name),
        _ => arn(text, written).and_then(|arn| by_arn(facts, text, arn)),
    }
}

fn arn(text: &Text, written: &str) -> Result<Arn, Box<Diagnostic>> {
    Arn::parse(written).map_err(|_| {
        Box::new(
            Diagnostic::error("invalid-resource", text.span(), format!("`{text}` names no resource"))
                .help("write `key/NAME`, `alias/NAME`, `role/NAME`, `bucket/NAME`, `resource/NAME` or an ARN"),
        )
    })
}

fn key(facts: &Facts, text: &Text, name: &str) -> Result<Target, Box<Diagnostic>> {
    match facts.keys.get(name) {
        Some(Key::Held(key)) => {
            Ok(Target::Resource(Resource { account: Some(key.account), ..Resource::new(key.arn.clone()) }))
        }
        Some(Key::AwsOwned { .. }) => Ok(Target::AwsOwned),
        None => Err(unknown_of_kind(text, "key", facts.keys.keys())),
    }
}

/// A bucket by its name in the world, or with what follows that name, an object of it.
fn bucket(facts: &Facts, text: &Text, name: &str) -> Result<Target, Box<Diagnostic>> {
    let (name, object) = name.split_once('/').map_or((name, None), |(name, object)| (name, Some(object)));
    let Some(bucket) = facts.buckets.get(name) else {
        return Err(unknown_of_kind(text, "bucket", facts.buckets.keys()));
    };
    let arn = match object {
        None => bucket.arn.clone(),
        Some(object) => arn(text, &format!("{}/{object}", bucket.arn))?,
    };
    Ok(Target::Resource(Resource { account: Some(bucket.account), ..Resource::new(arn) }))
}

fn other_resource(facts: &Facts, text: &Text, name: &str) -> Result<Target, Box<Diagnostic>> {
    let found = facts.resources.get(name).ok_or_else(|| unknown_of_kind(text, "resource", facts.resources.keys()))?;
    Ok(Target::Resource(Resource { account: Some(found.account), ..Resource::new(found.arn.clone()) }))
}

fn unknown_of_kind<'n>(text: &Text, kind: &str, names: impl Iterator<Item = &'n String>) -> Box<Diagnostic> {
    let names: Vec<String> = names.map(|name| format!("{kind}/{name}")).collect();
    unknown(text, text.as_str(), names.iter().map(String::as_str))
}

/// A key and a bucket have to be known, or their policies would be passed over. ARNs of S3 hold no account: it is the
/// bucket's.
fn by_arn(facts: &Facts, text: &Text, arn: Arn) -> Result<Target, Box<Diagnostic>> {
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
    if arn.service() != "s3" {
        let account = facts.resources.values().find(|each| each.arn == arn).map(|each| each.account);
        let resource = Resource::new(arn);
        return Ok(Target::Resource(Resource { account: account.or(resource.account), ..resource }));
    }
    let Some(bucket) = bucket_of(facts, &arn) else {
        let names = listed(facts.buckets.keys().map(String::as_str));
        let message = format!("no bucket of the world holds `{arn}`");
        let help = format!("define it under `buckets:`, so that its policy is known; the world has {names}");
        return Err(Box::new(Diagnostic::error("unknown-bucket", text.span(), message).help(help)));
    };
    Ok(Target::Resource(Resource { account: Some(bucket.account), ..Resource::new(arn) }))
}

/// The bucket of the world that an ARN names, or an object of which it names.
pub fn bucket_of<'f>(facts: &'f Facts, arn: &Arn) -> Option<&'f BucketFacts> {
    let name = bucket_name(arn)?;
    facts.buckets.values().find(|bucket| bucket_name(&bucket.arn) == Some(name))
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

/// What stands for the resource of an operation without one (R2.8). S3's ARNs hold neither Region nor account, IAM's
/// no Region.
pub fn wide(service: &str, region: &str, account: Option<AccountId>) -> Option<Resource> {
    let (region, account) = match service {
        "s3" => ("", None),
        "iam" => ("", account),
        _ => (region, account),
    };
    let account = account.map(|account| account.to_string()).unwrap_or_default();
    Arn::parse(&format!("arn:{}:{service}:{region}:{account}:*", partition(region))).ok().map(Resource::wide)
}
