//! What actions does a service have, on which resources, with which condition keys?
//!
//! The facts of AWS's service authorization reference for all services (R2.7, R2.8, R8.5). Names ignore case, as AWS's
//! do (R2.1). The facts are a text inside the program, of which only the services asked for are read; `cargo xtask
//! catalog` writes it.
//!
//! ```
//! use permitlab_evaluator::catalog::services::service;
//!
//! let decrypt = service("kms").unwrap().action("decrypt").unwrap();
//! assert_eq!(decrypt.name(), "Decrypt");
//! assert_eq!(decrypt.resources().next().unwrap().kind.name(), "key");
//! ```

mod data;
pub mod keys;
pub mod pattern;

use crate::action::ActionName;
use crate::arn::Arn;
use crate::glob::{self, Case, Token};
use data::{ActionLine, Block, CATALOG, ServiceLine, TypeLine};

/// A service.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    line: &'static ServiceLine,
}

/// An action of a service.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    service: Service,
    line: &'static ActionLine,
}

/// How far an action reaches, as AWS groups actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Finds out what there is.
    List,
    /// Looks.
    Read,
    /// Changes something.
    Write,
    /// Changes tags.
    Tagging,
    /// Changes permissions.
    PermissionsManagement,
}

/// A resource type of an action.
#[derive(Debug, Clone, Copy)]
pub struct ActionResource {
    /// The type.
    pub kind: ResourceType,
    /// Whether every call names such a resource.
    pub is_required: bool,
    action: Action,
}

/// A resource type of a service.
#[derive(Debug, Clone, Copy)]
pub struct ResourceType {
    line: &'static TypeLine,
}

/// The service of a prefix: `kms`.
pub fn service(prefix: &str) -> Option<Service> {
    CATALOG.service(prefix).map(|line| Service { line })
}

/// The prefixes of all services, in order.
pub fn prefixes() -> impl Iterator<Item = &'static str> + Clone {
    CATALOG.services().map(data::ServiceLine::prefix)
}

/// The action of a name; `None` if the catalog does not have it, or not its service.
pub fn action(name: &ActionName) -> Option<Action> {
    service(name.service())?.action(name.name())
}

/// The services whose resources RCPs reach (R5.6), in order.
pub fn rcp_supported_services() -> &'static [&'static str] {
    &CATALOG.general().rcp
}

impl Service {
    /// Its facts, read when first asked for.
    fn block(self) -> &'static Block {
        self.line.block()
    }

    /// Its prefix: `kms`.
    pub fn prefix(self) -> &'static str {
        self.line.prefix()
    }

    /// Its name for people: `AWS Key Management Service`.
    pub fn name(self) -> &'static str {
        self.line.name()
    }

    /// The action of a name.
    pub fn action(self, name: &str) -> Option<Action> {
        let line = data::find(&self.block().actions, name, |line| line.name)?;
        Some(Action { service: self, line })
    }

    /// Its actions by name.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        self.block().actions.iter().map(move |line| Action { service: self, line })
    }

    /// The resource type of a name.
    pub fn resource_type(self, name: &str) -> Option<ResourceType> {
        data::find(&self.block().types, name, |line| line.name).map(|line| ResourceType { line })
    }

    /// Its resource types by name.
    pub fn resource_types(self) -> impl Iterator<Item = ResourceType> {
        self.block().types.iter().map(|line| ResourceType { line })
    }

    /// Whether it has a resource of an ARN's form.
    pub fn has_resource(self, arn: &Arn) -> bool {
        self.resource_types().any(|kind| kind.matches(arn))
    }
}

