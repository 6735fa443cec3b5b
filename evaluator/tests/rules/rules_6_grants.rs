//! Section 6.C of the rules: grants.

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::decision::Effect::{Allow, ExplicitDeny, ImplicitDeny};
use permitlab_evaluator::json::Text;
use permitlab_evaluator::layer::{Layer, Verdict};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::truth::Rule;
use permitlab_evaluator::world::kms::{Constraint, Grant};
use rstest::rstest;

use crate::support::{
    ALLOW_ALL, Answer, Call, K_OF_B, R, ROOT, S, SESSION, U, allowed, denied, federated_session, grant,
    grantee_pattern, not_allowed, open, pairs,
};

const ACCOUNT: &str = "111111111111";
const ROOT_USER: &str = "arn:aws:iam::111111111111:root";
const FEDERATED: &str = "arn:aws:sts::111111111111:federated-user/fed";
const OF_B: &str = r#"{"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:*", "Resource": "*"}"#;
const ONLY_S3: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;

fn by_grant() -> Answer {
    allowed(Layer::Grant, "grant 0")
}

fn decrypt() -> Call {
    Call::decrypt().key_policy(&[ROOT])
}

/// R6.22: a grant permits the operations it lists, and no others, whatever their names begin with.
#[rstest]
#[case("kms:Decrypt", true)]
#[case("kms:GenerateDataKey", true)]
#[case("kms:GenerateDataKeyWithoutPlaintext", false)]
#[case("kms:Encrypt", false)]
#[case("kms:DescribeKey", false)]
#[case("kms:ScheduleKeyDeletion", false)]
fn r6_22_operations(#[case] action: &str, #[case] permitted: bool) {
    let call = Call::new(action).key_policy(&[ROOT]).grant(grant(R, &["Decrypt", "GenerateDataKey"]));
    call.check(&if permitted { by_grant() } else { not_allowed(Layer::Identity) });
}

/// R6.22: a key without grants, and an operation that no grant can permit, have no say in this layer.
#[test]
fn r6_22_layer_without_a_say() {
    let verdict = |call: Call| call.decide().verdict(Layer::Grant);
    assert_eq!(verdict(decrypt()), Verdict::NotApplicable);
    assert_eq!(verdict(decrypt().grant(grant(R, &["Encrypt"]))), Verdict::ImplicitDeny);
    assert_eq!(verdict(decrypt().grant(grant(R, &["Decrypt"]))), Verdict::Allowed);
    assert_eq!(verdict(decrypt().grant(grant(ACCOUNT, &["Decrypt"]))), Verdict::Delegated);
    let delete = Call::new("kms:ScheduleKeyDeletion").key_policy(&[ROOT]).grant(grant(R, &["Decrypt"]));
    assert_eq!(verdict(delete), Verdict::NotApplicable);
}

/// R6.23: who holds a grant. A role's holds for all of its sessions, a session's for that one.
#[rstest]
#[case::role(R, SESSION, true)]
#[case::session(SESSION, SESSION, true)]
#[case::another_session("arn:aws:sts::111111111111:assumed-role/r/other", SESSION, false)]
#[case::another_role("arn:aws:iam::111111111111:role/app/other", SESSION, false)]
#[case::user(U, U, true)]
#[case::another_user("arn:aws:iam::111111111111:user/eve", U, false)]
#[case::service(S, S, true)]
#[case::another_service("s3.amazonaws.com", S, false)]
#[case::service_and_role(S, SESSION, false)]
#[case::role_and_service(R, S, false)]
#[case::root_user(ROOT_USER, ROOT_USER, true)]
fn r6_23_grantees(#[case] grantee: &str, #[case] caller: &str, #[case] holds: bool) {
    // The key policy names nobody, so that the grant is all there is.
    let call = Call::decrypt().key_policy(&[OF_B]).by(caller).grant(grant(grantee, &["Decrypt"]));
    call.check(&if holds { by_grant() } else { not_allowed(Layer::Resource) });
}

/// R6.23: a federated user holds a grant made to its session, and to its user.
#[test]
fn r6_23_federated_user() {
    let call = Call::decrypt().key_policy(&[OF_B]).by_principal(federated_session());
    call.clone().grant(grant(FEDERATED, &["Decrypt"])).check(&by_grant());
    call.clone().grant(grant(U, &["Decrypt"])).check(&by_grant());
    call.grant(grant("arn:aws:sts::111111111111:federated-user/g", &["Decrypt"])).check(&not_allowed(Layer::Resource));
}

