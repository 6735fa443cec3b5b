//! Does `decide` answer every line, in order, and say of each bad one what is wrong and where?

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test is not about may end it")]
#![expect(clippy::needless_pass_by_value, reason = "the rows of a table hold values")]

use permitlab::decide::{Decider, VERSION, answers, decide};
use rstest::rstest;
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234";
const ROLE: &str = "arn:aws:iam::111122223333:role/R";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/R/s";

fn policy(statement: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn allow(action: &str) -> Value {
    policy(json!({ "Effect": "Allow", "Action": action, "Resource": "*" }))
}

fn allow_if(condition: Value) -> Value {
    policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition }))
}

fn resource(effect: &str, principal: Value) -> Value {
    policy(json!({ "Effect": effect, "Principal": principal, "Action": "*", "Resource": "*" }))
}

fn rcp() -> Value {
    policy(json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*" }))
}

/// An allowed case: the key policy delegates, the identity policy allows.
fn case() -> Value {
    json!({
        "id": 1,
        "request": { "principal": ROLE, "action": "kms:Decrypt", "resource": KEY },
        "policies": { "resource": resource("Allow", json!({ "AWS": "111122223333" })), "identity": [allow("kms:*")] },
    })
}

/// The case with some values replaced, added or, where they are null, removed.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut case = case();
    for (path, value) in changes {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = case.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.shift_remove(name);
        } else {
            parent.insert(name.to_owned(), value.clone());
        }
    }
    case
}

fn ask(line: &str) -> Value {
    serde_json::from_str(&Decider::new().line(1, line.as_bytes()).unwrap()).unwrap()
}

#[track_caller]
fn check(changes: &[(&str, Value)], expected: &[(&str, Value)]) {
    let answer = ask(&with(changes).to_string());
    for (path, value) in expected {
        assert_eq!(answer.pointer(path).unwrap_or(&Value::Null), value, "{path} of {answer:#}");
    }
}

#[test]
fn an_answer_has_its_fields_in_their_order() {
    let mut expected =
        r#"{"id":1,"decision":"allowed","decided_by":{"layer":"identity","policy":0,"statement":{"index":0}},"#
            .to_owned();
    expected += r#""layers":{"rcp":"notApplicable","scp":"notApplicable","vpc_endpoint":"notApplicable","resource":"delegated","#;
    expected +=
        r#""grant":"notApplicable","identity":"allowed","boundary":"notApplicable","session":"notApplicable"},"#;
    expected += r#""unsure":[],"absent_keys":[]}"#;
    assert_eq!(Decider::new().line(1, case().to_string().as_bytes()), Some(expected));
}

#[rstest]
#[case::identity("/policies/identity", json!([]), "implicitDeny", json!({ "layer": "identity" }))]
#[case::no_policies("/policies", json!({}), "implicitDeny", json!({ "layer": "resource" }))]
#[case::explicit_deny("/policies/resource", resource("Deny", json!("*")), "explicitDeny", json!({ "layer": "resource", "policy": 0, "statement": { "index": 0 } }))]
#[case::policy_in_a_string("/policies/identity", json!([allow("s3:*").to_string(), allow("kms:*").to_string()]), "allowed", json!({ "layer": "identity", "policy": 1, "statement": { "index": 0 } }))]
#[case::boundary("/policies/permissions_boundary", json!([allow("s3:*")]), "implicitDeny", json!({ "layer": "boundary" }))]
#[case::no_boundary("/policies/permissions_boundary", json!([]), "allowed", json!({ "layer": "identity", "policy": 0, "statement": { "index": 0 } }))]
#[case::session("/policies/session", json!([allow("s3:*")]), "implicitDeny", json!({ "layer": "session" }))]
#[case::vpc_endpoint("/policies/vpc_endpoint", json!([resource("Deny", json!("*"))]), "explicitDeny", json!({ "layer": "vpc_endpoint", "policy": 0, "statement": { "index": 0 } }))]
#[case::scp_allows("/policies/service_control", json!([[allow("*")], [allow("kms:*")]]), "allowed", json!({ "layer": "identity", "policy": 0, "statement": { "index": 0 } }))]
#[case::scp_level("/policies/service_control", json!([[allow("*")], [allow("*"), policy(json!({ "Sid": "No", "Effect": "Deny", "Action": "kms:*", "Resource": "*" }))]]), "explicitDeny", json!({ "layer": "scp", "level": 1, "policy": 1, "statement": { "index": 0, "sid": "No" } }))]
#[case::rcp_level("/policies/resource_control", json!([[], [rcp()]]), "explicitDeny", json!({ "layer": "rcp", "level": 1, "policy": 0, "statement": { "index": 0 } }))]
#[case::key_state("/key_state", json!("Disabled"), "unavailable", json!({ "layer": "identity", "policy": 0, "statement": { "index": 0 } }))]
#[case::region("/request/region", json!("eu-west-1"), "unavailable", json!(null))]
#[case::same_region("/request/region", json!("us-east-1"), "allowed", json!({ "layer": "identity", "policy": 0, "statement": { "index": 0 } }))]
#[case::no_grants("/grants", json!([]), "allowed", json!({ "layer": "identity", "policy": 0, "statement": { "index": 0 } }))]
#[case::version("/version", json!(1), "allowed", json!({ "layer": "identity", "policy": 0, "statement": { "index": 0 } }))]
fn a_field_decides(#[case] path: &str, #[case] value: Value, #[case] decision: &str, #[case] by: Value) {
    check(&[(path, value)], &[("/decision", json!(decision)), ("/decided_by", by)]);
}

