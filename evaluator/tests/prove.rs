//! What does a change of the documented policies let anybody do?

#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test cannot set up fails it")]

use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::policy::{self, Document, Policy, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{Budget, Comparison, Elsewhere, Gains, Unlooked};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::Role;
use permitlab_evaluator::world::kms::KmsKey;
use permitlab_evaluator::world::network::Endpoint;
use permitlab_evaluator::world::organization::{Controls, Member, Organization, Unit};
use permitlab_evaluator::world::s3::Bucket;
use rstest::rstest;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const ROOT: &str = r#"{"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*", "Resource": "*"}"#;

const BEDROCK: &str = r#"{"Sid": "Bedrock", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
    "Action": ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"], "Resource": "*",
    "Condition": {"StringLike": {
        "kms:EncryptionContext:evaluationJobArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*",
        "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*"}}}"#;

/// What the repaired key policy has beside: a DescribeKey that can be used, as it carries no encryption context.
const DESCRIBE: &str = r#"{"Sid": "Describe", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
    "Action": "kms:DescribeKey", "Resource": "*",
    "Condition": {"StringLike": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*"}}}"#;

const ROLE: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "ThroughS3", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*",
     "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}},
    {"Sid": "Describe", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"}]}"#;

fn policy(name: &str, text: &str, kind: PolicyType) -> Arc<Policy> {
    let mut sources = SourceMap::new();
    let id = sources.add(name, text).unwrap();
    let document = Document::read(name, id, text).unwrap();
    let parsed = policy::parse(&document, kind);
    Arc::new(parsed.policy.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)))
}

fn world(key_policy: &[&str], role_policy: &str) -> World {
    let key_policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, key_policy.join(", "));
    let account = AccountId::parse("111122223333").unwrap();
    let Ok(Principal::RoleSession { role: identity, .. }) =
        Principal::parse("arn:aws:iam::111122223333:role/eval-service")
    else {
        panic!("a role")
    };
    let policies = [policy("role", role_policy, PolicyType::Identity)].into_iter().collect();
    World {
        roles: vec![Role { identity, policies, boundary: None, trust: None, tags: None }],
        keys: vec![KmsKey::new(Arn::parse(KEY).unwrap(), account, policy("key", &key_policy, PolicyType::Key))],
        ..World::default()
    }
}

fn gains(before: &World, after: &World) -> Gains {
    Comparison::new(before, after, Budget::default()).all()
}

/// A verdict, as `prove` puts it.
fn verdict(before: &World, after: &World) -> &'static str {
    let (gained, lost) = (gains(before, after), gains(after, before));
    assert!(gained.unknown.is_empty() && lost.unknown.is_empty(), "{:?} {:?}", gained.unknown, lost.unknown);
    match (gained.witnesses.is_empty(), lost.witnesses.is_empty()) {
        (true, true) => "equal",
        (true, false) => "narrower",
        (false, true) => "wider",
        (false, false) => "incomparable",
    }
}

#[rstest]
#[case::reordered(&[BEDROCK.to_owned(), ROOT.to_owned()], "equal")]
#[case::job_type_widened(&[ROOT.to_owned(), BEDROCK.replace("evaluation-job/*", "*")], "wider")]
#[case::source_arn_of_other_types(&[ROOT.to_owned(), BEDROCK.replace(r#""aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*""#, r#""aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:*""#)], "wider")]
#[case::source_arn_dropped(&[ROOT.to_owned(), BEDROCK.replace(r#",
        "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*""#, "")], "wider")]
#[case::second_region(&[ROOT.to_owned(), BEDROCK.replace(r#""arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*""#,
    r#"["arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*", "arn:aws:bedrock:eu-west-1:111122223333:evaluation-job/*"]"#)], "wider")]
#[case::deny_added(&[ROOT.to_owned(), BEDROCK.to_owned(), r#"{"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:SourceAccount": "111122223333"}}}"#.to_owned()], "narrower")]
#[case::like_made_equals(&[ROOT.to_owned(), BEDROCK.replace("StringLike", "StringEquals")], "narrower")]
#[case::repaired(&[ROOT.to_owned(), BEDROCK.replace(r#", "kms:DescribeKey"]"#, "]"), DESCRIBE.to_owned()], "wider")]
#[case::delegation_removed(&[BEDROCK.to_owned()], "narrower")]
#[case::other_account(&[ROOT.to_owned(), BEDROCK.to_owned(), ROOT.replace("111122223333", "444455556666").replace("Root", "Other")], "wider")]
#[case::other_job_type_instead(&[ROOT.to_owned(), BEDROCK.replace("evaluation-job", "model-customization-job")], "incomparable")]
fn changes_of_the_key_policy(#[case] after: &[String], #[case] expected: &str) {
    let after: Vec<&str> = after.iter().map(String::as_str).collect();
    assert_eq!(verdict(&world(&[ROOT, BEDROCK], ROLE), &world(&after, ROLE)), expected);
}

