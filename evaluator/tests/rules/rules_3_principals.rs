//! Section 3 of the rules: whom an entry of `Principal` or `NotPrincipal` names.

use permitlab_evaluator::decision::Effect::{self, Allow, ExplicitDeny, ImplicitDeny};
use permitlab_evaluator::layer::Layer::{Identity, Resource};
use permitlab_evaluator::policy::PolicyType::{Key, Trust};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::truth::Rule;
use rstest::rstest;

use crate::support::{
    ALLOW_ALL, Answer, Call, R, ROOT, S, SESSION, U, allowed, denied, federated_session, not_allowed, report,
};

const ROOT_USER: &str = "arn:aws:iam::111111111111:root";
const BUCKET: &str = "arn:aws:s3:::b/x";

/// A statement about everything that names these principals.
fn statement(effect: &str, principal: &str) -> String {
    format!(r#"{{"Sid": "Named", "Effect": "{effect}", {principal}, "Action": "kms:*", "Resource": "*"}}"#)
}

/// A key policy that allows these principals, and nothing else.
fn key_allows(principal: &str) -> Call {
    Call::decrypt().key_policy(&[&statement("Allow", &format!(r#""Principal": {principal}"#))])
}

/// Everything is allowed, and the key policy denies these principals.
fn key_denies(principal: &str) -> Call {
    let everyone = r#"{"Sid": "Everyone", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    Call::decrypt().key_policy(&[everyone, &statement("Deny", principal)])
}

fn aws(entry: &str) -> String {
    format!(r#"{{"AWS": "{entry}"}}"#)
}

/// R3.1: an entry that names the caller itself, or the role of its session, grants directly.
#[rstest]
#[case::user(U, U)]
#[case::session(SESSION, SESSION)]
#[case::federated_user("arn:aws:sts::111111111111:federated-user/fed", "arn:aws:sts::111111111111:federated-user/fed")]
#[case::root_user(ROOT_USER, ROOT_USER)]
#[case::role_of_session(R, SESSION)]
#[case::everyone("*", SESSION)]
fn r3_1_direct_grants(#[case] entry: &str, #[case] caller: &str) {
    key_allows(&aws(entry)).by(caller).check(&allowed(Resource, "Named"));
}

/// R3.1: the service principal, and a federated session of the user that is named.
#[test]
fn r3_1_services_and_federated_sessions() {
    key_allows(r#"{"Service": "bedrock.amazonaws.com"}"#).by(S).check(&allowed(Resource, "Named"));
    key_allows(&aws(U)).by_principal(federated_session()).check(&allowed(Resource, "Named"));
    key_allows(&aws("arn:aws:iam::111111111111:user/alice"))
        .by_principal(federated_session())
        .check(&not_allowed(Resource));
}

/// R3.2: id and root ARN are the same: a delegation, and a direct grant to the root user only.
#[rstest]
#[case::id("111111111111")]
#[case::root_arn("arn:aws:iam::111111111111:root")]
fn r3_2_account(#[case] entry: &str) {
    let call = key_allows(&aws(entry));
    call.check(&not_allowed(Identity));
    call.clone().identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
    call.clone().by(U).check(&not_allowed(Identity));
    call.clone().by(ROOT_USER).check(&allowed(Resource, "Named"));
    call.by("arn:aws:iam::222222222222:root").check(&not_allowed(Resource));
}

/// R3.2: with Deny the account is all of its principals.
#[rstest]
#[case::session(SESSION, denied(Resource, "Named"))]
#[case::user(U, denied(Resource, "Named"))]
#[case::root_user(ROOT_USER, denied(Resource, "Named"))]
#[case::service(S, allowed(Resource, "Everyone"))]
fn r3_2_deny_of_an_account(#[case] caller: &str, #[case] expected: Answer) {
    key_denies(r#""Principal": {"AWS": "111111111111"}"#).by(caller).check(&expected);
}

/// R3.2: a condition on `aws:PrincipalArn` means the root user alone.
#[rstest]
#[case::root_user(ROOT_USER, denied(Resource, "Root"))]
#[case::session(SESSION, not_allowed(Identity))]
fn r3_2_root_user_by_condition(#[case] caller: &str, #[case] expected: Answer) {
    let deny = r#"{"Sid": "Root", "Effect": "Deny", "Principal": {"AWS": "111111111111"}, "Action": "kms:*",
        "Resource": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:root"}}}"#;
    Call::decrypt().by(caller).key_policy(&[ROOT, deny]).check(&expected);
}

/// R3.3: the exact ARN, its path and case included.
#[rstest]
#[case::same("arn:aws:iam::111111111111:user/team/bob", true)]
#[case::without_path("arn:aws:iam::111111111111:user/bob", false)]
#[case::other_case("arn:aws:iam::111111111111:user/team/Bob", false)]
#[case::other_account("arn:aws:iam::222222222222:user/team/bob", false)]
#[case::role_of_that_name("arn:aws:iam::111111111111:role/team/bob", false)]
fn r3_3_user(#[case] entry: &str, #[case] matches: bool) {
    let call = key_allows(&aws(entry)).by("arn:aws:iam::111111111111:user/team/bob");
    call.check(&if matches { allowed(Resource, "Named") } else { not_allowed(Resource) });
}

/// R3.4: a role ARN is every session of the role; a session ARN, which lacks the path, is one.
#[rstest]
#[case::role(R, "arn:aws:sts::111111111111:assumed-role/r/s", true)]
#[case::another_session(R, "arn:aws:sts::111111111111:assumed-role/r/t", true)]
#[case::role_with_path_by_its_arn(
    "arn:aws:iam::111111111111:role/service-role/X",
    "arn:aws:iam::111111111111:role/service-role/X",
    true
)]
#[case::role_path_is_not_in_the_session(
    "arn:aws:iam::111111111111:role/service-role/X",
    "arn:aws:sts::111111111111:assumed-role/X/s",
    true
)]
#[case::other_role(R, "arn:aws:sts::111111111111:assumed-role/q/s", false)]
#[case::role_in_another_case(R, "arn:aws:sts::111111111111:assumed-role/R/s", false)]
#[case::role_of_another_account(R, "arn:aws:sts::222222222222:assumed-role/r/s", false)]
#[case::session(SESSION, "arn:aws:sts::111111111111:assumed-role/r/s", true)]
#[case::session_of_another_name(SESSION, "arn:aws:sts::111111111111:assumed-role/r/t", false)]
#[case::session_in_another_case(SESSION, "arn:aws:sts::111111111111:assumed-role/r/S", false)]
fn r3_4_roles_and_sessions(#[case] entry: &str, #[case] caller: &str, #[case] matches: bool) {
    let answer = key_allows(&aws(entry)).by(caller).decide().effect;
    assert_eq!(answer, if matches { Allow } else { ImplicitDeny });
}

/// R3.5: wildcards inside a principal name nobody, and are reported.
#[rstest]
#[case::sessions("arn:aws:sts::111111111111:assumed-role/r/*")]
#[case::roles("arn:aws:iam::111111111111:role/*")]
#[case::one_character("arn:aws:iam::111111111111:role/app/?")]
#[case::accounts("arn:aws:iam::*:root")]
fn r3_5_no_globbing(#[case] entry: &str) {
    key_allows(&aws(entry)).check(&not_allowed(Resource));
    let text = format!(r#"{{"Statement": {}}}"#, statement("Allow", &format!(r#""Principal": {}"#, aws(entry))));
    assert_eq!(report(&text, Key), (vec![format!("warning principal-wildcard: {entry}")], true));
}

/// R3.5: patterns belong in a condition.
#[rstest]
#[case::covered("arn:aws:iam::111111111111:role/app/*", true)]
#[case::not_covered("arn:aws:iam::111111111111:role/web/*", false)]
fn r3_5_pattern_in_a_condition(#[case] pattern: &str, #[case] matches: bool) {
    let statement = format!(
        r#"{{"Sid": "Roles", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
            "Condition": {{"ArnLike": {{"aws:PrincipalArn": "{pattern}"}}}}}}"#
    );
    let call = Call::decrypt().key_policy(&[&statement]);
    call.check(&if matches { allowed(Resource, "Roles") } else { not_allowed(Resource) });
}

/// R3.6: both stars are everyone; that `{"AWS": "*"}` covers services is unsure.
#[rstest]
#[case::session(r#""*""#, SESSION, allowed(Resource, "Named"))]
#[case::service(r#""*""#, S, allowed(Resource, "Named"))]
#[case::session_of_aws_star(r#"{"AWS": "*"}"#, SESSION, allowed(Resource, "Named"))]
#[case::service_of_aws_star(
    r#"{"AWS": "*"}"#,
    S,
    allowed(Resource, "Named").unless(Rule::AwsStarCoversServices, ImplicitDeny)
)]
#[case::service_named_beside_aws_star(
    r#"{"AWS": "*", "Service": "bedrock.amazonaws.com"}"#,
    S,
    allowed(Resource, "Named")
)]
fn r3_6_everyone(#[case] principal: &str, #[case] caller: &str, #[case] expected: Answer) {
    key_allows(principal).by(caller).check(&expected);
}

