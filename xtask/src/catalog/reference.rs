//! What does the JSON of a service reference say?
//!
//! Its types, and the mistakes that reading alone does not find: a resource type that is not there, a type of
//! condition keys or an access level nobody knows, two names that differ in case only.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The facts of all services.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reference {
    /// Where the facts come from.
    pub source: Source,
    /// The keys that belong to no one service.
    pub global_condition_keys: BTreeMap<String, GlobalKey>,
    /// The services whose resources RCPs reach.
    pub rcp_supported_services: BTreeSet<String>,
    /// The services by prefix.
    pub services: BTreeMap<String, Service>,
    #[serde(rename = "conditionPatterns")]
    _patterns: serde::de::IgnoredAny,
    #[serde(rename = "unassociatedConditions")]
    _unassociated: serde::de::IgnoredAny,
}

/// Where the facts come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Source {
    /// The name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// When its data was made: a date and a time.
    pub updated_at: String,
    /// Its licence.
    pub license: String,
}

/// A condition key that belongs to no one service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalKey {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(rename = "category")]
    _category: serde::de::IgnoredAny,
}

/// A service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// Its name, for people.
    pub name: String,
    /// Its actions by name.
    pub actions: BTreeMap<String, Action>,
    /// Its resource types by name.
    pub resource_types: BTreeMap<String, ResourceType>,
    /// Its condition keys, with the type of each.
    pub condition_keys: BTreeMap<String, String>,
}

/// An action.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Action {
    /// Its access level.
    pub access: Access,
    /// The resource types it is authorized on.
    #[serde(default)]
    pub resources: Vec<ActionResource>,
    /// Its condition keys.
    #[serde(default)]
    pub condition_keys: Vec<String>,
    /// Actions the caller needs as well: `iam:PassRole`.
    #[serde(default)]
    pub dependent_actions: Vec<String>,
    #[serde(default, rename = "scenarios")]
    _scenarios: serde::de::IgnoredAny,
}

/// The access level of an action. The reference adds `Write` to the last two.
#[derive(Debug, Clone, Copy, Deserialize)]
pub enum Access {
    /// Looks.
    Read,
    /// Finds out what there is.
    List,
    /// Changes something.
    Write,
    /// Changes tags.
    #[serde(rename = "Tagging, Write")]
    Tagging,
    /// Changes permissions.
    #[serde(rename = "Permissions management, Write")]
    Permissions,
}

/// A resource type of an action.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ActionResource {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the action always has one.
    #[serde(default)]
    pub required: bool,
    /// Condition keys the action has for it.
    #[serde(default)]
    pub condition_keys: Vec<String>,
}

/// A resource type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceType {
    /// The form of its ARNs, or several with commas between them.
    pub arn: String,
    /// Its condition keys.
    #[serde(default)]
    pub condition_keys: Vec<String>,
}

/// What is wrong with a service reference.
#[derive(Debug, thiserror::Error)]
pub enum NotAReference {
    /// It is no JSON of this form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It holds no service.
    #[error("it has no services")]
    NoServices,
    /// Its date is no date.
    #[error("`{0}` does not begin with a date")]
    Date(String),
    /// A name has a form the text has no place for.
    #[error("{place} has the name `{name}`, which the catalog cannot hold")]
    Name {
        /// What has the name.
        place: String,
        /// The name.
        name: String,
    },
    /// Two names differ in case only, which AWS ignores.
    #[error("{place} has `{name}` twice")]
    Twice {
        /// What has the names.
        place: String,
        /// One of them.
        name: String,
    },
    /// An action names a resource type that its service lacks.
    #[error("the action `{action}` is on a `{kind}`, which its service does not have")]
    ResourceType {
        /// The action.
        action: String,
        /// The resource type.
        kind: String,
    },
    /// A condition key has a type that the engine does not know.
    #[error("the condition key `{key}` has the type `{kind}`, which the catalog does not know")]
    KeyType {
        /// The key.
        key: String,
        /// Its type.
        kind: String,
    },
}

/// The types of condition keys that the engine knows.
const KEY_TYPES: [&str; 9] =
    ["ARN", "ArrayOfARN", "ArrayOfBool", "ArrayOfString", "Bool", "Date", "IPAddress", "Numeric", "String"];

impl Reference {
    /// Reads the JSON of a service reference.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(json: &str) -> Result<Self, NotAReference> {
        let reference: Self = serde_json::from_str(json)?;
        reference.check()?;
        Ok(reference)
    }

    /// The day of the data: `2026-09-26`.
    pub fn date(&self) -> &str {
        self.source.updated_at.split('T').next().unwrap_or_default()
    }

    fn check(&self) -> Result<(), NotAReference> {
        if self.services.is_empty() {
            return Err(NotAReference::NoServices);
        }
        let is_date = |text: &str| text.len() == 10 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
        if !is_date(self.date()) {
            return Err(NotAReference::Date(self.source.updated_at.clone()));
        }
        check_keys(
            "the global condition keys",
            self.global_condition_keys.iter().map(|(name, key)| (name, &key.kind)),
        )?;
        self.services.iter().try_for_each(|(prefix, service)| check_service(prefix, service))
    }
}

