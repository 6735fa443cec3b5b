//! How is a service reference written down for the engine?
//!
//! A line for each fact, in order of name. Its form is described where it is read, in
//! `evaluator/src/catalog/services/data.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::reference::{Access, Action, GlobalKey, NotAReference, Reference, Service};

/// How every ARN begins, which the text leaves out.
const ARN: &str = "arn:${Partition}:";

/// One word for each of the keys that most actions have. Other keys have a colon in them.
const SHORT: [(&str, &str); 3] =
    [("tag", "aws:ResourceTag/*"), ("request-tag", "aws:RequestTag/*"), ("tag-keys", "aws:TagKeys")];

/// The text of a service reference.
///
/// # Errors
/// A condition key with two parts to fill, for which the text has no form.
pub fn render(reference: &Reference) -> Result<String, NotAReference> {
    let mut text = head(reference);
    for (name, key) in by_name(&reference.global_condition_keys) {
        let _ = writeln!(text, "key {} {}", key_pattern(name)?, key.kind);
    }
    for (word, key) in SHORT {
        let _ = writeln!(text, "short {word} {key}");
    }
    for (prefix, services) in foreign(&reference.services)? {
        let services: Vec<_> = services.into_iter().collect();
        let _ = writeln!(text, "prefix {prefix} {}", services.join(" "));
    }
    for service in &reference.rcp_supported_services {
        let _ = writeln!(text, "rcp {service}");
    }
    for (prefix, service) in &reference.services {
        let block = block(service, &reference.global_condition_keys)?;
        let lines = format!("{prefix} {}\n{block}", service.name);
        let _ = write!(text, "service {} {lines}", lines.len());
    }
    Ok(text)
}

fn head(reference: &Reference) -> String {
    let source = &reference.source;
    format!(
        "# Facts of AWS services: their actions, resource types and condition keys.\n\
         # Written by `cargo xtask catalog`, not by hand; evaluator/src/catalog/services/data.rs tells how to read it.\n\
         # Facts only, of the AWS service authorization reference, data of {}, through the package\n\
         # {} {} (licence of the package: {}).\n",
        reference.date(),
        source.package,
        source.version,
        source.license,
    )
}

/// Prefixes of condition keys that are not those of the service they belong to: `saml` of STS.
fn foreign(services: &BTreeMap<String, Service>) -> Result<BTreeMap<String, BTreeSet<&str>>, NotAReference> {
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (service, facts) in services {
        for name in facts.condition_keys.keys() {
            let pattern = key_pattern(name)?;
            let prefix = pattern.split(':').next().unwrap_or_default();
            let is_listed_there = services.get(prefix).is_some_and(|own| own.condition_keys.contains_key(name));
            if prefix != service && prefix != "aws" && !is_listed_there {
                found.entry(prefix.to_owned()).or_default().insert(service);
            }
        }
    }
    Ok(found)
}

/// The lines of one service.
fn block(service: &Service, global: &BTreeMap<String, GlobalKey>) -> Result<String, NotAReference> {
    let mut text = keys(service, global)?;
    for (name, kind) in by_name(&service.resource_types) {
        let arns: Vec<_> = kind.arn.split(", ").map(|arn| arn.trim_start_matches(ARN)).collect();
        let _ = writeln!(text, "type {name}: {}", arns.join(" "));
        let keys = key_patterns(&kind.condition_keys)?;
        if !keys.is_empty() {
            let _ = writeln!(text, "  with {}", joined(&keys));
        }
    }
    let mut seen: BTreeMap<BTreeSet<String>, &str> = BTreeMap::new();
    for (name, action) in by_name(&service.actions) {
        text.push_str(&action_line(name, action));
        for detail in details(name, action, service, &mut seen)? {
            let _ = writeln!(text, "  {detail}");
        }
    }
    Ok(text)
}