#[rstest]
#[case::same(ROLE.to_owned(), "equal")]
#[case::region(ROLE.replace("s3.us-east-1", "s3.us-west-2"), "incomparable")]
#[case::any_region(ROLE.replace("StringEquals", "StringLike").replace("s3.us-east-1", "s3.*"), "wider")]
#[case::describe_dropped(ROLE.replace("kms:DescribeKey", "kms:ListKeys"), "narrower")]
#[case::all_of_kms(ROLE.replace("kms:DescribeKey", "kms:*"), "wider")]
fn changes_of_the_role_policy(#[case] after: String, #[case] expected: &str) {
    assert_eq!(verdict(&world(&[ROOT, BEDROCK], ROLE), &world(&[ROOT, BEDROCK], &after)), expected);
}

/// What a variable stands for is not known, and has no wildcards (R4.14): to be like it is to equal it, and not to be like it
/// is the opposite.
#[rstest]
#[case::like(&[("Allow", "StringLike")], &[("Allow", "StringEquals")], "equal")]
#[case::not_like(&[("Allow", "StringNotLike")], &[("Allow", "StringNotEquals")], "equal")]
#[case::opposites(&[("Allow", "StringLike"), ("Deny", "StringNotEquals")], &[("Allow", "StringLike")], "equal")]
#[case::denied(&[("Allow", "StringLike")], &[("Allow", "StringLike"), ("Deny", "StringEquals")], "narrower")]
#[case::opposite_allowed(&[("Allow", "StringLike")], &[("Allow", "StringNotLike")], "incomparable")]
fn a_condition_hangs_on_a_variable(
    #[case] before: &[(&str, &str)],
    #[case] after: &[(&str, &str)],
    #[case] expected: &str,
) {
    let role = |statements: &[(&str, &str)]| {
        let statement = |(effect, operator): &(&str, &str)| {
            format!(
                r#"{{"Effect": "{effect}", "Action": "kms:Decrypt", "Resource": "*",
                    "Condition": {{"{operator}": {{"aws:SourceIdentity": "${{aws:PrincipalTag/owner}}"}}}}}}"#
            )
        };
        let statements: Vec<String> = statements.iter().map(statement).collect();
        format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", "))
    };
    let world = |statements| world(&[ROOT, BEDROCK], &role(statements));
    assert_eq!(verdict(&world(before), &world(after)), expected);
}

#[test]
fn a_statement_may_be_split() {
    let other = BEDROCK.replace(
        r#"["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]"#,
        r#"["kms:GenerateDataKey", "kms:Decrypt"]"#,
    );
    let describe = BEDROCK
        .replace(r#"["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]"#, r#""kms:DescribeKey""#)
        .replace(r#""Sid": "Bedrock""#, r#""Sid": "Two""#);
    assert_eq!(verdict(&world(&[ROOT, BEDROCK], ROLE), &world(&[&describe, ROOT, &other], ROLE)), "equal");
}

/// An Allow for the role, if the conditions hold.
fn encrypt_if(conditions: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111122223333:role/eval-service"}},
            "Action": "kms:Encrypt", "Resource": "*", "Condition": {conditions}}}"#
    )
}

#[rstest]
#[case::number(r#"{"Null": {"aws:MultiFactorAuthAge": "false"}}"#)]
#[case::date(r#"{"Null": {"aws:CurrentTime": "false"}}"#)]
#[case::arn(r#"{"Null": {"aws:SourceVpcArn": "false"}}"#)]
#[case::address(r#"{"Null": {"aws:Ec2InstanceSourcePrivateIPv4": "false"}}"#)]
fn a_key_of_any_type_may_be_there(#[case] conditions: &str) {
    let before = world(&[ROOT, BEDROCK], ROLE);
    assert_eq!(verdict(&before, &world(&[ROOT, BEDROCK, &encrypt_if(conditions)], ROLE)), "wider");
}

/// Whatever the time is, the Deny does not apply: its operand is no number.
#[test]
fn an_operand_that_cannot_be_read_leaves_values() {
    let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"NumericGreaterThanIfExists": {"aws:EpochTime": "17803*"}}}"#;
    let allow = encrypt_if(r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    assert_eq!(verdict(&world(&[ROOT, deny], ROLE), &world(&[ROOT, deny, &allow], ROLE)), "wider");
}

