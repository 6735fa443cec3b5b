//! The vectors of Appendix A, each by its number. `s` is a session of role R, U a user, S the service principal.

use permitlab_evaluator::layer::Layer;
use permitlab_evaluator::layer::Layer::{Boundary, Identity, Rcp, Resource, Scp, Session, VpcEndpoint};
use permitlab_evaluator::world::kms::{Constraint, Grant};

use crate::support::{ALLOW_ALL, Call, K_OF_B, R, ROOT, S, SESSION, U, allowed, denied, grant, not_allowed, pairs};

const DECRYPT_ON_K: &str = r#"{"Sid": "Decrypt", "Effect": "Allow", "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#;
const KEY_ALLOWS_R: &str = r#"{"Sid": "R", "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111111111111:role/app/r"}, "Action": "kms:*", "Resource": "*"}"#;
const KEY_ALLOWS_U: &str = r#"{"Sid": "U", "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"}, "Action": "kms:*", "Resource": "*"}"#;
const KEY_ALLOWS_SESSION: &str = r#"{"Sid": "Session", "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:sts::111111111111:assumed-role/r/s"}, "Action": "kms:*", "Resource": "*"}"#;
const ONLY_S3: &str = r#"{"Sid": "S3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
const FULL_AWS_ACCESS: &str = ALLOW_ALL;

const JOB: &str = "arn:aws:bedrock:us-east-1:111111111111:evaluation-job/abc";
const JOB_OF_B: &str = "arn:aws:bedrock:us-east-1:222222222222:evaluation-job/abc";
/// The documented statement for Bedrock, with the DescribeKey that can never work (R7.9).
const SEED_KEY: &str = r#"{"Sid": "Bedrock", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
    "Action": ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"], "Resource": "*",
    "Condition": {"StringLike": {
        "kms:EncryptionContext:evaluationJobArn": "arn:aws:bedrock:us-east-1:111111111111:evaluation-job/*",
        "aws:SourceArn": "arn:aws:bedrock:us-east-1:111111111111:evaluation-job/*"}}}"#;