/// R6.23, R6.25: a grant to the account needs its identity policies, as a key policy that names it would.
#[test]
fn r6_23_account() {
    let call = Call::decrypt().key_policy(&[OF_B]).grant(grant(ACCOUNT, &["Decrypt"]));
    call.check(&not_allowed(Layer::Identity).unless(Rule::GrantEscapesLimits, Allow));
    call.identity_policy(ALLOW_ALL).check(&allowed(Layer::Identity, "All"));
}

/// R6.23, R5.12: a grant to the account lets its root user in, unless the key policy does already.
#[test]
fn r6_23_root_user() {
    let call = Call::decrypt().by(ROOT_USER).grant(grant(ACCOUNT, &["Decrypt"]));
    call.clone().key_policy(&[OF_B]).check(&by_grant());
    call.key_policy(&[ROOT]).check(&allowed(Layer::Resource, "Root"));
}

/// R6.24: every explicit deny beats a grant; that an RCP's does is inferred.
#[test]
fn r6_24_explicit_denies() {
    let deny = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}"#;
    let for_all = r#"{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}"#;
    let call = || decrypt().grant(grant(R, &["Decrypt"]));
    call().key_policy(&[ROOT, for_all]).check(&denied(Layer::Resource, "No"));
    call().identity_policy(deny).check(&denied(Layer::Identity, "No"));
    call().boundary(deny).check(&denied(Layer::Boundary, "No"));
    call().session_policy(deny).check(&denied(Layer::Session, "No"));
    call().scp(&[deny]).check(&denied(Layer::Scp, "No"));
    call().vpc_endpoint(for_all).check(&denied(Layer::VpcEndpoint, "No"));
    call().rcp(&[for_all]).check(&denied(Layer::Rcp, "No").unless(Rule::RcpAgainstGrant, Allow));
    // Without the grant, nothing is unsure about the RCP.
    decrypt().identity_policy(ALLOW_ALL).rcp(&[for_all]).check(&denied(Layer::Rcp, "No"));
}

/// R6.25: SCPs and endpoint policies must allow what a grant permits.
#[test]
fn r6_25_guardrails_must_allow() {
    let call = || decrypt().grant(grant(R, &["Decrypt"]));
    call().scp(&[ONLY_S3]).check(&not_allowed(Layer::Scp));
    let endpoint = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;
    call().vpc_endpoint(endpoint).check(&not_allowed(Layer::VpcEndpoint));
}

/// R6.25: boundary and session policy limit a grant to a role and none to a session or user, as in R5.8; unsure.
#[rstest]
#[case::role(R, SESSION, false)]
#[case::session(SESSION, SESSION, true)]
#[case::user(U, U, true)]
fn r6_25_limits(#[case] grantee: &str, #[case] caller: &str, #[case] escapes: bool) {
    let call = decrypt().by(caller).grant(grant(grantee, &["Decrypt"])).boundary(ONLY_S3);
    let (ours, other) = if escapes { (by_grant(), ImplicitDeny) } else { (not_allowed(Layer::Boundary), Allow) };
    call.check(&ours.unless(Rule::GrantEscapesLimits, other));
    // A boundary that allows leaves nothing open.
    call.boundary(ALLOW_ALL).check(&by_grant());
}

