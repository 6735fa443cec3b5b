//! Services that differ from the default rule: STS and its roles (R3.8, R5.6, R5.7, R5.11, R5.18), IAM, and those that
//! answer unsigned calls (R5.15).

use std::sync::Arc as Shared;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize::hangs_on_resource_policy;
use permitlab_evaluator::derive;
use permitlab_evaluator::gather::{Applicable, gather};
use permitlab_evaluator::layer::Layer::{Boundary, Identity, Rcp, Resource, Scp, Session};
use permitlab_evaluator::policy::{Policies, PolicySet, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource as Target};
use permitlab_evaluator::service::{self, Held, Service, Sharing};
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::s3::Bucket;
use rstest::rstest;

use crate::support::{
    ALLOW_ALL, Answer, Call, R, S, SESSION, U, allowed, allowed_by_nature, denied, not_allowed, open, policy, session,
};

const ROLE: &str = "arn:aws:iam::111111111111:role/target";
const ROLE_OF_B: &str = "arn:aws:iam::222222222222:role/target";
const LINKED_ROLE: &str =
    "arn:aws:iam::111111111111:role/aws-service-role/bedrock.amazonaws.com/AWSServiceRoleForBedrock";
const ROOT_USER: &str = "arn:aws:iam::111111111111:root";
const GITHUB: &str = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";
const ONLY_S3: &str = r#"{"Sid": "S3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
const DENY_ALL: &str = r#"{"Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*"}"#;