#[test]
fn an_endpoint_policy_may_name_a_session() {
    let with_endpoint = |condition: &str| {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {{"AWS": "arn:aws:sts::111122223333:assumed-role/eval-service/nightly"}}{condition}}}]}}"#
        );
        let account = AccountId::parse("111122223333").unwrap();
        let policy = Some(policy("endpoint", &text, PolicyType::VpcEndpoint));
        let endpoints = vec![Endpoint { id: "vpce-0a1b2c3d".into(), account, vpc: None, policy }];
        World { endpoints, ..world(&[ROOT, BEDROCK], ROLE) }
    };
    let limited = with_endpoint(r#", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#);
    assert_eq!(verdict(&limited, &with_endpoint("")), "wider");
}

/// What the own policies of callers newly let through where no version states the resource: who, and which actions.
fn elsewhere(before: &World, after: &World) -> Vec<String> {
    let comparison = Comparison::new(before, after, Budget::default());
    let all = (0..comparison.callers()).map(|caller| comparison.elsewhere(caller));
    let mut told = Vec::new();
    for Elsewhere { gains, unknown } in all {
        assert!(unknown.is_empty(), "{unknown:?}");
        told.extend(gains.iter().map(|gain| {
            let who = gain.caller.to_string();
            let actions: Vec<String> = gain.actions.iter().map(ToString::to_string).collect();
            format!("{} {} on {}", who.rsplit('/').nth(1).unwrap_or(&who), actions.join(" "), gain.resource)
        }));
    }
    told
}

const KEYS: &str = "arn:aws:kms:us-east-1:111122223333:key/";

#[rstest]
#[case::same(ROLE.to_owned(), &[])]
#[case::less(ROLE.replace("kms:DescribeKey", "kms:ListKeys").replace("[\"kms:Decrypt\", \"kms:GenerateDataKey\"]", "\"kms:Decrypt\""), &["eval-service kms:ListKeys on arn:aws:kms:us-east-1:000000000000:example"])]
#[case::queue(ROLE.replace("kms:DescribeKey", "sqs:SendMessage"), &["eval-service sqs:SendMessage on arn:aws:sqs:us-east-1:999999999999:example"])]
#[case::of_two_services(
    ROLE.replace("\"kms:DescribeKey\", \"Resource\": \"*\"", "[\"sqs:SendMessage\", \"s3:GetObject\"], \"Resource\": \"arn:aws:s3:::data/*\""),
    &["eval-service s3:GetObject on arn:aws:s3:::data/example"]
)]
#[case::stated_key(ROLE.replace("kms:DescribeKey\", \"Resource\": \"*\"", &format!("kms:Encrypt\", \"Resource\": \"{KEY}\"")), &[])]
#[case::other_keys(
    ROLE.replace("kms:DescribeKey\", \"Resource\": \"*\"", &format!("kms:Encrypt\", \"Resource\": \"{KEYS}*\"")),
    &["eval-service kms:Encrypt on arn:aws:kms:us-east-1:111122223333:key/example"]
)]
fn own_policies_reach_further_than_a_world(#[case] after: String, #[case] expected: &[&str]) {
    assert_eq!(elsewhere(&world(&[ROOT, BEDROCK], ROLE), &world(&[ROOT, BEDROCK], &after)), expected);
}

#[test]
fn a_boundary_limits_what_own_policies_reach() {
    let bounded = |role: &str, boundary: &str| {
        let mut world = world(&[ROOT, BEDROCK], role);
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "{boundary}", "Resource": "*"}}]}}"#
        );
        for role in &mut world.roles {
            role.boundary = Some(policy("boundary", &text, PolicyType::Boundary));
        }
        world
    };
    let wider = ROLE.replace("kms:DescribeKey", "sqs:SendMessage");
    assert!(elsewhere(&bounded(ROLE, "kms:*"), &bounded(&wider, "kms:*")).is_empty());
    assert_eq!(elsewhere(&bounded(&wider, "kms:*"), &bounded(&wider, "*")).len(), 1);
    assert!(elsewhere(&bounded(&wider, "*"), &bounded(&wider, "kms:*")).is_empty());
}

