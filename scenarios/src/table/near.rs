//! Which values are near those that a condition names?
//!
//! A condition that takes more than it did takes a value near one it took: in another Region, account or service, of
//! another type. Such values are what the versions of a policy are asked with, and the faults of `mutate`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use permitlab_evaluator::arn;
use permitlab_evaluator::catalog::services;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::condition::operator::Family;

use crate::measure::plain;

/// A Region that few policies name.
const OTHER_REGION: &str = "ap-south-1";

/// An account that few policies name.
const OTHER_ACCOUNT: &str = "999999999999";

/// What a pattern may hold that stands for something else.
const STAND_INS: [char; 3] = ['*', '?', '$'];

/// Whether the values of a condition are ones a request may have; those of `Null` are not.
pub(crate) fn is_compared(condition: &Condition) -> bool {
    condition.operator.base.family() != Family::Null
}

/// Whether a text matches more than itself.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(STAND_INS)
}

/// Values that are not this one: in another Region and account, of another type, and another altogether.
pub(crate) fn others(value: &str) -> Vec<String> {
    let Some([_, partition, service, region, account, resource]) = arn::split(value) else {
        return vec!["other".to_owned(), format!("{value}-other")];
    };
    let arn = |region: &str, account: &str, resource: &str| {
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    };
    let other_region = if region.is_empty() { "" } else { OTHER_REGION };
    let other_account = if account.is_empty() { "" } else { OTHER_ACCOUNT };
    vec![
        arn(other_region, account, resource),
        arn(region, other_account, resource),
        arn(region, account, &of_other_type(service, resource)),
        arn(region, account, &format!("{resource}-other")),
    ]
}

/// A resource of another type of the service: `model-customization-job/x` beside `evaluation-job/x`.
pub(crate) fn of_other_type(service: &str, resource: &str) -> String {
    let kind = |text: &str| text.split_once(['/', ':']).map(|(kind, _)| kind.to_owned());
    let own = kind(resource);
    let patterns = services::service(service).into_iter().flat_map(services::Service::resource_types);
    let patterns = patterns.flat_map(services::ResourceType::arn_patterns);
    let mut others = patterns.filter_map(|pattern| {
        let [.., resource] = arn::split(&pattern)?;
        let kind = kind(resource).filter(|kind| !is_pattern(kind))?;
        (Some(kind) != own).then(|| plain(resource))
    });
    others.next().unwrap_or_else(|| "other/other".to_owned())
}

/// A host of `kms:ViaService` that a pattern matches.
pub(crate) fn host(pattern: &str, region: &str) -> Option<String> {
    match pattern.split('.').collect::<Vec<_>>().as_slice() {
        ["*"] => Some(format!("s3.{region}.amazonaws.com")),
        [service, own, "amazonaws", "com"] => {
            let service = if is_pattern(service) { "s3" } else { service };
            let region = if is_pattern(own) { region } else { own };
            Some(format!("{service}.{region}.amazonaws.com"))
        }
        [service, "*"] if !is_pattern(service) => Some(format!("{service}.{region}.amazonaws.com")),
        [service, "*", "com"] if !is_pattern(service) => Some(format!("{service}.{region}.amazonaws.com")),
        ["*", "amazonaws", "com"] => Some(format!("s3.{region}.amazonaws.com")),
        _ => None,
    }
}

/// Hosts that are not this one: of the same service in another Region, and of other services in the same.
pub(crate) fn other_hosts(host: &str) -> Vec<String> {
    let (service, rest) = host.split_once('.').unwrap_or((host, ""));
    let region = rest.split('.').next().unwrap_or_default();
    let others = ["sqs", "dynamodb"].iter().find(|other| **other != service);
    let of_others = others.map(|other| format!("{other}.{region}.amazonaws.com"));
    std::iter::once(format!("{service}.{OTHER_REGION}.amazonaws.com")).chain(of_others).collect()
}

/// A value that a pattern matches. Wildcards for the fields of an ARN become a Region and an account.
pub(crate) fn example(pattern: &str, region: &str, account: &str) -> String {
    let Some([_, partition, service, own_region, own_account, resource]) = arn::split(pattern) else {
        return plain(pattern);
    };
    let or = |field: &str, other: &str| if is_pattern(field) { other.to_owned() } else { field.to_owned() };
    let (partition, service) = (or(partition, "aws"), plain(service));
    let (region, account) = (or(own_region, region), or(own_account, account));
    let resource = if resource == "*" { "x/x".to_owned() } else { plain(resource) };
    format!("arn:{partition}:{service}:{region}:{account}:{resource}")
}