/// The lines of a service's condition keys. A global key has its type already.
fn keys(service: &Service, global: &BTreeMap<String, GlobalKey>) -> Result<String, NotAReference> {
    let global: BTreeSet<_> = global.keys().map(|name| key_pattern(name)).collect::<Result<_, _>>()?;
    let placed = placed_keys(service)?;
    let mut keys = BTreeMap::new();
    for (name, kind) in &service.condition_keys {
        let pattern = key_pattern(name)?;
        keys.entry(pattern.to_lowercase()).or_insert((pattern, kind));
    }
    let mut text = String::new();
    for (pattern, kind) in keys.into_values() {
        let anywhere = if placed.contains(&pattern) { "" } else { " anywhere" };
        if !global.contains(&pattern) || !anywhere.is_empty() {
            let _ = writeln!(text, "key {pattern} {kind}{anywhere}");
        }
    }
    Ok(text)
}

/// The condition keys that an action or a resource type lists. Of the others nobody says where they belong.
fn placed_keys(service: &Service) -> Result<BTreeSet<String>, NotAReference> {
    let actions = service.actions.values();
    let of_resources = actions.clone().flat_map(|action| &action.resources).map(|resource| &resource.condition_keys);
    let of_types = service.resource_types.values().map(|kind| &kind.condition_keys);
    let lists = actions.map(|action| &action.condition_keys).chain(of_resources).chain(of_types);
    lists.flatten().map(|name| key_pattern(name)).collect()
}

fn action_line(name: &str, action: &Action) -> String {
    let access = match action.access {
        Access::Read => 'R',
        Access::List => 'L',
        Access::Write => 'W',
        Access::Tagging => 'T',
        Access::Permissions => 'P',
    };
    let mut resources: Vec<_> = action.resources.iter().collect();
    resources.sort_by_key(|resource| resource.kind.to_lowercase());
    let mark = |required: bool| if required { "" } else { "?" };
    let types: Vec<_> =
        resources.iter().map(|resource| format!("{}{}", resource.kind, mark(resource.required))).collect();
    let gap = if types.is_empty() { "" } else { " " };
    format!(" {name} {access}{gap}{}\n", types.join(", "))
}

/// What an action says beyond its first line. A list of keys that an action before it has too is not repeated.
fn details<'s>(
    name: &'s str,
    action: &Action,
    service: &Service,
    seen: &mut BTreeMap<BTreeSet<String>, &'s str>,
) -> Result<Vec<String>, NotAReference> {
    let mut details = Vec::new();
    let keys = key_patterns(&action.condition_keys)?;
    match seen.get(&keys) {
        Some(other) => details.push(format!("as {other}")),
        None if keys.is_empty() => {}
        None => {
            details.push(format!("with {}", joined(&keys)));
            if keys.len() > 2 {
                seen.insert(keys, name);
            }
        }
    }
    for resource in &action.resources {
        let own = service.resource_types.get(&resource.kind).map(|kind| key_patterns(&kind.condition_keys));
        let own = own.transpose()?.unwrap_or_default();
        let more: BTreeSet<_> = key_patterns(&resource.condition_keys)?.difference(&own).cloned().collect();
        if !more.is_empty() {
            details.push(format!("on {}: {}", resource.kind, joined(&more)));
        }
    }
    if !action.dependent_actions.is_empty() {
        details.push(format!("needs {}", action.dependent_actions.join(" ")));
    }
    Ok(details)
}

/// The entries of a map in the order in which the engine looks for them: by name, case ignored.
fn by_name<V>(map: &BTreeMap<String, V>) -> Vec<(&String, &V)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(name, _)| name.to_lowercase());
    entries
}

fn key_patterns(names: &[String]) -> Result<BTreeSet<String>, NotAReference> {
    names.iter().map(|name| key_pattern(name)).collect()
}

fn joined(keys: &BTreeSet<String>) -> String {
    keys.iter().map(|key| word(key)).collect::<Vec<_>>().join(" ")
}

fn word(key: &str) -> &str {
    SHORT.iter().find(|(_, long)| *long == key).map_or(key, |(word, _)| word)
}