impl Action {
    /// Its name without the service: `Decrypt`.
    pub fn name(self) -> &'static str {
        self.line.name
    }

    /// The service it belongs to.
    pub fn service(self) -> Service {
        self.service
    }

    /// How far it reaches.
    pub fn access(self) -> AccessLevel {
        self.line.access
    }

    /// The resource types it is authorized on (R2.7).
    pub fn resources(self) -> impl Iterator<Item = ActionResource> {
        let names = self.line.resources.split(", ").filter(|name| !name.is_empty());
        names.filter_map(move |name| {
            let plain = name.trim_end_matches('?');
            let kind = self.service.resource_type(plain)?;
            Some(ActionResource { kind, is_required: plain == name, action: self })
        })
    }

    /// Whether it has no resource, so that a policy must name `*` (R2.8).
    pub fn is_wildcard_only(self) -> bool {
        self.line.resources.is_empty()
    }

    /// Whether an ARN is one of a resource the action is authorized on.
    pub fn takes(self, arn: &Arn) -> bool {
        self.resources().any(|resource| resource.kind.matches(arn))
    }

    /// The condition keys of the action itself; a `*` is a part to fill, as in `aws:RequestTag/*`.
    pub fn condition_keys(self) -> impl Iterator<Item = &'static str> {
        let same = self.line.detail("as ").and_then(|name| self.service.action(name));
        let keys = same.map_or(self.line, |action| action.line).detail("with ");
        data::keys(keys.unwrap_or_default())
    }

    /// Actions that the caller needs as well: `iam:PassRole`.
    pub fn dependent_actions(self) -> impl Iterator<Item = &'static str> {
        self.line.detail("needs ").unwrap_or_default().split_ascii_whitespace()
    }
}

impl ActionResource {
    /// The condition keys of the type, and those that the action adds for it.
    pub fn condition_keys(&self) -> impl Iterator<Item = &'static str> {
        let own = self.action.line.resource_keys(self.kind.name());
        self.kind.condition_keys().chain(data::keys(own.unwrap_or_default()))
    }
}

impl ResourceType {
    /// Its name: `key`.
    pub fn name(self) -> &'static str {
        self.line.name
    }

    /// Its condition keys; a `*` is a part to fill, as in `aws:ResourceTag/*`.
    pub fn condition_keys(self) -> impl Iterator<Item = &'static str> {
        data::keys(self.line.keys)
    }

    /// The forms of its ARNs, mostly one: `arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}`.
    pub fn arn_patterns(self) -> impl Iterator<Item = String> {
        self.line.patterns.split(' ').map(|pattern| format!("arn:${{Partition}}:{pattern}"))
    }

    /// Whether an ARN is of one of its forms.
    pub fn matches(self, arn: &Arn) -> bool {
        self.line.patterns.split(' ').any(|pattern| fits(pattern, arn))
    }
}

/// Whether an ARN has the form of a pattern, which begins after the partition. As in a policy's `Resource`, the first
/// fields are compared one by one (R2.4).
fn fits(pattern: &str, arn: &Arn) -> bool {
    let [_, _, own @ ..] = arn.fields();
    let mut parts = pattern.splitn(own.len(), ':');
    own.into_iter().all(|own| parts.next().is_some_and(|part| fills(part, own)))
}

/// The name of a bucket, which has no slash in it: that is what tells a bucket from its objects.
const BUCKET: &str = "${BucketName}";

/// Whether a text is a field of a pattern with something in its parts to fill.
fn fills(part: &str, own: &str) -> bool {
    let is_object = part == BUCKET && own.contains('/');
    !is_object && glob::matches(&tokens(part), own, Case::Sensitive)
}