/// R3.6: KMS serves nobody unsigned; S3 may.
#[test]
fn r3_6_unsigned_calls() {
    key_allows(r#""*""#).by("*").check(&not_allowed(Resource));
}

/// R3.6: across accounts a star still needs the caller's own policies.
#[test]
fn r3_6_star_across_accounts() {
    let call = key_allows(r#""*""#).by("arn:aws:iam::222222222222:role/other");
    call.check(&not_allowed(Identity));
    call.identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R3.7: the exact name of the service, in lower case.
#[rstest]
#[case::same("bedrock.amazonaws.com", true)]
#[case::other_case("Bedrock.amazonaws.com", false)]
#[case::regional("bedrock.us-east-1.amazonaws.com", false)]
#[case::specialised("agents.bedrock.amazonaws.com", false)]
#[case::another("s3.amazonaws.com", false)]
fn r3_7_service(#[case] entry: &str, #[case] matches: bool) {
    let call = key_allows(&format!(r#"{{"Service": "{entry}"}}"#)).by(S);
    call.check(&if matches { allowed(Resource, "Named") } else { not_allowed(Resource) });
}

/// R3.7: the entry covers neither a role the service took nor a call it forwards, and the account covers no service.
#[test]
fn r3_7_calls_as_the_service_only() {
    let call = key_allows(r#"{"Service": "bedrock.amazonaws.com"}"#);
    call.check(&not_allowed(Resource));
    call.via("bedrock.us-east-1.amazonaws.com").check(&not_allowed(Resource));
    Call::decrypt().by(S).key_policy(&[ROOT]).check(&not_allowed(Resource));
}

/// R3.8: identity providers and canonical users name none of these callers.
#[rstest]
#[case::federated(r#"{"Federated": "cognito-identity.amazonaws.com"}"#)]
#[case::canonical_user(r#"{"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#)]
fn r3_8_other_kinds(#[case] principal: &str) {
    key_allows(principal).check(&not_allowed(Resource));
}

/// R3.8: a trust policy names the provider.
#[test]
fn r3_8_trust_policies_take_providers() {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "arn:aws:iam::111111111111:oidc-provider/oidc.example"}}}"#;
    assert_eq!(report(text, Trust), (Vec::new(), true));
}

/// R3.9: an id that stands for a deleted role covers only a caller that carries it.
#[rstest]
#[case::same_role("AROAEXAMPLE1111111111", Some("AROAEXAMPLE1111111111"), true)]
#[case::recreated_role("AROAEXAMPLE1111111111", Some("AROAEXAMPLE2222222222"), false)]
#[case::id_not_known("AROAEXAMPLE1111111111", None, false)]
fn r3_9_unique_ids(#[case] entry: &str, #[case] id: Option<&str>, #[case] matches: bool) {
    let mut caller = Principal::parse(SESSION).unwrap();
    if let Principal::RoleSession { role, .. } = &mut caller {
        role.unique_id = id.map(Into::into);
    }
    let call = key_allows(&aws(entry)).by_principal(caller);
    call.check(&if matches { allowed(Resource, "Named") } else { not_allowed(Resource) });
}

/// R3.9: the id of a user covers its federated sessions, as its ARN does.
#[rstest]
#[case::same_user("AIDAEXAMPLE1111111111", allowed(Resource, "Everyone"), denied(Resource, "Named"))]
#[case::another_user("AIDAEXAMPLE2222222222", allowed(Resource, "Everyone"), allowed(Resource, "Everyone"))]
fn r3_9_federated_sessions(#[case] id: &str, #[case] before: Answer, #[case] after: Answer) {
    let mut caller = federated_session();
    let call = key_denies(r#""Principal": {"AWS": "AIDAEXAMPLE1111111111"}"#);
    call.clone().by_principal(caller.clone()).check(&before);
    if let Principal::FederatedUser { user: Some(user), .. } = &mut caller {
        user.unique_id = Some(id.into());
    }
    call.by_principal(caller).check(&after);
}

/// R3.9: ARNs in conditions are not turned into ids: they match the recreated role.
#[test]
fn r3_9_conditions_keep_arns() {
    let mut caller = Principal::parse(R).unwrap();
    if let Principal::RoleSession { role, .. } = &mut caller {
        role.unique_id = Some("AROAEXAMPLE2222222222".into());
    }
    let statement = r#"{"Sid": "Arn", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/app/r"}}}"#;
    Call::decrypt().by_principal(caller).key_policy(&[statement]).check(&allowed(Resource, "Arn"));
}

/// R3.10: spares whom it lists; a session for certain only with its account and its role.
#[rstest]
#[case::user_listed_with_its_account(
    U,
    r#"["111111111111", "arn:aws:iam::111111111111:user/bob"]"#,
    allowed(Resource, "Everyone")
)]
#[case::user_listed_alone(U, r#"["arn:aws:iam::111111111111:user/bob"]"#, spared_unsurely())]
#[case::user_of_a_listed_account(U, r#"["111111111111"]"#, denied(Resource, "Named"))]
#[case::session_of_a_listed_account(SESSION, r#"["111111111111"]"#, denied(Resource, "Named"))]
#[case::user_not_listed(U, r#"["arn:aws:iam::111111111111:user/alice"]"#, denied(Resource, "Named"))]
#[case::session_not_listed(SESSION, r#"["arn:aws:iam::111111111111:user/bob"]"#, denied(Resource, "Named"))]
#[case::session_listed_in_full(
    SESSION,
    r#"["111111111111", "arn:aws:iam::111111111111:role/app/r", "arn:aws:sts::111111111111:assumed-role/r/s"]"#,
    allowed(Resource, "Everyone")
)]
#[case::session_listed_alone(SESSION, r#"["arn:aws:sts::111111111111:assumed-role/r/s"]"#, spared_unsurely())]
#[case::role_listed_alone(SESSION, r#"["arn:aws:iam::111111111111:role/app/r"]"#, spared_unsurely())]
#[case::session_without_its_account(
    SESSION,
    r#"["arn:aws:iam::111111111111:role/app/r", "arn:aws:sts::111111111111:assumed-role/r/s"]"#,
    spared_unsurely()
)]
#[case::service_not_listed(S, r#"["111111111111"]"#, denied(Resource, "Named"))]
fn r3_10_not_principal(#[case] caller: &str, #[case] entries: &str, #[case] expected: Answer) {
    key_denies(&format!(r#""NotPrincipal": {{"AWS": {entries}}}"#)).by(caller).check(&expected);
}

fn spared_unsurely() -> Answer {
    denied(Resource, "Named").unless(Rule::NotPrincipalOfSession, Allow)
}

/// R3.10: a service that is listed is spared.
#[test]
fn r3_10_service() {
    let call = key_denies(r#""NotPrincipal": {"Service": "bedrock.amazonaws.com"}"#);
    call.clone().by(S).check(&allowed(Resource, "Everyone"));
    call.by("s3.amazonaws.com").check(&denied(Resource, "Named"));
}

/// R3.6, R3.10: whether `{"AWS": "*"}` spares a service is as unsure as whether it names one.
#[test]
fn r3_10_aws_star_and_services() {
    let call = key_denies(r#""NotPrincipal": {"AWS": "*"}"#);
    call.check(&allowed(Resource, "Everyone"));
    call.by(S).check(&allowed(Resource, "Everyone").unless(Rule::AwsStarCoversServices, ExplicitDeny));
}

/// R3.10: nobody with a permissions boundary is spared.
#[test]
fn r3_10_boundary() {
    let entries = r#"["arn:aws:iam::111111111111:user/bob", "arn:aws:iam::111111111111:root"]"#;
    let call = key_denies(&format!(r#""NotPrincipal": {{"AWS": {entries}}}"#)).by(U);
    call.check(&allowed(Resource, "Everyone"));
    call.boundary(ALLOW_ALL).check(&denied(Resource, "Named"));
}

/// R3.10: only with Deny.
#[test]
fn r3_10_allow_is_refused() {
    let statement = statement("Allow", r#""NotPrincipal": {"AWS": "111111111111"}"#);
    let expected = (vec!["error element-in-allow: NotPrincipal".to_owned()], false);
    assert_eq!(report(&format!(r#"{{"Statement": {statement}}}"#), Key), expected);
}

/// R3.11, R3.12: service-linked roles and those of Identity Center are roles, whose path is not in the session.
#[rstest]
#[case::service_role("arn:aws:iam::111111111111:role/service-role/X")]
#[case::service_linked("arn:aws:iam::111111111111:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")]
#[case::identity_center(
    "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
)]
fn r3_11_roles_of_services_and_people(#[case] role: &str) {
    let name = role.rsplit('/').next().unwrap();
    let session = format!("arn:aws:sts::111111111111:assumed-role/{name}/someone@example.com");
    key_allows(&aws(role)).by(&session).check(&allowed(Resource, "Named"));
    key_allows(&aws(&session)).by(&session).check(&allowed(Resource, "Named"));
}

/// Outside KMS either side allows (R5.7), and the ways of R3.1 are the same.
#[rstest]
#[case::direct(SESSION, &[], Allow)]
#[case::nobody("arn:aws:iam::111111111111:role/q", &[], ImplicitDeny)]
#[case::own_policy("arn:aws:iam::111111111111:role/q", &[ALLOW_ALL], Allow)]
fn either_side_outside_kms(#[case] caller: &str, #[case] policies: &[&str], #[case] expected: Effect) {
    let bucket = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:role/app/r"},
        "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}"#;
    let call = Call::new("s3:GetObject").by(caller).on(BUCKET).bucket_policy(bucket);
    let call = policies.iter().fold(call, |call, policy| call.identity_policy(policy));
    assert_eq!(call.decide().effect, expected);
}

/// An unsigned call reads what a bucket opens to everyone (R5.15).
#[test]
fn unsigned_call_of_a_bucket() {
    let bucket = r#"{"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*"}"#;
    let call = Call::new("s3:GetObject").by("*").on(BUCKET).bucket_policy(bucket);
    call.check(&allowed(Resource, "Public"));
}

/// R3.2: an account named in both of its forms is named.
#[test]
fn r3_2_account_named_twice() {
    let twice = r#"{"Effect": "Allow", "Principal": {"AWS": ["111111111111", "arn:aws:iam::111111111111:root"]},
        "Action": "kms:*", "Resource": "*"}"#;
    Call::decrypt().key_policy(&[twice]).identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}