/// What only a key of another kind takes is asked of it.
#[test]
fn a_key_may_become_one_of_another_kind() {
    let sign = encrypt_if(r#"{"Bool": {"aws:SecureTransport": "true"}}"#).replace("kms:Encrypt", "kms:Sign");
    let of_kind = |spec: &str, usage: &str| {
        let mut world = world(&[ROOT, &sign], ROLE);
        for key in &mut world.keys {
            (key.spec, key.usage) = (spec.into(), usage.into());
        }
        world
    };
    let (symmetric, signing) = (of_kind("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), of_kind("RSA_2048", "SIGN_VERIFY"));
    let asked = |before: &World, after: &World| Comparison::new(before, after, Budget::default()).asked().calls;
    assert_eq!(asked(&symmetric, &signing), asked(&signing, &symmetric));
    assert!(asked(&symmetric, &signing) > asked(&symmetric, &symmetric));
}

/// With the role tagged as one of this team.
fn of_team(team: &str, world: &World) -> World {
    let mut world = world.clone();
    for role in &mut world.roles {
        role.tags = Some([("team".to_owned(), team.to_owned())].into());
    }
    world
}

/// Where own policies hang on tags that change, nothing is said of what they let through, and nothing else is silent.
#[rstest]
#[case::its_own_tag("aws:PrincipalTag/team", &["s3:GetObject"])]
#[case::another_tag("aws:PrincipalTag/owner", &[])]
#[case::another_key("aws:SourceVpc", &[])]
fn own_policies_may_hang_on_tags(#[case] key: &str, #[case] expected: &[&str]) {
    let role = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
            "Condition": {{"StringEquals": {{"{key}": "ml"}}}}}}}}"#
    );
    let world = world(&[ROOT, BEDROCK], &role);
    let (before, after) = (of_team("web", &world), of_team("ml", &world));
    let comparison = Comparison::new(&before, &after, Budget::default());
    let all: Vec<Elsewhere> = (0..comparison.callers()).map(|caller| comparison.elsewhere(caller)).collect();
    let unknown: Vec<&str> = all.iter().flat_map(|own| &own.unknown).map(|own| own.action.as_str()).collect();
    assert_eq!(unknown, expected);
    assert!(all.iter().all(|own| own.gains.is_empty()));
}

/// What a role is not tagged with, its sessions are not.
#[rstest]
#[case::its_own_tag("team", 1)]
#[case::another_tag("owner", 0)]
fn own_policies_see_the_tags_there_are(#[case] tag: &str, #[case] expected: usize) {
    let tagged = format!(
        r#""sqs:SendMessage", "Resource": "*", "Condition": {{"StringEquals": {{"aws:PrincipalTag/{tag}": "web"}}}}"#
    );
    let [before, after] = [ROLE.to_owned(), ROLE.replace("\"kms:DescribeKey\", \"Resource\": \"*\"", &tagged)]
        .map(|role| of_team("web", &world(&[ROOT, BEDROCK], &role)));
    assert_eq!(elsewhere(&before, &after).len(), expected);
}

#[test]
fn a_bucket_whose_policy_hangs_on_tags_and_one_of_another_owner_are_named() {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#,
        READ.replace('}', r#", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "ml"}}}"#)
    );
    let own = policy("bucket", &text, PolicyType::Resource);
    let of = |account: &str, team: &str| {
        let account = AccountId::parse(account).unwrap();
        let bucket = Bucket { name: "data".into(), account, policy: Some(Arc::clone(&own)) };
        of_team(team, &World { buckets: vec![bucket], ..world(&[ROOT, BEDROCK], ROLE) })
    };
    let unlooked = |before: &World, after: &World| Comparison::new(before, after, Budget::default()).unlooked();
    let ours = of("111122223333", "web");
    assert_eq!(unlooked(&ours, &ours), []);
    assert_eq!(unlooked(&ours, &of("111122223333", "ml")), [Unlooked::Resource("arn:aws:s3:::data".into())]);
    assert_eq!(unlooked(&ours, &of("444455556666", "web")), [Unlooked::Owner("arn:aws:s3:::data".into())]);
}

/// Of a role whose trust policy is not stated nobody knows who may assume it.
#[test]
fn a_trust_policy_that_is_stated_no_more_is_named() {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}"#;
    let unstated = world(&[ROOT, BEDROCK], ROLE);
    let mut stated = unstated.clone();
    for role in &mut stated.roles {
        role.trust = Some(policy("trust", text, PolicyType::Trust));
    }
    let unlooked = |before: &World, after: &World| Comparison::new(before, after, Budget::default()).unlooked();
    let named = [Unlooked::Trust("arn:aws:iam::111122223333:role/eval-service".into())];
    assert_eq!(unlooked(&stated, &unstated), named);
    assert_eq!(unlooked(&unstated, &stated), []);
}