/// A trust policy that names this.
fn trust(principal: &str) -> String {
    format!(r#"{{"Sid": "Trust", "Effect": "Allow", "Principal": {principal}, "Action": "sts:*"}}"#)
}

fn aws(entry: &str) -> String {
    trust(&format!(r#"{{"AWS": "{entry}"}}"#))
}

/// A session of `R` assumes a role of its own account.
fn assume(trust: &str) -> Call {
    Call::new("sts:AssumeRole").on(ROLE).bucket_policy(trust)
}

/// R5.7: named, the caller needs no identity policy; of an account that is named, it does; not named, it cannot.
#[rstest]
#[case::session(SESSION, allowed(Resource, "Trust"), allowed(Resource, "Trust"))]
#[case::role(R, allowed(Resource, "Trust"), allowed(Resource, "Trust"))]
#[case::everyone("*", allowed(Resource, "Trust"), allowed(Resource, "Trust"))]
#[case::account("111111111111", not_allowed(Identity), allowed(Identity, "All"))]
#[case::account_by_arn("arn:aws:iam::111111111111:root", not_allowed(Identity), allowed(Identity, "All"))]
#[case::another_role("arn:aws:iam::111111111111:role/other", not_allowed(Resource), not_allowed(Resource))]
#[case::another_account("222222222222", not_allowed(Resource), not_allowed(Resource))]
fn r5_7_trust_policies(#[case] entry: &str, #[case] alone: Answer, #[case] with_identity: Answer) {
    assume(&aws(entry)).check(&alone);
    assume(&aws(entry)).identity_policy(ALLOW_ALL).check(&with_identity);
}

/// R5.7: an identity policy alone, which is enough for a bucket, assumes no role.
#[test]
fn r5_7_identity_policies_assume_no_role() {
    let nobody = r#"{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}"#;
    assume(nobody).identity_policy(ALLOW_ALL).check(&not_allowed(Resource));
    Call::new("s3:GetObject").on("arn:aws:s3:::b/x").identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R5.8: boundary and session policy limit what a trust policy gives a role, not what it gives a session or a user.
#[test]
fn r5_8_limits_of_trust_policies() {
    assume(&aws(R)).boundary(ONLY_S3).check(&not_allowed(Boundary));
    assume(&aws(R)).session_policy(ONLY_S3).check(&not_allowed(Session));
    assume(&aws(SESSION)).boundary(ONLY_S3).check(&allowed(Resource, "Trust"));
    assume(&aws(SESSION)).session_policy(ONLY_S3).check(&allowed(Resource, "Trust"));
    assume(&aws(U)).by(U).boundary(ONLY_S3).check(&allowed(Resource, "Trust"));
}

/// R5.11: across accounts both sides allow, however the trust policy names the caller.
#[rstest]
fn r5_11_roles_of_other_accounts(#[values(SESSION, R, "*", "111111111111")] entry: &str) {
    let call = assume(&aws(entry)).on(ROLE_OF_B);
    call.check(&not_allowed(Identity));
    call.identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R5.18: a condition on the statement for the account counts, of which there is no doubt.
#[test]
fn r5_18_conditions_of_trust_policies() {
    let statement = r#"{"Sid": "Id", "Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}"#;
    let call = assume(statement).identity_policy(ALLOW_ALL);
    call.clone().context("sts:ExternalId", "x").check(&allowed(Identity, "All"));
    call.clone().context("sts:ExternalId", "y").check(&not_allowed(Resource));
    assert_eq!(call.decide().doubts.keys.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sts:ExternalId"]);
}

/// R5.18: a service is let in by the trust policy alone, for the resources it names.
#[test]
fn r5_18_services_assume_roles() {
    let statement = r#"{"Sid": "Job", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}}"#;
    let call = assume(statement).by(S);
    call.clone().source("arn:aws:bedrock:us-east-1:111111111111:evaluation-job/a").check(&allowed(Resource, "Job"));
    call.source("arn:aws:bedrock:us-east-1:222222222222:evaluation-job/a").check(&not_allowed(Resource));
    assume(&aws("111111111111")).by(S).check(&not_allowed(Resource));
}

/// R5.6: RCPs reach roles, save the assumption of a service-linked role by its service.
#[test]
fn r5_6_roles_under_rcps() {
    let rcp = r#"{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "sts:*", "Resource": "*"}"#;
    let service = trust(r#"{"Service": "bedrock.amazonaws.com"}"#);
    assume(&service).by(S).rcp(&[rcp]).check(&denied(Rcp, "No"));
    assume(&service).by(S).on(LINKED_ROLE).rcp(&[rcp]).check(&allowed(Resource, "Trust"));
    assume(&aws(R)).on(LINKED_ROLE).rcp(&[rcp]).check(&denied(Rcp, "No"));
}

/// R3.8: a token counts where the trust policy names its provider, and a Deny for everyone hits it.
#[test]
fn r3_8_tokens() {
    let call = |trust: &str| Call::new("sts:AssumeRoleWithWebIdentity").by(GITHUB).on(ROLE).bucket_policy(trust);
    let named = trust(&format!(r#"{{"Federated": "{GITHUB}"}}"#));
    call(&named).check(&allowed(Resource, "Trust"));
    call(&trust(r#"{"Federated": "accounts.google.com"}"#)).check(&not_allowed(Resource));
    call(&trust(r#""*""#)).check(&not_allowed(Resource));
    call(&trust(r#"{"AWS": "111111111111"}"#)).check(&not_allowed(Resource));
    let both = format!(r#"[{named}, {{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "sts:*"}}]"#);
    call(&both).check(&denied(Resource, "No"));
    Call::new("s3:GetObject")
        .by(GITHUB)
        .on("arn:aws:s3:::b/x")
        .bucket_policy(r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#)
        .check(&not_allowed(Resource));
}

/// R3.8: claims that nobody stated are left open; those of another provider are never sent.
#[rstest]
#[case::own("token.actions.githubusercontent.com:sub", &["token.actions.githubusercontent.com:sub"])]
#[case::of_another_provider("accounts.google.com:sub", &[])]
fn r3_8_claims(#[case] key: &str, #[case] expected: &[&str]) {
    let statement = format!(
        r#"{{"Effect": "Allow", "Principal": {{"Federated": "{GITHUB}"}}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {{"StringEquals": {{"{key}": "repo:a/b"}}}}}}"#
    );
    let call = Call::new("sts:AssumeRoleWithWebIdentity").by(GITHUB).on(ROLE).bucket_policy(&statement);
    assert_eq!(open(&call.decide()), expected);
}

/// Calls that need no permission are allowed whatever any policy says, and others are not.
#[rstest]
#[case::caller_identity("sts:GetCallerIdentity", allowed_by_nature(Resource))]
#[case::other_call("sts:GetAccessKeyInfo", denied(Scp, "No"))]
fn sts_calls_without_a_permission(#[case] action: &str, #[case] expected: Answer) {
    Call::new(action).on_nothing().identity_policy(DENY_ALL).scp(&[DENY_ALL]).check(&expected);
}

/// R5.12: the root user assumes no role.
#[test]
fn r5_12_root_user_assumes_no_role() {
    assume(&aws("111111111111")).by(ROOT_USER).check(&not_allowed(Resource));
}

/// R5.15: some services answer unsigned calls, most do not.
#[rstest]
#[case("s3:GetObject", "arn:aws:s3:::b/x", true)]
#[case("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", true)]
#[case("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111111111111:table/t", false)]
#[case("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111111111111:secret:s-AbCdEf", false)]
fn r5_15_services_for_unsigned_calls(#[case] action: &str, #[case] resource: &str, #[case] is_open: bool) {
    let everyone = r#"{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    let call = Call::new(action).on(resource).by_principal(Principal::Anonymous).bucket_policy(everyone);
    call.check(&if is_open { allowed(Resource, "All") } else { not_allowed(Resource) });
}

/// A bucket policy belongs to the account of its bucket: nobody of another account reads or changes it, and no Deny in it
/// keeps the root user from that. Other policies do.
#[rstest]
fn bucket_policies_belong_to_their_account(
    #[values("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:deletebucketpolicy")] action: &str,
) {
    let everyone = r#"{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;
    let nobody = r#"{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;
    let call = |policy: &str| Call::new(action).on("arn:aws:s3:::b").bucket_policy(policy);
    let owned_by_b = call(everyone).identity_policy(ALLOW_ALL).owned_by("222222222222");
    owned_by_b.check(&not_allowed(Resource));
    call(everyone).identity_policy(ALLOW_ALL).check(&allowed(Resource, "All"));
    call(nobody).identity_policy(ALLOW_ALL).check(&denied(Resource, "No"));
    call(nobody).by(ROOT_USER).check(&allowed_by_nature(Resource));
    call(nobody).by(ROOT_USER).rcp(&[nobody]).check(&denied(Rcp, "No"));
    call(nobody).by(ROOT_USER).owned_by("222222222222").check(&denied(Resource, "No"));
    Call::new("s3:GetObject").on("arn:aws:s3:::b/x").by(ROOT_USER).bucket_policy(nobody).check(&denied(Resource, "No"));
}

/// R5.18: IAM asks identity policies alone, and acts within one account.
#[test]
fn r5_18_identity_policies_alone_pass_roles() {
    let call = Call::new("iam:PassRole").on(ROLE).bucket_policy(&aws(R));
    call.clone().check(&not_allowed(Identity));
    call.clone().identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
    call.on(ROLE_OF_B).identity_policy(ALLOW_ALL).check(&not_allowed(Resource));
}

/// R2.8: lists of buckets and queues are on no resource, so no resource-based policy allows them.
#[test]
fn r2_8_lists_without_a_resource() {
    let everyone = r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    let call = Call::new("s3:ListAllMyBuckets").on_nothing().bucket_policy(everyone);
    call.clone().check(&not_allowed(Identity));
    call.identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// An answer hangs on a resource-based policy nobody stated when that policy alone could allow.
#[rstest]
#[case::at_home(&[], "arn:aws:sqs:us-east-1:111111111111:q", true)]
#[case::allowed_already(&[ALLOW_ALL], "arn:aws:sqs:us-east-1:111111111111:q", false)]
#[case::denied(&[DENY_ALL], "arn:aws:sqs:us-east-1:111111111111:q", false)]
#[case::elsewhere_and_allowed_at_home(&[ALLOW_ALL], "arn:aws:sqs:us-east-1:222222222222:q", true)]
#[case::elsewhere_and_not_allowed_at_home(&[], "arn:aws:sqs:us-east-1:222222222222:q", false)]
fn a_policy_nobody_stated(#[case] identity: &[&str], #[case] queue: &str, #[case] expected: bool) {
    let policies = identity.iter().map(|text| Shared::new(policy(text, PolicyType::Identity)));
    let policies: PolicySet = policies.collect();
    let resource = Target::new(Arn::parse(queue).unwrap());
    let action = ActionName::parse("sqs:SendMessage").unwrap();
    let request = Request::new(session("s"), action, resource);
    let applicable = Applicable { identity: Some(Policies::Set(&policies)), ..Applicable::default() };
    let context = derive::bare_context(&request);
    assert_eq!(hangs_on_resource_policy(&applicable, &request, &context, Rules::NONE), expected);
}

/// R5.3: objects belong to the account of their bucket, whose policy is theirs.
#[test]
fn r5_3_objects_are_their_buckets() {
    let account = AccountId::parse("222222222222").unwrap();
    let text = r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    let policy = Some(Shared::new(policy(text, PolicyType::Resource)));
    let world = World { buckets: vec![Bucket { name: "b".into(), account, policy }], ..World::default() };
    let ask = |object: &str| {
        let object = Target::new(Arn::parse(object).unwrap());
        Request::new(session("s"), ActionName::parse("s3:GetObject").unwrap(), object)
    };
    let own = ask("arn:aws:s3:::b/x");
    let found = gather(&world, &own, None);
    assert_eq!((found.resource_account, found.resource.is_some()), (Some(account), true));
    let other = ask("arn:aws:s3:::c/x");
    let found = gather(&world, &other, None);
    assert_eq!((found.resource_account, found.resource.is_some()), (None, false));
}

/// R5.18, R1.10: which policies of the resource's side count, and of what type they are.
#[rstest]
#[case::pass_role("iam:PassRole", ROLE, Sharing::IdentityOnly, PolicyType::Trust)]
#[case::assume_role("sts:AssumeRole", ROLE, Sharing::Delegated, PolicyType::Trust)]
#[case::other_call_to_sts("sts:GetAccessKeyInfo", ROLE, Sharing::IdentityOnly, PolicyType::Resource)]
#[case::new_bucket("s3:CreateBucket", "arn:aws:s3:::b", Sharing::IdentityOnly, PolicyType::Resource)]
#[case::bucket("s3:ListBucket", "arn:aws:s3:::b", Sharing::EitherAllows, PolicyType::Resource)]
fn r1_10_policies_of_the_resource(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] sharing: Sharing,
    #[case] kind: PolicyType,
) {
    let (_, request) = Call::new(action).on(resource).asked();
    assert_eq!(
        (Service::of(&request.action).sharing(&request), service::resource_policy_type(&request.action)),
        (sharing, kind)
    );
}

/// R5.7: no bucket policy lets anybody make the bucket.
#[test]
fn r5_7_new_buckets() {
    let everyone = r#"{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    let call = |action: &str| Call::new(action).on("arn:aws:s3:::b").bucket_policy(everyone);
    call("s3:CreateBucket").check(&not_allowed(Identity));
    call("s3:ListBucket").check(&allowed(Resource, "All"));
}

/// A policy that nobody stated is unseen where the resource may have one, and nothing where it cannot.
#[rstest]
#[case::queue("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", true)]
#[case::instance("ec2:StartInstances", "arn:aws:ec2:us-east-1:111111111111:instance/i-1", false)]
fn a_policy_that_may_be_there(#[case] action: &str, #[case] resource: &str, #[case] unseen: bool) {
    let (world, request) = Call::new(action).on(resource).asked();
    let held = service::held(&world, &request);
    assert!(if unseen { matches!(held, Held::Unseen) } else { matches!(held, Held::Nothing) }, "{held:?}");
}