#[rstest]
#[case::string(json!({ "a:b": "x" }), json!({ "StringEquals": { "a:b": "x" } }), "allowed")]
#[case::number_as_written(json!({ "a:b": 1.50 }), json!({ "NumericEquals": { "a:b": "1.5" } }), "allowed")]
#[case::boolean(json!({ "a:b": true }), json!({ "Bool": { "a:b": "true" } }), "allowed")]
#[case::array(json!({ "a:b": ["x", 1, false] }), json!({ "ForAllValues:StringEquals": { "a:b": ["x", "1", "false"] } }), "allowed")]
#[case::array_other(json!({ "a:b": ["x", 2] }), json!({ "ForAllValues:StringEquals": { "a:b": ["x", "1"] } }), "implicitDeny")]
#[case::null_is_absent(json!({ "aws:PrincipalArn": null }), json!({ "Null": { "aws:PrincipalArn": "true" } }), "allowed")]
#[case::overrides(json!({ "aws:principalaccount": "1" }), json!({ "StringEquals": { "aws:PrincipalAccount": "1" } }), "allowed")]
#[case::derived(json!({}), json!({ "StringEquals": { "aws:PrincipalArn": ROLE, "aws:PrincipalAccount": "111122223333", "aws:PrincipalType": "AssumedRole", "aws:ResourceAccount": "111122223333", "kms:CallerAccount": "111122223333" }, "Bool": { "aws:PrincipalIsAWSService": "false" } }), "allowed")]
#[case::nothing_else(json!({}), json!({ "Null": { "aws:SourceArn": "true", "kms:ViaService": "true", "aws:RequestedRegion": "true", "aws:username": "true" } }), "allowed")]
#[case::huge_number(json!({ "a:b": "1e999999999" }), json!({ "NumericLessThan": { "a:b": "1" } }), "implicitDeny")]
fn the_request_context_is_what_the_line_says(#[case] context: Value, #[case] condition: Value, #[case] decision: &str) {
    let changes = [("/request/context", context), ("/policies/identity", json!([allow_if(condition)]))];
    check(&changes, &[("/decision", json!(decision)), ("/unsure", json!([]))]);
}

#[test]
fn digits_are_compared_as_written() {
    let line = with(&[
        ("/request/context", json!({ "a:b": "HERE" })),
        ("/policies/identity", json!([allow_if(json!({ "StringEquals": { "a:b": "1.500e+2" } }))])),
    ]);
    assert_eq!(ask(&line.to_string().replace("\"HERE\"", "1.500e+2"))["decision"], "allowed");
}

#[test]
fn an_encryption_context_becomes_condition_keys() {
    let condition = json!({ "StringEquals": { "kms:EncryptionContext:Job": "a" } });
    let identity = json!([allow_if(condition)]);
    for (value, decision) in [("a", "allowed"), ("b", "implicitDeny")] {
        let context = json!({ "Job": value });
        let changes = [("/request/encryption_context", context), ("/policies/identity", identity.clone())];
        check(&changes, &[("/decision", json!(decision))]);
    }
    let absent = [("/absent_keys", json!(["kms:EncryptionContext:Job"]))];
    check(&[("/policies/identity", identity)], &absent);
}

#[rstest]
#[case::of_the_key(KEY, "allowed")]
#[case::of_the_alias("arn:aws:kms:us-east-1:111122223333:alias/app", "implicitDeny")]
fn the_permission_on_an_alias_carries_no_key_of_kms(#[case] resource: &str, #[case] decision: &str) {
    let identity = json!([allow_if(json!({ "StringEquals": { "kms:CallerAccount": "111122223333" } }))]);
    let changes = [
        ("/request/action", json!("kms:CreateAlias")),
        ("/request/resource", json!(resource)),
        ("/policies/identity", identity),
    ];
    check(&changes, &[("/decision", json!(decision))]);
}

#[test]
fn a_session_takes_the_path_of_its_role() {
    let arn = "arn:aws:iam::111122223333:role/app/R";
    let identity = json!([allow_if(json!({ "StringEquals": { "aws:PrincipalArn": arn } }))]);
    let session = [("/request/principal", json!(SESSION)), ("/policies/identity", identity)];
    check(&session, &[("/decision", json!("implicitDeny"))]);
    let known = [session.as_slice(), &[("/request/principal_arn", json!(arn))]].concat();
    check(&known, &[("/decision", json!("allowed"))]);
}