/// All ways of a gain are told in the reading in which it is one.
#[test]
fn what_is_gained_in_another_reading_is_gained_in_some_way() {
    let by_id =
        |operator: &str| encrypt_if(&format!(r#"{{"{operator}": {{"aws:SourceIdentity": "arn:aws:iam::*:user/x"}}}}"#));
    let (before, after) = (world(&[ROOT, &by_id("ArnNotLike")], ROLE), world(&[ROOT, &by_id("StringNotLike")], ROLE));
    let comparison = Comparison::new(&before, &after, Budget::default());
    let gains = comparison.all();
    let rests: Vec<_> = gains.witnesses.iter().filter(|witness| !witness.rests_on.is_empty()).collect();
    assert!(!rests.is_empty());
    assert!(rests.iter().all(|witness| comparison.gained(witness).is_none_or(|ways| !ways.is_empty())));
}

const READ: &str =
    r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}"#;
const NO_DELETE: &str =
    r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::data/*"}"#;

/// Policies of buckets are not compared: only where they allow no more and deny no less is it known that nobody gains.
#[rstest]
#[case::same(&[READ, NO_DELETE], &[NO_DELETE, READ], false)]
#[case::allows_less(&[READ, NO_DELETE], &[NO_DELETE], false)]
#[case::denies_more(&[READ], &[READ, NO_DELETE], false)]
#[case::denies_less(&[READ, NO_DELETE], &[READ], true)]
#[case::allows_more(&[NO_DELETE], &[READ, NO_DELETE], true)]
#[case::new(&[], &[READ], true)]
#[case::gone(&[READ], &[], false)]
fn a_bucket_that_could_let_more_through_is_named(
    #[case] before: &[&str],
    #[case] after: &[&str],
    #[case] expected: bool,
) {
    let of = |statements: &[&str]| {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", "));
        let own = (!statements.is_empty()).then(|| policy("bucket", &text, PolicyType::Resource));
        let account = AccountId::parse("111122223333").unwrap();
        let bucket = Bucket { name: "data".into(), account, policy: own };
        World { buckets: vec![bucket], ..world(&[ROOT, BEDROCK], ROLE) }
    };
    let (before, after) = (of(before), of(after));
    let comparison = Comparison::new(&before, &after, Budget::default());
    let named = [Unlooked::Resource("arn:aws:s3:::data".into())];
    assert_eq!(comparison.unlooked(), if expected { &named[..] } else { &[] });
}

#[test]
fn an_endpoint_and_rcps_that_could_let_more_through_are_named() {
    let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}"#;
    let all = r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    let of = |kind: PolicyType, statements: &[&str]| {
        policy("own", &format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", ")), kind)
    };
    let account = AccountId::parse("111122223333").unwrap();
    let through = |statements: Option<&[&str]>| {
        let policy = statements.map(|statements| of(PolicyType::VpcEndpoint, statements));
        let endpoint = Endpoint { id: "vpce-1".into(), account, vpc: None, policy };
        World { endpoints: vec![endpoint], ..world(&[ROOT, BEDROCK], ROLE) }
    };
    let unlooked = |before: &World, after: &World| Comparison::new(before, after, Budget::default()).unlooked();
    let endpoint = [Unlooked::Endpoint("vpce-1".into())];
    assert_eq!(unlooked(&through(Some(&[all, deny])), &through(Some(&[all]))), endpoint);
    assert_eq!(unlooked(&through(Some(&[all, deny])), &through(None)), endpoint);
    assert_eq!(unlooked(&through(Some(&[all])), &through(Some(&[all, deny]))), []);

    let other = deny.replace("s3:GetObject", "s3:PutObject");
    let within = |statements: &[&str]| {
        let rcps = [of(PolicyType::ResourceControl, statements)].into_iter().collect();
        let root = Unit { path: "root".into(), controls: Controls { rcps, ..Controls::default() } };
        let member = Member { account, unit: "root".into(), controls: Controls::default() };
        let management_account = AccountId::parse("999988887777").unwrap();
        let organization =
            Organization { id: "o-exampleorg1".into(), management_account, units: vec![root], accounts: vec![member] };
        World { organization: Some(organization), ..world(&[ROOT, BEDROCK], ROLE) }
    };
    assert_eq!(unlooked(&within(&[&other, deny]), &within(&[&other])), [Unlooked::Rcps("111122223333".into())]);
    assert_eq!(unlooked(&within(&[&other]), &within(&[&other, deny])), []);
}