/// A value that a pattern matches, and values near it.
pub(crate) fn around(pattern: &str, region: &str, account: &str) -> Vec<String> {
    let own = example(pattern, region, account);
    let mut others = others(&own);
    // What a wildcard at the end takes, it takes with more behind it.
    others.retain(|other| !pattern.ends_with('*') || !other.starts_with(&own));
    std::iter::once(own).chain(others).collect()
}

/// How many values of a condition have values near them that are asked, too: more would be like those.
const NEIGHBOURS: usize = 4;

/// Values that a condition takes, each first followed by values near it that it may not take.
pub(crate) fn values(condition: &Condition, region: &str, account: &str) -> Vec<String> {
    let operands = condition.operands.iter().map(|operand| operand.text.as_str()).enumerate();
    let near = |(index, operand): (usize, &str)| match condition.operator.base.family() {
        Family::String | Family::Arn if index < NEIGHBOURS => around(operand, region, account),
        Family::String | Family::Arn => vec![example(operand, region, account)],
        Family::Bool if operand.eq_ignore_ascii_case("true") => vec!["true".to_owned(), "false".to_owned()],
        Family::Bool => vec!["false".to_owned(), "true".to_owned()],
        Family::Numeric => {
            let number = operand.parse::<i64>().ok();
            let beside = number.into_iter().flat_map(|number| [number.saturating_sub(1), number.saturating_add(1)]);
            std::iter::once(operand.to_owned()).chain(beside.map(|each| each.to_string())).collect()
        }
        Family::Date => {
            vec![operand.to_owned(), "1970-01-01T00:00:00Z".to_owned(), "2999-01-01T00:00:00Z".to_owned()]
        }
        Family::Ip => {
            let ends = range(operand).into_iter().flatten().map(|address| address.to_string());
            ends.chain(["192.0.2.1".to_owned()]).collect()
        }
        Family::Binary => vec![operand.to_owned()],
        Family::Null => Vec::new(),
    };
    operands.flat_map(near).collect()
}

/// The first and the last address of a range.
fn range(text: &str) -> Option<[IpAddr; 2]> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let length = |most: u32| length.map_or(Some(most), |length| length.parse().ok()).filter(|length| *length <= most);
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let hosts = u32::MAX.checked_shr(length(32)?).unwrap_or(0);
            let bits = u32::from(address);
            Some([bits & !hosts, bits | hosts].map(|bits| IpAddr::V4(Ipv4Addr::from(bits))))
        }
        IpAddr::V6(address) => {
            let hosts = u128::MAX.checked_shr(length(128)?).unwrap_or(0);
            let bits = u128::from(address);
            Some([bits & !hosts, bits | hosts].map(|bits| IpAddr::V6(Ipv6Addr::from(bits))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_differ_in_one_thing() {
        assert_eq!(
            others("arn:aws:bedrock:us-east-1:111122223333:evaluation-job/a"),
            [
                "arn:aws:bedrock:ap-south-1:111122223333:evaluation-job/a".to_owned(),
                "arn:aws:bedrock:us-east-1:999999999999:evaluation-job/a".to_owned(),
                format!("arn:aws:bedrock:us-east-1:111122223333:{}", of_other_type("bedrock", "evaluation-job/a")),
                "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/a-other".to_owned(),
            ]
        );
        assert!(!of_other_type("bedrock", "evaluation-job/a").starts_with("evaluation-job"));
        assert_eq!(of_other_type("nothing", "a/b"), "other/other");
        assert_eq!(
            other_hosts("s3.us-east-1.amazonaws.com"),
            ["s3.ap-south-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"]
        );
    }

    #[test]
    fn a_range_has_two_ends() {
        let ends = |text: &str| range(text).map(|ends| ends.map(|end| end.to_string()));
        assert_eq!(ends("10.1.2.3/16"), Some(["10.1.0.0".to_owned(), "10.1.255.255".to_owned()]));
        assert_eq!(ends("10.1.2.3"), Some(["10.1.2.3".to_owned(), "10.1.2.3".to_owned()]));
        assert_eq!(
            ends("2001:db8::/32"),
            Some(["2001:db8::".to_owned(), "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".to_owned()])
        );
        assert_eq!(ends("10.1.2.3/64"), None);
    }

    #[test]
    fn patterns_have_examples() {
        let example = |pattern: &str| example(pattern, "eu-west-1", "111122223333");
        assert_eq!(
            example("arn:aws:bedrock:*:*:evaluation-job/*"),
            "arn:aws:bedrock:eu-west-1:111122223333:evaluation-job/x"
        );
        assert_eq!(example("team-*"), "team-x");
        assert_eq!(host("s3.*.amazonaws.com", "eu-west-1").as_deref(), Some("s3.eu-west-1.amazonaws.com"));
        assert_eq!(host("*", "eu-west-1").as_deref(), Some("s3.eu-west-1.amazonaws.com"));
    }
}