#[test]
fn the_management_account_is_out_of_reach() {
    let scp = ("/policies/service_control", json!([[]]));
    let rcp = ("/policies/resource_control", json!([[rcp()]]));
    let (denied, allowed) = (json!("notApplicable"), json!("allowed"));
    check(
        &[scp.clone(), ("/request/principal_in_management_account", json!(true))],
        &[("/decision", allowed.clone()), ("/layers/scp", denied.clone()), ("/warnings", json!(null))],
    );
    check(
        &[rcp.clone(), ("/request/resource_in_management_account", json!(true))],
        &[("/decision", allowed), ("/layers/rcp", denied)],
    );
    check(&[rcp, ("/request/resource_in_management_account", json!(false))], &[("/decision", json!("explicitDeny"))]);
}

#[test]
fn what_is_probably_not_meant_is_said() {
    let scp = ("/policies/service_control", json!([[allow("*")], []]));
    let warning = json!(["`service_control/1` is a level without a policy, which denies everything"]);
    check(&[scp], &[("/decision", json!("implicitDeny")), ("/decided_by/layer", json!("scp")), ("/warnings", warning)]);
    let warning = json!(["the key has no key policy here; AWS's keys always have one"]);
    check(&[("/policies/resource", json!(null))], &[("/decision", json!("implicitDeny")), ("/warnings", warning)]);
}

#[rstest]
#[case::before_policies("/request/region", json!("eu-west-1"), json!(["NotFoundException"]))]
#[case::after_an_allow("/key_state", json!("PendingDeletion"), json!(["DisabledException", "KMSInvalidStateException"]))]
#[case::not_at_all("/key_state", json!("Enabled"), json!(null))]
fn kms_answers_with_errors(#[case] path: &str, #[case] value: Value, #[case] errors: Value) {
    check(&[(path, value)], &[("/aws_errors", errors)]);
}

#[test]
fn a_denied_call_does_not_meet_the_key_state() {
    let changes = [("/key_state", json!("Disabled")), ("/policies/identity", json!([]))];
    check(&changes, &[("/decision", json!("implicitDeny")), ("/aws_errors", json!(null))]);
}

#[rstest]
#[case::user("arn:aws:iam::111122223333:user/U", "allowed", "allowed")]
#[case::service("bedrock.amazonaws.com", "implicitDeny", "notApplicable")]
#[case::unsigned("*", "implicitDeny", "notApplicable")]
#[case::root("arn:aws:iam::111122223333:root", "allowed", "notApplicable")]
#[case::another_account("arn:aws:iam::444455556666:role/R", "implicitDeny", "allowed")]
fn callers_differ(#[case] principal: &str, #[case] decision: &str, #[case] identity: &str) {
    let expected = [("/decision", json!(decision)), ("/layers/identity", json!(identity))];
    check(&[("/request/principal", json!(principal))], &expected);
}