/// What the current page adds: DescribeKey on `aws:SourceArn` alone.
const BEDROCK_DESCRIBES: &str = r#"{"Sid": "Describe", "Effect": "Allow",
    "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "kms:DescribeKey", "Resource": "*",
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:111111111111:evaluation-job/*"}}}"#;
const SEED_ROLE: &str = r#"[
    {"Sid": "ThroughS3", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
     "Resource": "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
     "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}},
    {"Sid": "Describe", "Effect": "Allow", "Action": ["kms:DescribeKey"],
     "Resource": "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"}]"#;

/// T1 as the start of others: the key delegates, the role may decrypt.
fn delegated() -> Call {
    Call::decrypt().key_policy(&[ROOT]).identity_policy(DECRYPT_ON_K)
}

/// T3 as the start of others: the key names the role.
fn direct() -> Call {
    Call::decrypt().key_policy(&[KEY_ALLOWS_R])
}

/// R6.2: delegation and an identity policy.
#[test]
fn t01() {
    delegated().check(&allowed(Identity, "Decrypt"));
}

/// R3.2: delegation gives nothing by itself.
#[test]
fn t02() {
    Call::decrypt().key_policy(&[ROOT]).check(&not_allowed(Identity));
}

/// R6.2: a direct grant needs no identity policy.
#[test]
fn t03() {
    direct().check(&allowed(Resource, "R"));
}

/// R6.4: without delegation identity policies allow nothing.
#[test]
fn t04() {
    Call::decrypt().key_policy(&[KEY_ALLOWS_U]).identity_policy(ALLOW_ALL).check(&not_allowed(Resource));
}

/// R5.1: an identity policy's Deny beats a direct grant.
#[test]
fn t05() {
    let deny = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}"#;
    direct().identity_policy(deny).check(&denied(Identity, "No"));
}

/// R5.8: a boundary limits a grant to the role.
#[test]
fn t06() {
    direct().boundary(ONLY_S3).check(&not_allowed(Boundary));
}

/// R5.8: but not a grant to the session.
#[test]
fn t07() {
    Call::decrypt().key_policy(&[KEY_ALLOWS_SESSION]).boundary(ONLY_S3).check(&allowed(Resource, "Session"));
}

/// R5.8: nor one to a user.
#[test]
fn t08() {
    Call::decrypt().by(U).key_policy(&[KEY_ALLOWS_U]).boundary(ONLY_S3).check(&allowed(Resource, "U"));
}

/// R5.9: a session policy limits a grant to the role.
#[test]
fn t09() {
    direct().session_policy(ONLY_S3).check(&not_allowed(Session));
}

/// R5.9: but not a grant to the session.
#[test]
fn t10() {
    Call::decrypt().key_policy(&[KEY_ALLOWS_SESSION]).session_policy(ONLY_S3).check(&allowed(Resource, "Session"));
}

/// R5.1: nothing escapes an explicit deny of the boundary.
#[test]
fn t11() {
    let boundary = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}"#;
    Call::decrypt().key_policy(&[KEY_ALLOWS_SESSION]).boundary(boundary).check(&denied(Boundary, "No"));
}

/// R6.6: across accounts both sides allow.
#[test]
fn t12() {
    across_accounts().identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R5.11: the caller's side is always needed.
#[test]
fn t13() {
    across_accounts().check(&not_allowed(Identity));
}

fn across_accounts() -> Call {
    let key = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:Decrypt",
        "Resource": "*"}"#;
    Call::decrypt().on(K_OF_B).key_policy(&[key])
}

/// R5.11: also when the key names the session.
#[test]
fn t14() {
    Call::decrypt().on(K_OF_B).key_policy(&[KEY_ALLOWS_SESSION]).check(&not_allowed(Identity));
}

/// R6.6: management of a key does not work across accounts.
#[test]
fn t15() {
    let call = |action| Call::new(action).on(K_OF_B).key_policy(&[KEY_ALLOWS_R]).identity_policy(ALLOW_ALL);
    call("kms:ScheduleKeyDeletion").check(&not_allowed(Resource));
    call("kms:DescribeKey").check(&allowed(Identity, "All"));
}

/// R3.7: the account never covers a service.
#[test]
fn t16() {
    Call::decrypt().by(S).key_policy(&[ROOT]).check(&not_allowed(Resource));
}

fn seed(action: &str) -> Call {
    Call::new(action).by(S).key_policy(&[ROOT, SEED_KEY])
}

/// R7.A: Bedrock encrypts for its job.
#[test]
fn t17() {
    let call = seed("kms:GenerateDataKey").source(JOB).encryption_context("evaluationJobArn", JOB);
    call.check(&allowed(Resource, "Bedrock"));
}

/// R7.10: both keys must match, so the encryption context may not be missing.
#[test]
fn t18() {
    seed("kms:GenerateDataKey").source(JOB).check(&not_allowed(Resource));
}

/// R7.10: a job of another account is no source.
#[test]
fn t19() {
    let call = seed("kms:Decrypt").source(JOB_OF_B).encryption_context("evaluationJobArn", JOB);
    call.check(&not_allowed(Resource));
}

/// R7.9: DescribeKey has no encryption context.
#[test]
fn t20() {
    seed("kms:DescribeKey").source(JOB).check(&not_allowed(Resource));
}

/// R7.9: the current page asks for `aws:SourceArn` alone.
#[test]
fn t21() {
    let call = Call::new("kms:DescribeKey").by(S).key_policy(&[ROOT, SEED_KEY, BEDROCK_DESCRIBES]).source(JOB);
    call.check(&allowed(Resource, "Describe"));
}

fn seed_role(action: &str) -> Call {
    Call::new(action).key_policy(&[ROOT, SEED_KEY]).identity_policy(SEED_ROLE)
}

/// R7.A: the role reads its input through S3.
#[test]
fn t22() {
    seed_role("kms:Decrypt").via("s3.us-east-1.amazonaws.com").check(&allowed(Identity, "ThroughS3"));
}

/// R7.7: and not otherwise.
#[test]
fn t23() {
    seed_role("kms:Decrypt").check(&not_allowed(Identity));
}

/// R6.18: nor through S3 of another Region.
#[test]
fn t24() {
    seed_role("kms:Decrypt").via("s3.us-west-2.amazonaws.com").check(&not_allowed(Identity));
}

/// R7.A: the role describes the key itself.
#[test]
fn t25() {
    seed_role("kms:DescribeKey").check(&allowed(Identity, "Describe"));
}

/// R5.5: every level of SCPs must allow.
#[test]
fn t26() {
    delegated().scp(&[FULL_AWS_ACCESS, ONLY_S3, FULL_AWS_ACCESS]).check(&not_allowed(Scp));
}

/// R5.6: an RCP reaches service principals, which have no organization.
#[test]
fn t27() {
    let key = r#"{"Sid": "S", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "kms:Decrypt", "Resource": "*"}"#;
    let rcp = r#"{"Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}"#;
    let call = Call::decrypt().by(S).key_policy(&[key]);
    call.check(&allowed(Resource, "S"));
    call.rcp(&[rcp]).check(&denied(Rcp, "Perimeter"));
}

/// R5.6: an RCP does not reach service-linked roles.
#[test]
fn t28() {
    let rcp = r#"{"Sid": "All", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let role = "arn:aws:iam::111111111111:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let key = format!(
        r#"{{"Sid": "Linked", "Effect": "Allow", "Principal": {{"AWS": "{role}"}}, "Action": "kms:*", "Resource": "*"}}"#
    );
    Call::decrypt().by(role).key_policy(&[&key]).rcp(&[rcp]).check(&allowed(Resource, "Linked"));
    delegated().rcp(&[rcp]).check(&denied(Rcp, "All"));
}

/// R4.6: a negated operator holds when its key is absent.
#[test]
fn t29() {
    let deny = r#"{"Sid": "OnlyThroughS3", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}}"#;
    let call = delegated().key_policy(&[ROOT, deny]);
    call.check(&denied(Resource, "OnlyThroughS3"));
    call.via("s3.us-east-1.amazonaws.com").check(&allowed(Identity, "Decrypt"));
}

fn only_app_name(and: &str) -> Call {
    let key = format!(
        r#"{{"Sid": "Context", "Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111111111111:role/app/r"}},
            "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {{"ForAllValues:StringEquals": {{"kms:EncryptionContextKeys": ["AppName"]}}{and}}}}}"#
    );
    Call::decrypt().key_policy(&[&key])
}

/// R4.9: `ForAllValues` holds of an absent key.
#[test]
fn t30() {
    let call = only_app_name("");
    call.check(&allowed(Resource, "Context"));
    call.encryption_context("Other", "x").check(&not_allowed(Resource));
}

/// R4.8: unless `Null` wants it present.
#[test]
fn t31() {
    let call = only_app_name(r#", "Null": {"kms:EncryptionContextKeys": "false"}"#);
    call.check(&not_allowed(Resource));
    call.encryption_context("AppName", "x").check(&allowed(Resource, "Context"));
}

/// R4.3: the name in `kms:EncryptionContext:` ignores case.
#[test]
fn t32() {
    let key = r#"{"Sid": "App", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:role/app/r"},
        "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:appname": "x"}}}"#;
    let call = Call::decrypt().key_policy(&[key]);
    call.clone().encryption_context("AppName", "x").check(&allowed(Resource, "App"));
    call.encryption_context("AppName", "X").check(&not_allowed(Resource));
}

/// R6.27: a grant to the role, for calls of its department.
fn granted() -> Call {
    let subset = Constraint::EncryptionContextSubset(pairs(&[("Department", "IT")]));
    let grant = Grant { constraints: vec![subset], ..grant(R, &["Decrypt"]) };
    Call::decrypt().key_policy(&[ROOT]).grant(grant)
}

/// R6.27: a subset constraint asks for its pairs, and takes more.
#[test]
fn t33() {
    let call = granted().encryption_context("Department", "IT").encryption_context("P", "1");
    call.check(&allowed(Layer::Grant, "grant 0"));
}

/// R6.27: and compares names by case.
#[test]
fn t34() {
    granted().encryption_context("department", "IT").check(&not_allowed(Identity));
}

/// R6.24: an explicit deny beats a grant.
#[test]
fn t35() {
    let deny = r#"{"Sid": "NotR", "Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::111111111111:role/app/r"},
        "Action": "kms:Decrypt", "Resource": "*"}"#;
    let call = granted().key_policy(&[ROOT, deny]).encryption_context("Department", "IT");
    call.check(&denied(Resource, "NotR"));
}

/// R2.8: a key pattern does not match a call without a resource.
#[test]
fn t36() {
    let keys = r#"{"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "arn:aws:kms:*:*:key/*"}"#;
    Call::new("kms:ListKeys").on_nothing().identity_policy(keys).check(&not_allowed(Identity));
}

/// R2.12: the ARN of an alias selects no key.
#[test]
fn t37() {
    let alias = r#"{"Effect": "Allow", "Action": "kms:Decrypt",
        "Resource": "arn:aws:kms:us-east-1:111111111111:alias/app"}"#;
    let call = Call::decrypt().by_alias("alias/app").key_policy(&[ROOT]);
    call.identity_policy(alias).check(&not_allowed(Identity));
}

/// R1.2: without `Version`, `${aws:username}` is plain text.
#[test]
fn t38() {
    let statement = r#"{"Sid": "Own", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:u": "${aws:username}"}}}"#;
    let call = Call::decrypt().by(U).key_policy(&[ROOT]).encryption_context("u", "bob");
    let without_version = format!(r#"{{"Statement": {statement}}}"#);
    call.clone().identity_policy(&without_version).check(&not_allowed(Identity));
    call.identity_policy(statement).check(&allowed(Identity, "Own"));
}

/// R4.23: an unresolved variable is not equal to anything, and so a negated operator holds.
#[test]
fn t39() {
    let deny = r#"{"Sid": "OtherTeam", "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"kms:EncryptionContext:team": "${aws:PrincipalTag/team}"}}}"#;
    let call = delegated().identity_policy(deny).encryption_context("team", "x");
    call.check(&denied(Identity, "OtherTeam"));
    call.tag("team", "x").check(&allowed(Identity, "Decrypt"));
}

/// R4.20: a call through an endpoint has no `aws:SourceIp`.
#[test]
fn t40() {
    let deny = r#"{"Sid": "Office", "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#;
    let call = delegated().identity_policy(deny);
    call.clone().context("aws:SourceVpce", "vpce-1").without("aws:SourceIp").check(&denied(Identity, "Office"));
    call.context("aws:SourceIp", "203.0.113.7").check(&allowed(Identity, "Decrypt"));
}

/// R5.16: the principals of an endpoint policy count.
#[test]
fn t41() {
    let endpoint = r#"{"Sid": "OnlyU", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"},
        "Action": "*", "Resource": "*"}"#;
    let call = delegated().vpc_endpoint(endpoint);
    call.check(&not_allowed(VpcEndpoint));
    call.by(U).check(&allowed(Identity, "Decrypt"));
}

/// R7.6: a grant for an AWS resource is not made by hand.
#[test]
fn t42() {
    let key = r#"{"Sid": "Integrated", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"},
        "Action": "kms:CreateGrant", "Resource": "*",
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}"#;
    let call = Call::new("kms:CreateGrant").by(U).key_policy(&[key]);
    call.check(&not_allowed(Resource));
    call.via("ec2.us-east-1.amazonaws.com").check(&allowed(Resource, "Integrated"));
}

/// R6.19: `kms:CallerAccount` opens a key to every principal of an account without an identity policy.
#[test]
fn t43() {
    let key = r#"{"Sid": "ThroughEc2", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": "111111111111",
                                       "kms:ViaService": "ec2.us-east-1.amazonaws.com"}}}"#;
    let call = Call::decrypt().by(SESSION).key_policy(&[key]);
    call.clone().via("ec2.us-east-1.amazonaws.com").check(&allowed(Resource, "ThroughEc2"));
    call.check(&not_allowed(Resource));
}
