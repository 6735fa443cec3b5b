//! Section 8 of the rules: which keys about its caller a call carries.

use permitlab_evaluator::layer::Layer::{self, Resource};
use permitlab_evaluator::principal::Principal;
use rstest::rstest;

use crate::support::{Call, R, S, SESSION, U, allowed, federated_session, not_allowed, session};

const ROOT_USER: &str = "arn:aws:iam::111111111111:root";
const OBJECT: &str = "arn:aws:s3:::b/x";

/// A caller with its unique id.
fn known(caller: &str, id: &str) -> Principal {
    let mut caller = by(caller);
    if let Principal::User(identity) | Principal::RoleSession { role: identity, .. } = &mut caller {
        identity.unique_id = Some(id.into());
    }
    caller
}

fn by(caller: &str) -> Principal {
    Principal::parse(caller).unwrap()
}

/// A call that a bucket policy allows on this condition.
fn on_condition(caller: Principal, condition: &str) -> Call {
    let statement = format!(
        r#"{{"Sid": "If", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {condition}}}"#
    );
    Call::new("s3:GetObject").on(OBJECT).by_principal(caller).bucket_policy(&statement)
}

/// The table of section 8: each kind of caller has these values.
#[rstest]
#[case::user_arn(by(U), "aws:PrincipalArn", U)]
#[case::user_type(by(U), "aws:PrincipalType", "User")]
#[case::user_account(by(U), "aws:PrincipalAccount", "111111111111")]
#[case::user_name(by(U), "aws:username", "bob")]
#[case::user_id(known(U, "AIDAEXAMPLE1111111111"), "aws:userid", "AIDAEXAMPLE1111111111")]
#[case::session_type(by(R), "aws:PrincipalType", "AssumedRole")]
#[case::session_id(known(SESSION, "AROAEXAMPLE1111111111"), "aws:userid", "AROAEXAMPLE1111111111:s")]
#[case::federated_arn(federated_session(), "aws:PrincipalArn", "arn:aws:sts::111111111111:federated-user/fed")]
#[case::federated_type(federated_session(), "aws:PrincipalType", "FederatedUser")]
#[case::federated_id(federated_session(), "aws:userid", "111111111111:fed")]
#[case::root_arn(by(ROOT_USER), "aws:PrincipalArn", ROOT_USER)]
#[case::root_type(by(ROOT_USER), "aws:PrincipalType", "Account")]
#[case::root_id(by(ROOT_USER), "aws:userid", "111111111111")]
#[case::service_name(by(S), "aws:PrincipalServiceName", S)]
#[case::service(by(S), "aws:PrincipalIsAWSService", "true")]
#[case::no_service(by(U), "aws:PrincipalIsAWSService", "false")]
#[case::unsigned_account(Principal::Anonymous, "aws:PrincipalAccount", "anonymous")]
#[case::unsigned_type(Principal::Anonymous, "aws:PrincipalType", "Anonymous")]
fn r8_callers_have_values(#[case] caller: Principal, #[case] key: &str, #[case] value: &str) {
    on_condition(caller, &format!(r#"{{"StringEquals": {{"{key}": "{value}"}}}}"#)).check(&allowed(Resource, "If"));
}

/// The table of section 8: these callers have no such key.
#[rstest]
#[case::session_without_user_name(by(R), "aws:username")]
#[case::root_without_user_name(by(ROOT_USER), "aws:username")]
#[case::user_without_service_name(by(U), "aws:PrincipalServiceName")]
#[case::service_without_organization(by(S), "aws:PrincipalOrgID")]
#[case::service_without_tags(by(S), "aws:PrincipalTag/team")]
#[case::unsigned_without_arn(Principal::Anonymous, "aws:PrincipalArn")]
#[case::unsigned_no_service(Principal::Anonymous, "aws:PrincipalIsAWSService")]
fn r8_callers_lack_keys(#[case] caller: Principal, #[case] key: &str) {
    on_condition(caller.clone(), &format!(r#"{{"Null": {{"{key}": "true"}}}}"#)).check(&allowed(Resource, "If"));
}

/// R8.2, R8.3: `aws:PrincipalArn` of a session is its role, with the path.
#[rstest]
#[case::role_with_its_path(R, true)]
#[case::role_without_its_path("arn:aws:iam::111111111111:role/r", false)]
#[case::session(SESSION, false)]
fn r8_2_principal_arn_of_a_session(#[case] value: &str, #[case] matches: bool) {
    let call = on_condition(session("s"), &format!(r#"{{"ArnEquals": {{"aws:PrincipalArn": "{value}"}}}}"#));
    call.check(&if matches { allowed(Resource, "If") } else { not_allowed(Layer::Identity) });
}

/// The table of section 8: a global service is asked in us-east-1.
#[test]
fn r8_region_of_a_global_service() {
    let statement = r#"{"Sid": "East", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}"#;
    Call::new("iam:PassRole").on(R).identity_policy(statement).check(&allowed(Layer::Identity, "East"));
}