/// R6.26: a grantee of another account needs its own policies, or a grant that its account issued (unsure).
#[test]
fn r6_26_across_accounts() {
    let call = || Call::decrypt().on(K_OF_B).key_policy(&[OF_B]);
    let by_b = || call().grant(grant(R, &["Decrypt"]));
    by_b().check(&not_allowed(Layer::Identity));
    by_b().identity_policy(ALLOW_ALL).check(&allowed(Layer::Identity, "All"));
    by_b().identity_policy(ALLOW_ALL).boundary(ONLY_S3).check(&not_allowed(Layer::Boundary));
    let by_a = Grant { issuing_account: Some(account(ACCOUNT)), ..grant(R, &["Decrypt"]) };
    call().grant(by_a.clone()).check(&by_grant().unless(Rule::GrantOfCallersAccount, ImplicitDeny));
    // Of two grants the one that its account issued is what allows.
    let own = allowed(Layer::Grant, "grant 1").unless(Rule::GrantOfCallersAccount, ImplicitDeny);
    by_b().grant(by_a).check(&own);
    call().identity_policy(ALLOW_ALL).check(&not_allowed(Layer::Resource));
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn constrained(constraint: Constraint, operations: &[&str]) -> Grant {
    Grant { constraints: vec![constraint], ..grant(R, operations) }
}

/// R6.27: the encryption context is compared whole or in part, names and values by case.
#[rstest]
#[case::equals(&[("Department", "IT")], true, true)]
#[case::more_pairs(&[("Department", "IT"), ("P", "1")], false, true)]
#[case::other_value(&[("Department", "it")], false, false)]
#[case::other_name(&[("department", "IT")], false, false)]
#[case::none(&[], false, false)]
fn r6_27_encryption_context(#[case] context: &[(&str, &str)], #[case] equals: bool, #[case] subset: bool) {
    let wanted = pairs(&[("Department", "IT")]);
    let constraints = [
        (Constraint::EncryptionContextEquals(wanted.clone()), equals),
        (Constraint::EncryptionContextSubset(wanted), subset),
    ];
    for (constraint, holds) in constraints {
        let call = decrypt().grant(constrained(constraint, &["Decrypt"]));
        let call = context.iter().fold(call, |call, (name, value)| call.encryption_context(name, value));
        call.check(&if holds { by_grant() } else { not_allowed(Layer::Identity) });
    }
}

/// R6.27: `DescribeKey` carries no encryption context, and a constraint on it does not count.
#[test]
fn r6_27_describe_key() {
    let equals = Constraint::EncryptionContextEquals(pairs(&[("Department", "IT")]));
    Call::new("kms:DescribeKey").key_policy(&[ROOT]).grant(constrained(equals, &["DescribeKey"])).check(&by_grant());
}

fn source_arn(arn: &str) -> Constraint {
    Constraint::source_arn(Text::new(arn, grantee_pattern(S).text.span()))
}

/// R6.27: a source constraint is a condition on `aws:SourceArn`, for every operation.
#[test]
fn r6_27_source_arn() {
    let job = "arn:aws:bedrock:us-east-1:111111111111:evaluation-job/a";
    let grant = Grant { constraints: vec![source_arn(job)], ..grant(S, &["Decrypt", "DescribeKey"]) };
    let call = |action: &str| Call::new(action).by(S).key_policy(&[OF_B]).grant(grant.clone());
    call("kms:Decrypt").source(job).check(&by_grant());
    call("kms:DescribeKey").source(job).check(&by_grant());
    call("kms:Decrypt")
        .source("arn:aws:bedrock:us-east-1:111111111111:evaluation-job/b")
        .check(&not_allowed(Layer::Resource));
    // Which resource the service acts for has to be stated.
    assert_eq!(open(&call("kms:Decrypt").decide()), ["aws:SourceArn"]);
}

fn create_grant() -> Call {
    Call::new("kms:CreateGrant").key_policy(&[ROOT])
}

/// R6.28: a grant made by way of a grant permits nothing more than its parent; one made by a policy is not limited.
#[test]
fn r6_28_operations_of_a_child() {
    let parent = grant(R, &["CreateGrant", "Decrypt"]);
    let by_grant_of =
        |operations: &[&str]| create_grant().grant(parent.clone()).context_set("kms:GrantOperations", operations);
    by_grant_of(&["Decrypt"]).check(&by_grant());
    by_grant_of(&["Decrypt", "CreateGrant"]).check(&by_grant());
    by_grant_of(&["Decrypt", "Encrypt"]).check(&not_allowed(Layer::Identity));
    by_grant_of(&["Encrypt"]).identity_policy(ALLOW_ALL).check(&allowed(Layer::Identity, "All"));
    // What the new grant permits has to be stated.
    assert_eq!(open(&create_grant().grant(parent).decide()), ["kms:GrantOperations"]);
}

/// R6.28: and is at least as strict.
#[rstest]
#[case::exact_under_subset(false, "EncryptionContextEquals", &[("D", "IT"), ("P", "1")], true)]
#[case::subset_under_subset(false, "EncryptionContextSubset", &[("D", "IT"), ("P", "1")], true)]
#[case::wider_subset(false, "EncryptionContextSubset", &[("P", "1")], false)]
#[case::exact_under_exact(true, "EncryptionContextEquals", &[("D", "IT")], true)]
#[case::subset_under_exact(true, "EncryptionContextSubset", &[("D", "IT")], false)]
#[case::more_under_exact(true, "EncryptionContextEquals", &[("D", "IT"), ("P", "1")], false)]
fn r6_28_constraint_of_a_child(
    #[case] is_exact: bool,
    #[case] child: &str,
    #[case] context: &[(&str, &str)],
    #[case] holds: bool,
) {
    let wanted = pairs(&[("D", "IT")]);
    let parent = if is_exact {
        Constraint::EncryptionContextEquals(wanted)
    } else {
        Constraint::EncryptionContextSubset(wanted)
    };
    let call = create_grant().grant(constrained(parent, &["CreateGrant", "Decrypt"]));
    let call = call.context_set("kms:GrantOperations", &["Decrypt"]).context("kms:GrantConstraintType", child);
    let call = context.iter().fold(call, |call, (name, value)| call.encryption_context(name, value));
    call.check(&if holds { by_grant() } else { not_allowed(Layer::Identity) });
}

/// R6.28: without any constraint the child of a constrained grant is refused.
#[test]
fn r6_28_child_without_constraint() {
    let parent = constrained(Constraint::EncryptionContextSubset(pairs(&[("D", "IT")])), &["CreateGrant", "Decrypt"]);
    let call = create_grant().grant(parent).context_set("kms:GrantOperations", &["Decrypt"]);
    call.without("kms:GrantConstraintType").check(&not_allowed(Layer::Identity));
}

fn retire() -> Call {
    Call::new("kms:RetireGrant").key_policy(&[ROOT]).without("kms:GrantConstraintType")
}

/// R6.30: the retiring principal may retire, and a grantee whose grant says so.
#[test]
fn r6_30_retiring_principal_and_grantee() {
    let to_user = || grant(U, &["Decrypt"]);
    let of_b = || Grant { issuing_account: Some(account("222222222222")), ..to_user() };
    let retired_by = |who: &str| Grant { retiring_principal: Some(grantee_pattern(who)), ..of_b() };
    retire().grant(of_b()).check(&not_allowed(Layer::Grant));
    retire().grant(retired_by(R)).check(&by_grant());
    retire().grant(retired_by(U)).check(&not_allowed(Layer::Grant));
    retire().by(S).grant(retired_by(S)).check(&by_grant());
    retire().grant(Grant { grantee: grantee_pattern(R), ..retired_by(U) }).check(&not_allowed(Layer::Grant));
    let may_retire = Grant { issuing_account: Some(account("222222222222")), ..grant(R, &["Decrypt", "RetireGrant"]) };
    retire().grant(may_retire).check(&by_grant());
}

/// R6.30: the account that issued the grant may retire it, and leave that to its identity policies.
#[test]
fn r6_30_issuing_account() {
    let call = || retire().grant(grant(U, &["Decrypt"]));
    call().by(ROOT_USER).check(&by_grant());
    call().check(&not_allowed(Layer::Identity).unless(Rule::GrantEscapesLimits, Allow));
    call().identity_policy(ALLOW_ALL).check(&allowed(Layer::Identity, "All"));
}

/// R6.30: key policy and RCP have no say, an explicit deny in an identity policy does.
#[test]
fn r6_30_which_policies_count() {
    let deny = r#"{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let retired_by_r = || Grant { retiring_principal: Some(grantee_pattern(R)), ..grant(U, &["Decrypt"]) };
    retire().key_policy(&[ROOT, deny]).rcp(&[deny]).grant(retired_by_r()).check(&by_grant());
    let own = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:RetireGrant", "Resource": "*"}"#;
    retire().identity_policy(own).grant(retired_by_r()).check(&denied(Layer::Identity, "No"));
    let open_policy = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let of_b = Grant { issuing_account: Some(account("222222222222")), ..grant(U, &["Decrypt"]) };
    retire().key_policy(&[open_policy]).grant(of_b).check(&not_allowed(Layer::Grant));
}

/// R6.30: the grant that is retired decides, not its neighbour.
#[test]
fn r6_30_which_grant() {
    let retired_by_r = Grant { retiring_principal: Some(grantee_pattern(R)), ..grant(U, &["Decrypt"]) };
    let of_b = Grant { issuing_account: Some(account("222222222222")), ..grant(U, &["Decrypt"]) };
    let call = || retire().grant(retired_by_r.clone()).grant(of_b.clone());
    call().retires(0).check(&by_grant());
    call().retires(1).check(&not_allowed(Layer::Grant));
}

/// R6.6: a grant may be retired from another account.
#[test]
fn r6_6_retire_across_accounts() {
    let retired_by_r = Grant { retiring_principal: Some(grantee_pattern(R)), ..grant(U, &["Decrypt"]) };
    retire().on(K_OF_B).key_policy(&[OF_B]).grant(retired_by_r).check(&by_grant());
    retire().on(K_OF_B).key_policy(&[OF_B]).identity_policy(ALLOW_ALL).check(&not_allowed(Layer::Grant));
}

/// R6.6, R3.6: a grant serves no unsigned caller.
#[test]
fn r6_25_nobody_signs() {
    let call = decrypt().by_principal(Principal::Anonymous).grant(grant(R, &["Decrypt"]));
    assert_eq!(call.decide().effect, ImplicitDeny);
    assert_ne!(call.decide().effect, ExplicitDeny);
}