fn check_service(prefix: &str, service: &Service) -> Result<(), NotAReference> {
    let place = format!("`{prefix}`");
    let is_prefix =
        !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !is_prefix {
        return Err(NotAReference::Name { place: "a service".to_owned(), name: prefix.to_owned() });
    }
    check_names(&place, service.actions.keys(), is_word)?;
    check_names(&place, service.resource_types.keys(), |name| !name.contains([',', ':', '?', '\n']))?;
    check_form(&place, service.resource_types.values().map(|kind| &kind.arn), |arns| arns.split(", ").all(is_arn))?;
    check_form(&place, std::iter::once(&service.name), |name| !name.contains('\n'))?;
    check_keys(&place, service.condition_keys.iter())?;
    for (name, action) in &service.actions {
        let missing = action.resources.iter().find(|resource| !service.resource_types.contains_key(&resource.kind));
        if let Some(resource) = missing {
            let action = format!("{prefix}:{name}");
            return Err(NotAReference::ResourceType { action, kind: resource.kind.clone() });
        }
    }
    Ok(())
}

fn is_word(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_arn(pattern: &str) -> bool {
    pattern.split(':').count() >= 6
        && pattern.starts_with("arn:${Partition}:")
        && !pattern.contains(char::is_whitespace)
}

fn check_keys<'k>(
    place: &str,
    keys: impl Iterator<Item = (&'k String, &'k String)> + Clone,
) -> Result<(), NotAReference> {
    check_names(place, keys.clone().map(|(name, _)| name), |name| {
        name.contains(':') && !name.contains(char::is_whitespace) && !name.contains('*')
    })?;
    for (key, kind) in keys {
        if !KEY_TYPES.contains(&kind.as_str()) {
            return Err(NotAReference::KeyType { key: key.clone(), kind: kind.clone() });
        }
    }
    Ok(())
}

/// Names have a form the text has a place for, and stay different when their case is ignored.
fn check_names<'n>(
    place: &str,
    names: impl Iterator<Item = &'n String> + Clone,
    fits: impl Fn(&str) -> bool,
) -> Result<(), NotAReference> {
    check_form(place, names.clone(), fits)?;
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.to_lowercase()) {
            return Err(NotAReference::Twice { place: place.to_owned(), name: name.clone() });
        }
    }
    Ok(())
}

fn check_form<'n>(
    place: &str,
    mut names: impl Iterator<Item = &'n String>,
    fits: impl Fn(&str) -> bool,
) -> Result<(), NotAReference> {
    names
        .find(|name| name.is_empty() || !fits(name))
        .map_or(Ok(()), |name| Err(NotAReference::Name { place: place.to_owned(), name: name.clone() }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A reference of one service, with the members given.
    fn with(actions: &str, types: &str, keys: &str) -> String {
        format!(
            r#"{{"source":{{"package":"p","version":"1","updatedAt":"2026-09-26T04:46:59Z","license":"MIT"}},
            "globalConditionKeys":{{}},"conditionPatterns":{{}},"unassociatedConditions":{{}},"rcpSupportedServices":[],
            "services":{{"kms":{{"name":"KMS","actions":{{{actions}}},"resourceTypes":{{{types}}},"conditionKeys":{{{keys}}}}}}}}}"#
        )
    }

    #[test]
    fn a_reference_is_read() {
        let json = with(
            r#""Decrypt":{"access":"Write","resources":[{"type":"key","required":true}]}"#,
            r#""key":{"arn":"arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"}"#,
            r#""kms:ViaService":"String""#,
        );
        let reference = Reference::read(&json).unwrap();
        assert_eq!(reference.date(), "2026-09-26");
        let decrypt = reference.services.get("kms").unwrap().actions.get("Decrypt").unwrap();
        assert!(decrypt.resources.first().unwrap().required && decrypt.condition_keys.is_empty());
    }

    #[test]
    fn a_reference_that_is_cut_off_is_refused_wherever_the_cut_is() {
        let json = with(r#""Decrypt":{"access":"Write"}"#, "", r#""kms:ViaService":"String""#);
        assert!(Reference::read(&json).is_ok());
        for end in 0..json.len() {
            assert!(matches!(Reference::read(json.get(..end).unwrap()), Err(NotAReference::Json(_))), "{end}");
        }
    }

    #[rstest]
    #[case::type_that_is_missing(
        r#""Decrypt":{"access":"Write","resources":[{"type":"key"}]}"#,
        "",
        "",
        "the action `kms:Decrypt` is on a `key`, which its service does not have"
    )]
    #[case::access(r#""Decrypt":{"access":"Wrote"}"#, "", "", "unknown variant `Wrote`")]
    #[case::member(r#""Decrypt":{"access":"Read","keys":[]}"#, "", "", "unknown field `keys`")]
    #[case::two_cases(
        r#""Decrypt":{"access":"Read"},"decrypt":{"access":"Read"}"#,
        "",
        "",
        "`kms` has `decrypt` twice"
    )]
    #[case::action_name(
        r#""De crypt":{"access":"Read"}"#,
        "",
        "",
        "`kms` has the name `De crypt`, which the catalog cannot hold"
    )]
    #[case::arn("", r#""key":{"arn":"key"}"#, "", "`kms` has the name `key`")]
    #[case::key_type(
        "",
        "",
        r#""kms:ViaService":"Text""#,
        "the condition key `kms:ViaService` has the type `Text`, which the catalog does not know"
    )]
    fn mistakes_are_found(#[case] actions: &str, #[case] types: &str, #[case] keys: &str, #[case] expected: &str) {
        let error = Reference::read(&with(actions, types, keys)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_reference_without_services_is_none() {
        let json =
            with("", "", "").replace(r#""kms":{"name":"KMS","actions":{},"resourceTypes":{},"conditionKeys":{}}"#, "");
        assert_eq!(Reference::read(&json).unwrap_err().to_string(), "it has no services");
    }
}