/// A key with a `*` for its part to fill, which the reference writes as `${TagKey}`, `<key>`, `tag-key`, or leaves out
/// after a slash.
fn key_pattern(name: &str) -> Result<String, NotAReference> {
    let pattern = filled(&filled(name, "${", '}'), "<", '>');
    let pattern = match pattern.strip_suffix("/tag-key").or_else(|| pattern.strip_suffix('/')) {
        Some(family) => format!("{family}/*"),
        None => pattern,
    };
    let is_plain = pattern.matches('*').count() < 2 && !pattern.contains(['$', '<', '{']);
    let refusal = || NotAReference::Name { place: "a condition key".to_owned(), name: name.to_owned() };
    is_plain.then_some(pattern).ok_or_else(refusal)
}

/// The text with a `*` for the first part between `open` and `close`.
fn filled(text: &str, open: &str, close: char) -> String {
    let parts = text.split_once(open).and_then(|(before, rest)| Some((before, rest.split_once(close)?.1)));
    parts.map_or_else(|| text.to_owned(), |(before, after)| format!("{before}*{after}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("kms:ViaService", "kms:ViaService")]
    #[case("aws:RequestTag/${TagKey}", "aws:RequestTag/*")]
    #[case("s3:ExistingObjectTag/<key>", "s3:ExistingObjectTag/*")]
    #[case("ssm:resourceTag/tag-key", "ssm:resourceTag/*")]
    #[case("glacier:ResourceTag/", "glacier:ResourceTag/*")]
    #[case("events:Metadata/${Key}/Matcher", "events:Metadata/*/Matcher")]
    #[case("agent.${Domain}.buildkite.dev:step_key", "agent.*.buildkite.dev:step_key")]
    fn parts_to_fill_become_stars(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(key_pattern(name).unwrap(), expected);
    }

    #[test]
    fn a_key_with_two_parts_to_fill_is_refused() {
        let expected = "a condition key has the name `x:${A}/${B}`, which the catalog cannot hold";
        assert_eq!(key_pattern("x:${A}/${B}").unwrap_err().to_string(), expected);
    }

    const JSON: &str = r#"{"source":{"package":"p","version":"1","updatedAt":"2026-09-26T04:46:59Z","license":"MIT"},
        "globalConditionKeys":{"aws:SourceIp":{"type":"IPAddress","category":"network"}},
        "conditionPatterns":{},"unassociatedConditions":{},"rcpSupportedServices":["sts"],
        "services":{"sts":{"name":"AWS STS",
          "actions":{
            "Zip":{"access":"Read","conditionKeys":["sts:C","sts:A","saml:sub"],"dependentActions":["iam:PassRole"]},
            "assume":{"access":"Permissions management, Write","conditionKeys":["saml:sub","sts:A","sts:C"],
              "resources":[{"type":"user"},{"type":"role","required":true,"conditionKeys":["sts:A","sts:Own"]}]}},
          "resourceTypes":{"role":{"arn":"arn:${Partition}:iam::${Account}:role/${R}","conditionKeys":["sts:Own"]},
            "user":{"arn":"arn:${Partition}:iam::${Account}:user/${U}"}},
          "conditionKeys":{"sts:A":"Bool","sts:C":"String","saml:sub":"String","sts:Own":"ARN","sts:Lost":"Date"}}}}"#;

    #[test]
    fn a_reference_is_written_line_by_line() {
        let text = render(&Reference::read(JSON).unwrap()).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "key aws:SourceIp IPAddress",
            "short tag aws:ResourceTag/*",
            "short request-tag aws:RequestTag/*",
            "short tag-keys aws:TagKeys",
            "prefix saml sts",
            "rcp sts",
            "service 303 sts AWS STS",
            "key saml:sub String",
            "key sts:A Bool",
            "key sts:C String",
            "key sts:Lost Date anywhere",
            "key sts:Own ARN",
            "type role: iam::${Account}:role/${R}",
            "  with sts:Own",
            "type user: iam::${Account}:user/${U}",
            " assume P role, user?",
            "  with saml:sub sts:A sts:C",
            "  on role: sts:A",
            " Zip R",
            "  as assume",
            "  needs iam:PassRole",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_head_says_where_the_facts_come_from() {
        let text = render(&Reference::read(JSON).unwrap()).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(head.contains("data of 2026-09-26") && head.contains("p 1 (licence of the package: MIT)"), "{head}");
    }
}