/// A field of a pattern as what it matches: a part to fill, `${KeyId}` or `*`, holds anything.
fn tokens(part: &str) -> Vec<Token<&str>> {
    let mut tokens = Vec::new();
    for (index, piece) in part.split("${").enumerate() {
        let text = if index == 0 { piece } else { piece.split_once('}').map_or("", |(_, after)| after) };
        if index > 0 {
            tokens.push(Token::AnyRun);
        }
        for (index, literal) in text.split('*').enumerate() {
            if index > 0 {
                tokens.push(Token::AnyRun);
            }
            tokens.push(Token::Literal(literal));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn an_action(name: &str) -> Action {
        action(&ActionName::parse(name).unwrap()).unwrap()
    }

    #[test]
    fn names_ignore_case_and_keep_it() {
        let kms = service("KMS").unwrap();
        assert_eq!((kms.prefix(), kms.name()), ("kms", "AWS Key Management Service"));
        assert_eq!(an_action("KMS:DECRYPT").name(), "Decrypt");
        assert_eq!(kms.resource_type("KEY").unwrap().name(), "key");
        assert!(service("kmz").is_none() && kms.action("ReEncrypt").is_none());
        assert!(service("sso").is_some() && service("sso-").is_none() && service("").is_none());
    }

    #[test]
    fn an_action_has_its_facts() {
        let alias = an_action("kms:CreateAlias");
        let resources: Vec<_> = alias.resources().map(|each| (each.kind.name(), each.is_required)).collect();
        assert_eq!(resources, [("alias", true), ("key", true)]);
        assert_eq!(alias.access(), AccessLevel::Write);
        assert_eq!(an_action("kms:CreateGrant").access(), AccessLevel::PermissionsManagement);
        assert_eq!(alias.condition_keys().collect::<Vec<_>>(), ["kms:CallerAccount", "kms:ViaService"]);
        assert_eq!(alias.service().prefix(), "kms");
        assert_eq!(alias.dependent_actions().count(), 0);
        assert!(an_action("s3:GetObject").resources().all(|resource| !resource.is_required));
    }

    #[test]
    fn a_list_of_keys_that_two_actions_share_belongs_to_both() {
        let keys = |name: &str| an_action(name).condition_keys().collect::<Vec<_>>();
        assert_eq!(keys("kms:GetPublicKey"), ["kms:CallerAccount", "kms:RequestAlias", "kms:ViaService"]);
        assert_eq!(keys("kms:GetPublicKey"), keys("kms:DescribeKey"));
    }

    #[test]
    fn a_resource_has_the_keys_of_its_type() {
        let key = an_action("kms:Decrypt").resources().next().unwrap();
        let keys: Vec<_> = key.condition_keys().collect();
        assert!(keys.contains(&"aws:ResourceTag/*") && keys.contains(&"kms:ResourceAliases"), "{keys:?}");
        let run = an_action("ec2:RunInstances");
        assert!(
            run.resources()
                .any(|each| each.kind.name() == "image" && each.condition_keys().any(|key| key == "ec2:Owner"))
        );
    }

    #[rstest]
    #[case("kms:ListKeys", true)]
    #[case("kms:GenerateRandom", true)]
    #[case("s3:ListAllMyBuckets", true)]
    #[case("sts:GetCallerIdentity", true)]
    #[case("kms:Decrypt", false)]
    #[case("s3:GetObject", false)]
    fn some_actions_have_no_resource(#[case] name: &str, #[case] expected: bool) {
        assert_eq!(an_action(name).is_wildcard_only(), expected);
    }

    #[rstest]
    #[case("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1234abcd", true)]
    #[case("kms:Decrypt", "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd", true)]
    #[case("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:alias/app", false)]
    #[case("kms:CreateAlias", "arn:aws:kms:us-east-1:111122223333:alias/app", true)]
    #[case("s3:GetObject", "arn:aws:s3:::bucket/a/b:c", true)]
    #[case("s3:GetObject", "arn:aws:s3:::bucket", false)]
    #[case("s3:GetObject", "arn:aws:s3:us-east-1:111122223333:accesspoint/ap/object/a", true)]
    #[case("s3:ListBucket", "arn:aws:s3:::bucket", true)]
    #[case("s3:ListBucket", "arn:aws:s3:::bucket/a", false)]
    #[case("s3:ListBucket", "arn:aws:sqs:us-east-1:111122223333:bucket", false)]
    #[case("sts:AssumeRole", "arn:aws:iam::111122223333:role/service-role/R", true)]
    #[case("iam:PassRole", "arn:aws:iam::111122223333:user/U", false)]
    #[case("iam:AttachRolePolicy", "arn:aws:iam::111122223333:role/R", true)]
    #[case("logs:PutLogEvents", "arn:aws:logs:us-east-1:111122223333:log-group:/a/b:log-stream:c", true)]
    #[case("apigateway:GET", "arn:aws:apigateway:us-east-1::/restapis/abc/authorizers/def", true)]
    #[case("artifact:AcceptAgreement", "arn:aws:artifact:::agreement/a/b", true)]
    #[case("kms:ListKeys", "arn:aws:kms:us-east-1:111122223333:key/1234abcd", false)]
    fn actions_take_resources_of_their_types(#[case] name: &str, #[case] arn: &str, #[case] expected: bool) {
        assert_eq!(an_action(name).takes(&Arn::parse(arn).unwrap()), expected);
    }

    #[test]
    fn a_type_shows_its_arn() {
        let key = service("kms").unwrap().resource_type("key").unwrap();
        let patterns: Vec<_> = key.arn_patterns().collect();
        assert_eq!(patterns, ["arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}"]);
        let foreign = Arn::parse("arn:aws:s3:::bucket").unwrap();
        assert!(!service("kms").unwrap().has_resource(&foreign) && service("s3").unwrap().has_resource(&foreign));
    }

    #[test]
    fn rcps_reach_services_of_the_catalog() {
        assert!(rcp_supported_services().is_sorted() && rcp_supported_services().contains(&"kms"));
    }
}