#[test]
fn an_action_without_a_resource_stands_on_a_star() {
    let wide = [
        ("/request/action", json!("kms:ListKeys")),
        ("/request/resource", json!("*")),
        ("/request/region", json!("us-east-1")),
    ];
    check(&wide, &[("/decision", json!("allowed")), ("/layers/resource", json!("notApplicable"))]);
    let own_form =
        policy(json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:us-east-1:111122223333:*" }));
    let unsure = [wide.as_slice(), &[("/policies/identity", json!([own_form]))]].concat();
    check(&unsure, &[("/decision", json!("allowed")), ("/unsure", json!(["R2.8"]))]);
    let other = [
        ("/request/action", json!("s3:ListAllMyBuckets")),
        ("/request/resource", json!("*")),
        ("/policies", json!({ "identity": [allow("s3:*")] })),
    ];
    check(&other, &[("/decision", json!("allowed"))]);
}

#[rstest]
#[case::key_policy("kms:Decrypt", KEY, json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" }))]
#[case::trust_policy("sts:AssumeRole", ROLE, json!({ "Effect": "Deny", "Principal": "*", "Action": "*" }))]
#[case::bucket_policy("s3:GetObject", "arn:aws:s3:::b/k", json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" }))]
fn the_action_says_what_the_resource_policy_is(#[case] action: &str, #[case] resource: &str, #[case] statement: Value) {
    let request = [("/request/action", json!(action)), ("/request/resource", json!(resource))];
    let inline = [request.as_slice(), &[("/policies/resource", policy(statement.clone()))]].concat();
    check(&inline, &[("/decision", json!("explicitDeny"))]);

    let mut decider = Decider::new();
    let define = json!({ "define": "s", "policies": { "resource": policy(statement) } });
    assert_eq!(decider.line(1, define.to_string().as_bytes()), None);
    let used = with(&[request.as_slice(), &[("/policies", json!("s"))]].concat());
    let answer: Value = serde_json::from_str(&decider.line(2, used.to_string().as_bytes()).unwrap()).unwrap();
    assert_eq!(answer["decision"], "explicitDeny");
}

/// A role is assumed by those its trust policy names, or lets in through the account (R5.7).
#[rstest]
#[case::named(SESSION, json!({ "AWS": ROLE }), json!([]), "allowed", "allowed")]
#[case::delegated(SESSION, json!({ "AWS": "111122223333" }), json!([allow("sts:*")]), "allowed", "delegated")]
#[case::delegated_to_nothing(SESSION, json!({ "AWS": "111122223333" }), json!([]), "implicitDeny", "delegated")]
#[case::not_named(SESSION, json!({ "AWS": "444455556666" }), json!([allow("sts:*")]), "implicitDeny", "implicitDeny")]
#[case::service("bedrock.amazonaws.com", json!({ "Service": "bedrock.amazonaws.com" }), json!([]), "allowed", "allowed")]
fn a_trust_policy_decides(
    #[case] caller: &str,
    #[case] named: Value,
    #[case] identity: Value,
    #[case] decision: &str,
    #[case] resource: &str,
) {
    let trust = policy(json!({ "Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole" }));
    let changes = [
        ("/request/principal", json!(caller)),
        ("/request/action", json!("sts:AssumeRole")),
        ("/request/resource", json!("arn:aws:iam::111122223333:role/target")),
        ("/policies", json!({ "identity": identity, "resource": trust })),
    ];
    check(&changes, &[("/decision", json!(decision)), ("/layers/resource", json!(resource))]);
}

#[rstest]
#[case::provider("arn:aws:iam::111122223333:oidc-provider/oidc.example", "allowed")]
#[case::another_provider("federated/accounts.google.com", "implicitDeny")]
fn a_token_has_its_provider(#[case] caller: &str, #[case] decision: &str) {
    let provider = json!({ "Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example" });
    let trust = policy(json!({ "Effect": "Allow", "Principal": provider, "Action": "sts:AssumeRoleWithWebIdentity" }));
    let changes = [
        ("/request/principal", json!(caller)),
        ("/request/action", json!("sts:AssumeRoleWithWebIdentity")),
        ("/request/resource", json!(ROLE)),
        ("/policies", json!({ "resource": trust })),
    ];
    check(&changes, &[("/decision", json!(decision))]);
}

#[rstest]
#[case::misspelt("kms:ViaServce", "AWS has no condition key `kms:ViaServce`; did you mean `kms:ViaService`?")]
#[case::without_prefix("SourceArn", "AWS has no condition key `SourceArn`; did you mean `aws:SourceArn`?")]
fn a_condition_key_that_aws_does_not_have_is_warned_of(#[case] key: &str, #[case] warning: &str) {
    check(&[("/request/context", json!({ key: "x" }))], &[("/warnings", json!([warning]))]);
}

#[test]
fn a_role_without_a_trust_policy_is_warned_of() {
    let changes = [
        ("/request/action", json!("sts:AssumeRole")),
        ("/request/resource", json!(ROLE)),
        ("/policies", json!({ "identity": [allow("sts:*")] })),
    ];
    let warning = "the role has no trust policy here; AWS's roles always have one";
    check(&changes, &[("/decision", json!("implicitDeny")), ("/warnings/0", json!(warning))]);
    let nowhere = [changes.as_slice(), &[("/request/resource", json!("*"))]].concat();
    check(&nowhere, &[("/error/code", json!("invalid-resource"))]);
}

#[test]
fn the_account_of_a_bucket_is_stated() {
    let changes = |account: Value| {
        let policies =
            json!({ "identity": [allow("*")], "resource": resource("Allow", json!({ "AWS": "555566667777" })) });
        [
            ("/request/action", json!("s3:GetObject")),
            ("/request/resource", json!("arn:aws:s3:::b/k")),
            ("/request/resource_account", account),
            ("/policies", policies),
        ]
    };
    check(&changes(json!("444455556666")), &[("/decision", json!("implicitDeny"))]);
    check(&changes(json!(null)), &[("/decision", json!("allowed"))]);
}

#[rstest]
#[case::string(r#""a\u00e9""#)]
#[case::digits("1.0e5")]
#[case::object(r#"{ "z": 1, "a": [null, 1e400] }"#)]
#[case::null("null")]
fn the_id_comes_back_as_written(#[case] id: &str) {
    let line = case().to_string().replacen("\"id\":1", &format!("\"id\":{id}"), 1);
    let answer = Decider::new().line(1, line.as_bytes()).unwrap();
    assert!(answer.starts_with(&format!("{{\"id\":{id},\"decision\":\"allowed\"")), "{answer}");
}

#[test]
fn a_case_without_id_is_answered_without_one() {
    assert!(
        Decider::new()
            .line(1, with(&[("/id", json!(null))]).to_string().as_bytes())
            .unwrap()
            .starts_with("{\"decision\"")
    );
}

/// Each fault by its code, the field it names and the column there.
#[rstest]
#[case("/requets", json!({}), "unknown-field", None)]
#[case("/request/acton", json!(""), "unknown-field", Some("request"))]
#[case("/policies/identty", json!([]), "unknown-field", Some("policies"))]
#[case("/request", json!(null), "missing-field", None)]
#[case("/request/principal", json!(null), "missing-field", Some("request"))]
#[case("/request/action", json!(null), "missing-field", Some("request"))]
#[case("/request/resource", json!(null), "missing-field", Some("request"))]
#[case("/request", json!([]), "wrong-type", Some("request"))]
#[case("/request/principal", json!(5), "wrong-type", Some("request/principal"))]
#[case("/request/context", json!([]), "wrong-type", Some("request/context"))]
#[case("/request/context", json!({ "a:b/c~": {} }), "wrong-type", Some("request/context/a:b~1c~0"))]
#[case("/request/context", json!({ "a:b": ["x", null] }), "wrong-type", Some("request/context/a:b/1"))]
#[case("/request/context", json!({ "a:b": "x", "A:B": "y" }), "duplicate-key", Some("request/context"))]
#[case("/request/encryption_context", json!({ "a": 1 }), "wrong-type", Some("request/encryption_context/a"))]
#[case("/request/principal_in_management_account", json!("true"), "wrong-type", Some("request/principal_in_management_account"))]
#[case("/policies", json!(["s"]), "wrong-type", Some("policies"))]
#[case("/policies/identity", allow("*"), "wrong-type", Some("policies/identity"))]
#[case("/policies/identity", json!([5]), "wrong-type", Some("policies/identity/0"))]
#[case("/policies/service_control", json!([allow("*")]), "wrong-type", Some("policies/service_control/0"))]
#[case("/policies/resource_control", json!([[], [allow("*")]]), "missing-element", Some("policies/resource_control/1/0"))]
#[case("/policies/resource", allow("*"), "missing-element", Some("policies/resource"))]
#[case("/policies/permissions_boundary", json!(["{"]), "unexpected-end", Some("policies/permissions_boundary/0"))]
#[case("/policies/session", json!(["{}"]), "missing-element", Some("policies/session/0"))]
#[case("/policies/vpc_endpoint", json!([allow("*")]), "missing-element", Some("policies/vpc_endpoint/0"))]
#[case("/request/principal", json!("R"), "invalid-principal", Some("request/principal"))]
#[case("/request/principal", json!("arn:aws:iam::111122223333:group/G"), "invalid-principal", Some("request/principal"))]
#[case("/request/principal_arn", json!("arn:aws:iam::111122223333:role/app/R"), "conflicting-principal-arn", Some("request/principal_arn"))]
#[case("/request/action", json!("Decrypt"), "invalid-action", Some("request/action"))]
#[case("/request/action", json!("kms:Decrpt"), "unknown-action", Some("request/action"))]
#[case("/request/action", json!("kms:ListKeys"), "invalid-resource", Some("request/resource"))]
#[case("/request/resource", json!("key"), "invalid-resource", Some("request/resource"))]
#[case("/request/resource", json!("*"), "invalid-resource", Some("request/resource"))]
#[case("/request/resource", json!("arn:aws:kms:us-east-1:111122223333:alias/a"), "invalid-resource", Some("request/resource"))]
#[case("/request/resource", json!("arn:aws:kms:us-east-1:111122223333:key/*"), "invalid-resource", Some("request/resource"))]
#[case("/request/resource_account", json!("1"), "invalid-account", Some("request/resource_account"))]
#[case("/request/resource_account", json!("444455556666"), "conflicting-account", Some("request/resource_account"))]
#[case("/request/region", json!("US East"), "invalid-region", Some("request/region"))]
#[case("/key_state", json!("disabled!"), "unknown-key-state", Some("key_state"))]
#[case("/grants", json!([{}]), "missing-field", Some("grants/0"))]
#[case("/grants", json!([{ "grantee_principal": ROLE, "operations": [] }]), "invalid-grant", Some("grants/0/operations"))]
#[case("/grants", json!([{ "grantee_principal": ROLE, "operations": ["kms:Decrypt"] }]), "invalid-grant", Some("grants/0/operations/0"))]
#[case("/grants", json!([{ "grantee_principal": "*", "operations": ["Decrypt"] }]), "invalid-grant", Some("grants/0/grantee_principal"))]
#[case("/grants", json!([{ "grantee_principal": ROLE, "grantee_service_principal": "s3.amazonaws.com", "operations": ["Decrypt"] }]), "invalid-grant", Some("grants/0"))]
#[case("/grants", json!([{ "grantee_principal": ROLE, "operations": ["Decrypt"], "constraints": { "encryption_context_equals": {} } }]), "invalid-grant", Some("grants/0/constraints/encryption_context_equals"))]
#[case("/grants", json!([{ "grantee_principal": ROLE, "operations": ["Decrypt"], "constraints": { "source_arn": "job" } }]), "invalid-grant", Some("grants/0/constraints/source_arn"))]
#[case("/version", json!(2), "unsupported-version", Some("version"))]
#[case("/policies", json!("s"), "unknown-set", Some("policies"))]
fn a_mistake_has_a_code_and_a_place(
    #[case] path: &str,
    #[case] value: Value,
    #[case] code: &str,
    #[case] at: Option<&str>,
) {
    let answer = ask(&with(&[(path, value)]).to_string());
    assert_eq!((&answer["id"], &answer["input_line"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!((&answer["error"]["code"], answer["error"]["at"].as_str()), (&json!(code), at), "{answer}");
    assert!(answer["error"]["line"].is_u64() && answer["error"]["column"].is_u64(), "{answer}");
    let page = std::fs::read_to_string("../docs/decide.md").unwrap();
    let is_of_policies = ["missing-element"].contains(&code);
    assert!(is_of_policies || page.contains(&format!("`{code}`")), "docs/decide.md does not list `{code}`");
}

#[rstest]
#[case::unknown_field(r#"{"request":{"é":0,"acton":1}}"#, "unknown field `é`", 3)]
#[case::second(r#"{"id":"é","id":2}"#, "`id` stands here twice", 12)]
#[case::syntax(r#"{"id":"é",}"#, "a comma after the last entry", 10)]
#[case::cut_short(r#"{"id":"#, "the text ends where a JSON value should stand", 7)]
#[case::open_string("{\"id\":\"x\r\n", "a string that never ends", 7)]
#[case::nul("{\"id\":\0}", "expected a JSON value", 7)]
#[case::two_values("{} {}", "text after the end", 4)]
#[case::not_an_object("[]", "expected an object, found an array", 1)]
fn a_mistake_has_a_column(#[case] line: &str, #[case] message: &str, #[case] column: usize) {
    let answer = ask(line);
    assert!(answer["error"]["message"].as_str().unwrap().starts_with(message), "{answer}");
    assert_eq!((&answer["error"]["line"], &answer["error"]["column"]), (&json!(1), &json!(column)), "{answer}");
}

#[test]
fn places_in_a_policy_count_inside_its_text() {
    let text = "{\n  \"Statement\": {\"Effect\":\"Allow\",\"Action\":\"kmsDecrypt\",\"Resource\":\"é\"}\n}";
    let error =
        |policy: Value| ask(&with(&[("/policies/identity", json!([allow("*"), policy]))]).to_string())["error"].clone();
    let in_string = error(json!(text));
    assert_eq!(in_string["at"], "policies/identity/1");
    assert_eq!(
        (&in_string["code"], &in_string["line"], &in_string["column"]),
        (&json!("unknown-action-form"), &json!(2), &json!(44))
    );
    let in_object = error(serde_json::from_str(text).unwrap());
    assert_eq!(
        (&in_object["code"], &in_object["line"], &in_object["column"]),
        (&json!("unknown-action-form"), &json!(1), &json!(42))
    );
}

#[test]
fn a_member_there_twice_is_seen_inside_policies() {
    let line = case().to_string().replace("\"Action\":\"kms:*\"", "\"Action\":\"kms:*\",\"Action\":\"s3:*\"");
    assert_eq!(ask(&line)["error"]["code"], "duplicate-key");
}

#[test]
fn bytes_that_are_no_text_and_runaway_nesting_are_refused() {
    let mut decider = Decider::new();
    let answer = decider.line(7, b"{\"id\":\"\xc3\xa9\xff\"}").unwrap();
    assert_eq!(
        answer,
        r#"{"input_line":7,"error":{"code":"invalid-utf8","message":"the line is not UTF-8","line":1,"column":9}}"#
    );
    let answer = ask(&"[".repeat(1_000_000));
    assert_eq!(answer["error"]["code"], "nested-too-deep");
    let answer = ask(&with(&[("/request/action", json!(format!("kms:{}", "x".repeat(1_000_000))))]).to_string());
    assert_eq!(answer["error"]["code"], "unknown-action");
}

#[test]
fn suggestions_name_what_is_near() {
    let message = |path: &str, value: Value| ask(&with(&[(path, value)]).to_string())["error"]["message"].to_string();
    assert!(message("/request/acton", json!("")).contains("did you mean `action`?"));
    assert!(message("/request/action", json!("kms:Decrpt")).contains("did you mean `kms:Decrypt`?"));
    assert!(message("/key_state", json!("Disable")).contains("did you mean `Disabled`?"));
}

/// Answers to lines that follow each other: the decision, or the code of the error; nothing where there is none.
fn run(lines: &[Value]) -> Vec<String> {
    let mut decider = Decider::new();
    let answer = |(index, line): (usize, &Value)| {
        let Some(answer) = decider.line(index + 1, line.to_string().as_bytes()) else { return String::new() };
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let word = answer.get("decision").unwrap_or(&answer["error"]["code"]);
        word.as_str().unwrap().to_owned()
    };
    lines.iter().enumerate().map(answer).collect()
}

#[test]
fn a_set_is_named_once_and_used_often() {
    let policies = case()["policies"].clone();
    let define = |name: &str, policies: &Value| json!({ "define": name, "policies": policies });
    let with_set = |name: &str| with(&[("/policies", json!(name))]);
    let bad = json!({ "identity": [{}] });
    let lines = [define("good", &policies), with_set("good"), with_set("good"), with_set("godo")];
    assert_eq!(run(&lines), ["", "allowed", "allowed", "unknown-set"]);
    let lines = [define("bad", &bad), with_set("bad"), define("bad", &policies), with_set("bad")];
    assert_eq!(run(&lines), ["missing-element", "bad-set", "duplicate-set", "bad-set"]);
    let lines = [define("good", &policies), with_set("good"), define("good", &policies), with_set("good")];
    assert_eq!(run(&lines), ["", "allowed", "duplicate-set", "bad-set"]);
    let lines = [with_set("later"), define("later", &policies), with_set("later")];
    assert_eq!(run(&lines), ["unknown-set", "", "allowed"]);
}

#[rstest]
#[case(json!({ "define": 1, "policies": {} }), "wrong-type")]
#[case(json!({ "define": "s" }), "missing-field")]
#[case(json!({ "define": "s", "policies": {}, "request": {} }), "unknown-field")]
#[case(json!({ "define": "s", "policies": {}, "grants": [{}] }), "missing-field")]
#[case(json!({ "define": "s", "policies": {}, "version": "1" }), "unsupported-version")]
#[case(json!({ "define": "s", "policies": { "resource": {} } }), "missing-element")]
fn a_bad_definition_is_an_error(#[case] line: Value, #[case] code: &str) {
    assert_eq!(run(&[line]), [code]);
}

#[test]
fn a_set_that_does_not_fit_the_action_is_an_error() {
    let define = json!({ "define": "s", "policies": { "resource": resource("Allow", json!("*")) } });
    let used = with(&[
        ("/policies", json!("s")),
        ("/request/action", json!("sts:AssumeRole")),
        ("/request/resource", json!(ROLE)),
    ]);
    let mut decider = Decider::new();
    assert_eq!(decider.line(3, define.to_string().as_bytes()), None);
    let answer: Value = serde_json::from_str(&decider.line(4, used.to_string().as_bytes()).unwrap()).unwrap();
    let error = &answer["error"];
    assert_eq!((&error["code"], &error["at"]), (&json!("forbidden-element"), &json!("policies")), "{answer}");
    assert!(error["message"].as_str().unwrap().starts_with("the set of line 3 does not fit: "), "{answer}");
}

#[test]
fn the_page_shows_what_happens() {
    let page = std::fs::read_to_string("../docs/decide.md").unwrap();
    let block = |name: &str| {
        let (_, rest) = page.split_once(&format!("```jsonl {name}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let mut output = Vec::new();
    decide(block("input").as_bytes(), &mut output).unwrap();
    assert_eq!(String::from_utf8(output).unwrap(), block("output"));
    assert!(page.contains(&format!("version {VERSION}\nof the format")));
}

/// The kinds of line in a long run: what is read, and what comes of line `number`.
fn mixed(number: usize) -> (Vec<u8>, Option<String>) {
    let id = format!("n{number}");
    let case = |changes: &[(&str, Value)]| with(&[changes, &[("/id", json!(id))]].concat()).to_string().into_bytes();
    let decided = |decision: &str| Some(format!("{{\"id\":\"{id}\",\"decision\":\"{decision}\""));
    let refused = |id: &str, code: &str| Some(format!("{{{id}\"input_line\":{number},\"error\":{{\"code\":\"{code}\""));
    let known = format!("\"id\":\"{id}\",");
    match number % 12 {
        0 => (case(&[]), decided("allowed")),
        1 => (case(&[("/policies/identity", json!([]))]), decided("implicitDeny")),
        2 => (case(&[("/policies/resource", resource("Deny", json!("*")))]), decided("explicitDeny")),
        3 => (case(&[("/key_state", json!("Disabled"))]), decided("unavailable")),
        4 => (json!({ "define": id, "policies": case_policies() }).to_string().into_bytes(), None),
        5 => (case(&[("/policies", json!(format!("n{}", number - 1)))]), decided("allowed")),
        6 => (b"  \r".to_vec(), None),
        7 => (case(&[("/request/action", json!("kms:Nope"))]), refused(&known, "unknown-action")),
        8 => (case(&[])[..40].to_vec(), refused("", "unterminated-string")),
        9 => (b"\xff\xfe\0".to_vec(), refused("", "invalid-utf8")),
        10 => ("[".repeat(200).into_bytes(), refused("", "nested-too-deep")),
        _ => (case(&[("/policies/identity", json!([{}]))]), refused(&known, "missing-element")),
    }
}

fn case_policies() -> Value {
    case()["policies"].clone()
}

#[test]
fn ten_thousand_lines_are_answered_in_order_and_none_is_lost() {
    let lines: Vec<_> = (1..=10_000).map(mixed).collect();
    let input = lines.iter().map(|(line, _)| line.as_slice()).collect::<Vec<_>>().join(&b'\n');
    let found: String = answers(input.as_slice()).map(Result::unwrap).collect();
    let found: Vec<&str> = found.lines().collect();
    let expected: Vec<_> = lines.into_iter().filter_map(|(_, answer)| answer).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
        assert!(serde_json::from_str::<Value>(found).is_ok() && !found.contains('\n'), "{found}");
    }
}

#[test]
fn an_input_that_breaks_off_is_an_error_after_what_was_read() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let line = format!("{}\n", case());
    let input = std::io::BufReader::new(std::io::Read::chain(line.as_bytes(), Broken));
    let found: Vec<_> = answers(input).map(|answer| answer.is_ok()).collect();
    assert_eq!(found, [true, false]);
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_is_answered() {
    let long = "x".repeat((16 << 20) + 1);
    let lines = format!("{long}\n{}\n{long}", case());
    // All at once, and in pieces.
    for capacity in [lines.len(), 1 << 20] {
        let input = std::io::BufReader::with_capacity(capacity, lines.as_bytes());
        let answers: String = answers(input).map(Result::unwrap).collect();
        let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<_> = answers.iter().map(|answer| (&answer["input_line"], &answer["error"]["code"])).collect();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], (&json!(1), &json!("too-large")));
        assert_eq!(answers[1]["decision"], json!("allowed"));
        assert_eq!(found[2], (&json!(3), &json!("too-large")));
    }
}

#[test]
fn a_line_that_was_cut_is_never_taken_for_a_whole_one() {
    let case = case().to_string();
    let longest = 16 << 20;
    let blank = " ".repeat(longest + 1);
    let padded = format!("{case}{}\r{}", " ".repeat(longest - case.len()), "x".repeat(100));
    for lines in [format!("{blank}{case}\n"), format!("{padded}\n"), format!("{padded}\r\n")] {
        let input = std::io::BufReader::with_capacity(1 << 12, lines.as_bytes());
        let answers: String = answers(input).map(Result::unwrap).collect();
        assert_eq!(answers.lines().count(), 1);
        assert!(answers.contains("too-large"), "{answers}");
    }
}

/// A grant allows without an identity policy, and says that it did (R6.22, R6.25).
#[test]
fn a_grant_decides() {
    let grants = json!([
        { "grantee_principal": "arn:aws:iam::111122223333:role/other", "operations": ["Decrypt"] },
        { "grantee_principal": ROLE, "operations": ["Decrypt"],
          "constraints": { "encryption_context_subset": { "Department": "IT" } } },
    ]);
    let granted = [("/policies/identity", json!([])), ("/grants", grants.clone())];
    let answer = ask(&with(&granted).to_string());
    assert_eq!(answer["decision"], "implicitDeny");
    assert_eq!(answer["layers"]["grant"], "implicitDeny");
    let mut granted = granted.to_vec();
    granted.push(("/request/encryption_context", json!({ "Department": "IT", "Purpose": "test" })));
    let answer = ask(&with(&granted).to_string());
    assert_eq!(answer["decision"], "allowed");
    assert_eq!(answer["decided_by"], json!({ "layer": "grant", "grant": 1 }));
    assert_eq!(answer["layers"]["grant"], "allowed");
    granted.push((
        "/policies/identity",
        json!([policy(json!({ "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*" }))]),
    ));
    assert_eq!(ask(&with(&granted).to_string())["decision"], "explicitDeny");
}

/// A set brings its grants along, and takes no others (R6.22).
#[test]
fn a_set_has_grants() {
    let policies = json!({ "resource": resource("Allow", json!({ "AWS": "111122223333" })) });
    let grants = json!([{ "grantee_principal": ROLE, "operations": ["Decrypt"] }]);
    let define = json!({ "define": "s", "policies": policies, "grants": grants });
    let mut beside = with(&[("/policies", json!("s"))]);
    beside["grants"] = grants;
    let lines = [define, with(&[("/policies", json!("s"))]), beside];
    assert_eq!(run(&lines), ["", "allowed", "grants-beside-set"]);
}
