//! Section 5 of the rules: how the layers come together.

use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::layer::Layer::{self, Boundary, Identity, Rcp, Resource, Scp, Session, VpcEndpoint};
use permitlab_evaluator::layer::Verdict;
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::truth::Rule;
use rstest::rstest;

use crate::support::{
    ALLOW_ALL, Answer, Call, K, K_OF_B, ROOT, S, U, allowed, allowed_by_nature, denied, federated_session, not_allowed,
    session,
};

const ROOT_USER: &str = "arn:aws:iam::111111111111:root";
const LINKED_ROLE: &str = "arn:aws:iam::111111111111:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
const OBJECT: &str = "arn:aws:s3:::b/x";
const DENY: &str = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}"#;
const DENY_EVERYONE: &str = r#"{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
const ALLOW_EVERYONE: &str = r#"{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
const ONLY_S3: &str = r#"{"Sid": "S3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;

/// A call that the identity policy allows.
fn delegated() -> Call {
    Call::decrypt().key_policy(&[ROOT]).identity_policy(ALLOW_ALL)
}

/// An allowed call with a Deny in one layer.
fn denied_in(call: Call, layer: Layer) -> Call {
    let both = |deny: &str, allow: &str| format!("[{deny}, {allow}]");
    match layer {
        Rcp => call.rcp(&[DENY_EVERYONE]),
        Scp => call.scp(&[&both(DENY, ALLOW_ALL)]),
        VpcEndpoint => call.vpc_endpoint(&both(DENY_EVERYONE, ALLOW_EVERYONE)),
        Resource => call.key_policy(&[ROOT, DENY_EVERYONE]),
        Identity => call.identity_policy(DENY),
        Boundary => call.boundary(&both(DENY, ALLOW_ALL)),
        Session => call.session_policy(&both(DENY, ALLOW_ALL)),
        Layer::Grant => panic!("grants never deny"),
    }
}

/// R5.1: a Deny in any layer wins.
#[rstest]
fn r5_1_deny_wins(#[values(Rcp, Scp, VpcEndpoint, Resource, Identity, Boundary, Session)] layer: Layer) {
    delegated().check(&allowed(Identity, "All"));
    denied_in(delegated(), layer).check(&denied(layer, "No"));
}

/// R5.2: of several denying layers the first in AWS's order is named.
#[test]
fn r5_2_order() {
    let order = [Session, Boundary, Identity, Resource, VpcEndpoint, Scp, Rcp];
    let mut call = delegated();
    for layer in order {
        call = denied_in(call, layer);
        call.check(&denied(layer, "No"));
    }
}

/// R5.2: a limit is named when nothing before it is missing: not the identity policy, not the key policy.
#[rstest]
#[case::boundary(Call::boundary)]
#[case::session_policy(Call::session_policy)]
fn r5_2_limits_come_last(#[case] limit: fn(Call, &str) -> Call) {
    limit(Call::decrypt().key_policy(&[ROOT]), ONLY_S3).check(&not_allowed(Identity));
    limit(delegated().key_policy(&[ROOT_OF_B]), ONLY_S3).check(&not_allowed(Resource));
}

/// R5.2: of several statements that decide, the first of the first level is named; one that only might apply decides
/// nothing.
#[test]
fn r5_2_first_statement() {
    let named = |sid: &str, text: &str| text.replace("\"All\"", sid).replace("\"No\"", sid);
    let might = r#"{"Sid": "Might", "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#;
    delegated().identity_policy(&named("\"Second\"", ALLOW_ALL)).check(&allowed(Identity, "All"));
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(might);
    call.identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
    delegated().scp(&[&named("\"Root\"", DENY), &named("\"Account\"", DENY)]).check(&denied(Scp, "Root"));
}

/// R5.4: one Allow over all identity policies is enough, one Deny too.
#[test]
fn r5_4_identity_policies_work_together() {
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(ONLY_S3);
    call.check(&not_allowed(Identity));
    let call = call.identity_policy(ALLOW_ALL);
    call.check(&allowed(Identity, "All"));
    call.identity_policy(DENY).check(&denied(Identity, "No"));
}

/// R5.5: each level allows by itself, and each may deny.
#[rstest]
#[case::every_level(&[ALLOW_ALL, ALLOW_ALL, ALLOW_ALL], allowed(Identity, "All"))]
#[case::root(&[ONLY_S3, ALLOW_ALL, ALLOW_ALL], not_allowed(Scp))]
#[case::unit(&[ALLOW_ALL, ONLY_S3, ALLOW_ALL], not_allowed(Scp))]
#[case::account(&[ALLOW_ALL, ALLOW_ALL, ONLY_S3], not_allowed(Scp))]
#[case::deny_alone_allows_nothing(&[ALLOW_ALL, DENY], denied(Scp, "No"))]
#[case::deny_of_something_else(
    &[ALLOW_ALL, r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#],
    not_allowed(Scp)
)]
fn r5_5_scp_levels(#[case] levels: &[&str], #[case] expected: Answer) {
    delegated().scp(levels).check(&expected);
}

/// R5.5: SCPs reach the callers of member accounts, the root user among them, on whatever resource.
#[test]
fn r5_5_whom_scps_reach() {
    let key = Call::decrypt().key_policy(&[ALLOW_EVERYONE]).scp(&[ONLY_S3]);
    key.check(&not_allowed(Scp));
    key.clone().by(ROOT_USER).check(&not_allowed(Scp));
    key.clone().on(K_OF_B).identity_policy(ALLOW_ALL).check(&not_allowed(Scp));
    key.clone().via("s3.us-east-1.amazonaws.com").check(&not_allowed(Scp));
    key.clone().by_management_account().check(&allowed(Resource, "All"));
    key.clone().by(S).check(&allowed(Resource, "All"));
    key.by(LINKED_ROLE).check(&allowed(Resource, "All"));
}

/// R5.6: RCPs reach every caller but service-linked roles, and no resource of the management account.
#[test]
fn r5_6_whom_rcps_reach() {
    let key = Call::decrypt().key_policy(&[ALLOW_EVERYONE]).rcp(&[DENY_EVERYONE]);
    for caller in [U, ROOT_USER, S, "arn:aws:iam::222222222222:role/other"] {
        key.clone().by(caller).check(&denied(Rcp, "No"));
    }
    key.clone().by_management_account().check(&denied(Rcp, "No"));
    key.clone().on_management_account().check(&allowed(Resource, "All"));
    key.by(LINKED_ROLE).check(&allowed(Resource, "All"));
}

/// R5.7: outside KMS either side allows.
#[rstest]
#[case::neither(None, None, not_allowed(Identity))]
#[case::resource(Some(ALLOW_EVERYONE), None, allowed(Resource, "All"))]
#[case::identity(None, Some(ALLOW_ALL), allowed(Identity, "All"))]
#[case::both(Some(ALLOW_EVERYONE), Some(ALLOW_ALL), allowed(Resource, "All"))]
fn r5_7_same_account(#[case] bucket: Option<&str>, #[case] identity: Option<&str>, #[case] expected: Answer) {
    let call = Call::new("s3:GetObject").on(OBJECT);
    let call = bucket.into_iter().fold(call, Call::bucket_policy);
    identity.into_iter().fold(call, Call::identity_policy).check(&expected);
}

/// R5.8 and R5.11, cell by cell: the key policy names somebody in Allow, who calls, and what the call comes to when one
/// thing is missing. The columns: no identity policy, a permissions boundary without the action, a session policy
/// without it. `+` allowed; `-` denied, by the layer of the column; `?` allowed, denied under the other reading of R5.8;
/// `.` there is no such thing for this caller.
#[rustfmt::skip]
#[rstest]
//                          names            caller               own account   another account
#[case::user(               USER,            by(U),               "+ + .",      "- - .")]
#[case::user_of_session(    USER,            federated_session(), "+ - -",      "- - -")]
#[case::federated_session(  FEDERATED,       federated_session(), "+ + +",      "- - -")]
#[case::role(               ROLE,            session("s"),        "+ - -",      "- - -")]
#[case::role_session(       ROLE_SESSION,    session("s"),        "+ + +",      "- - -")]
#[case::star_for_the_role(  STAR_FOR_ROLE,   session("s"),        "+ ? ?",      "- - -")]
#[case::star_and_session(   STAR,            session("s"),        "+ ? ?",      "- - -")]
#[case::star_and_user(      STAR,            by(U),               "+ ? .",      "- - .")]
#[case::account(            ACCOUNT,         session("s"),        "- - -",      "- - -")]
#[case::account_and_user(   ACCOUNT,         by(U),               "- - .",      "- - .")]
#[case::account_and_fed(    ACCOUNT,         federated_session(), "- - -",      "- - -")]
#[case::service(            SERVICE,         by(S),               "+ . .",      "+ . .")]
fn r5_8_who_escapes_which_limit(
    #[case] names: &str,
    #[case] caller: Principal,
    #[case] at_home: &str,
    #[case] elsewhere: &str,
) {
    for (key, cells) in [(K, at_home), (K_OF_B, elsewhere)] {
        let whole = Sides { identity: true, boundary: true, session: true, key: true };
        let sides = [
            (Identity, Sides { identity: false, ..whole }),
            (Boundary, Sides { boundary: false, ..whole }),
            (Session, Sides { session: false, ..whole }),
        ];
        for ((layer, sides), cell) in sides.into_iter().zip(cells.split(' ')) {
            let call = sides.call(names, &caller, key);
            let granted = allowed(Resource, "Grant");
            match cell {
                "+" => call.check(&granted),
                "?" => call.check(&granted.unless(Rule::EveryoneEscapesLimits, Effect::ImplicitDeny)),
                "-" => call.check(&not_allowed(layer)),
                _ => {}
            }
            // With the limit in place of the missing one, an explicit deny in it reaches everyone it applies to.
            if cell != "." && layer != Identity {
                denied_in(whole.call(names, &caller, key), layer).check(&denied(layer, "No"));
            }
        }
        assert_eq!(whole.call(names, &caller, key).decide().effect, Effect::Allow);
    }
}

/// R5.8: what allows is the statement that escapes the limit, not one beside it that the limit stops.
#[test]
fn r5_8_names_the_statement_that_escapes() {
    let names = |sid: &str, principal: &str| {
        format!(r#"{{"Sid": "{sid}", "Effect": "Allow", "Principal": {principal}, "Action": "*", "Resource": "*"}}"#)
    };
    let role = names("Role", r#"{"AWS": "arn:aws:iam::111111111111:role/app/r"}"#);
    let star = names("Star", r#""*""#);
    let call = Call::decrypt().key_policy(&[&role, &star]);
    call.check(&allowed(Resource, "Role"));
    let escaped = allowed(Resource, "Star").unless(Rule::EveryoneEscapesLimits, Effect::ImplicitDeny);
    call.boundary(ONLY_S3).check(&escaped);
}

/// R5.9, R5.10 and R5.11 as AWS writes them, over every combination of what allows: identity policy, boundary, session
/// policy and the statement that names somebody in a key policy that leaves the rest to IAM.
#[rstest]
#[case::user(USER, by(U), Sides::escapes_limits)]
#[case::role(ROLE, session("s"), Sides::is_limited)]
#[case::role_session(ROLE_SESSION, session("s"), Sides::escapes_limits)]
#[case::federated_session(FEDERATED, federated_session(), Sides::escapes_limits)]
#[case::user_of_federated_session(USER, federated_session(), Sides::is_limited)]
fn r5_9_arithmetic(#[case] names: &str, #[case] caller: Principal, #[case] formula: fn(Sides) -> bool) {
    let effect = |allows: bool| if allows { Effect::Allow } else { Effect::ImplicitDeny };
    for sides in Sides::all() {
        let session = sides.session || matches!(caller, Principal::User(_));
        let counted = Sides { session, ..sides };
        assert_eq!(sides.delegated(names, &caller).decide().effect, effect(formula(counted)), "{sides:?}");
        let elsewhere = sides.call(names, &caller, K_OF_B).decide().effect;
        assert_eq!(elsewhere, effect(counted.all_allow()), "across accounts, {sides:?}");
    }
}

/// Which of the four allow a call.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each allows or does not")]
struct Sides {
    identity: bool,
    boundary: bool,
    session: bool,
    key: bool,
}

impl Sides {
    fn all() -> impl Iterator<Item = Self> {
        let bit = |number: u8, at: u8| number >> at & 1 == 1;
        (0..16).map(move |n| Self { identity: bit(n, 0), boundary: bit(n, 1), session: bit(n, 2), key: bit(n, 3) })
    }

    /// (identity policy ∪ key policy) ∩ boundary ∩ session policy
    fn is_limited(self) -> bool {
        (self.identity || self.key) && self.boundary && self.session
    }

    /// (identity policy ∩ boundary ∩ session policy) ∪ key policy
    fn escapes_limits(self) -> bool {
        (self.identity && self.boundary && self.session) || self.key
    }

    /// Across accounts: identity policy ∩ boundary ∩ session policy ∩ key policy
    fn all_allow(self) -> bool {
        self.identity && self.boundary && self.session && self.key
    }

    /// The call on a key whose policy says nothing beside the grant.
    fn call(self, names: &str, caller: &Principal, key: &str) -> Call {
        let nobody = grant(r#""Principal": {"AWS": "333333333333"}"#);
        self.limits(caller).on(key).key_policy(&[if self.key { grant(names) } else { nobody }.as_str()])
    }

    /// The call on a key of the same account whose policy leaves the rest to IAM.
    fn delegated(self, names: &str, caller: &Principal) -> Call {
        let grant = grant(names);
        let statements = [ROOT, grant.as_str()];
        self.limits(caller).key_policy(statements.get(..if self.key { 2 } else { 1 }).unwrap())
    }

    /// The caller's own side. Users have no session policies, services nothing of the kind.
    fn limits(self, caller: &Principal) -> Call {
        let call = Call::decrypt().by_principal(caller.clone());
        if matches!(caller, Principal::Service(_)) {
            return call;
        }
        let limit = |allows: bool| if allows { ALLOW_ALL } else { ONLY_S3 };
        let call = call.identity_policy(limit(self.identity)).boundary(limit(self.boundary));
        if matches!(caller, Principal::User(_)) { call } else { call.session_policy(limit(self.session)) }
    }
}

const USER: &str = r#""Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"}"#;
const FEDERATED: &str = r#""Principal": {"AWS": "arn:aws:sts::111111111111:federated-user/fed"}"#;
const ROLE: &str = r#""Principal": {"AWS": "arn:aws:iam::111111111111:role/app/r"}"#;
const ROLE_SESSION: &str = r#""Principal": {"AWS": "arn:aws:sts::111111111111:assumed-role/r/s"}"#;
const STAR_FOR_ROLE: &str = r#""Principal": "*",
    "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/app/r"}}"#;
const STAR: &str = r#""Principal": "*""#;
const ACCOUNT: &str = r#""Principal": {"AWS": "111111111111"}"#;
const SERVICE: &str = r#""Principal": {"Service": "bedrock.amazonaws.com"}"#;

/// The statement that names somebody.
fn grant(names: &str) -> String {
    format!(r#"{{"Sid": "Grant", "Effect": "Allow", {names}, "Action": "kms:*", "Resource": "*"}}"#)
}

fn by(caller: &str) -> Principal {
    Principal::parse(caller).unwrap()
}

/// R5.9: a federated session without any session policy has only what a key policy names it for.
#[test]
fn r5_9_federated_session_without_a_session_policy() {
    let call = Call::decrypt().by_principal(federated_session()).identity_policy(ALLOW_ALL);
    call.clone().key_policy(&[ROOT]).check(&not_allowed(Session));
    let nothing = Call::decrypt().by_principal(federated_session()).key_policy(&[ROOT]);
    nothing.check(&not_allowed(Identity));
    for names in [FEDERATED, USER] {
        call.clone().key_policy(&[ROOT, &grant(names)]).check(&allowed(Resource, "Grant"));
    }
}

/// R5.9: a federated user without a session policy has nothing of the user's own policies.
#[test]
fn r5_9_federated_users() {
    let call = delegated().by_principal(federated_session());
    call.check(&not_allowed(Session));
    call.clone().session_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
    call.session_policy(ONLY_S3).check(&not_allowed(Session));
}

/// R5.9, R5.10: boundary and session policy limit what the identity policy allows, and give nothing.
#[test]
fn r5_10_limits_give_nothing() {
    delegated().boundary(ONLY_S3).check(&not_allowed(Boundary));
    delegated().session_policy(ONLY_S3).check(&not_allowed(Session));
    delegated().boundary(ALLOW_ALL).session_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
    let nothing = Call::decrypt().key_policy(&[ROOT]).boundary(ALLOW_ALL).session_policy(ALLOW_ALL);
    nothing.check(&not_allowed(Identity));
}

/// R5.11: across accounts both sides allow, and the limits of the caller's side count in full.
#[rstest]
#[case::account(r#"{"AWS": "111111111111"}"#)]
#[case::role(r#"{"AWS": "arn:aws:iam::111111111111:role/app/r"}"#)]
#[case::session(r#"{"AWS": "arn:aws:sts::111111111111:assumed-role/r/s"}"#)]
#[case::star(r#""*""#)]
fn r5_11_across_accounts(#[case] principal: &str) {
    let key =
        format!(r#"{{"Sid": "Key", "Effect": "Allow", "Principal": {principal}, "Action": "kms:*", "Resource": "*"}}"#);
    let call = Call::decrypt().on(K_OF_B).key_policy(&[&key]);
    call.check(&not_allowed(Identity));
    call.clone().boundary(ONLY_S3).check(&not_allowed(Identity));
    let call = call.identity_policy(ALLOW_ALL);
    call.check(&allowed(Identity, "All"));
    call.clone().boundary(ONLY_S3).check(&not_allowed(Boundary));
    call.clone().session_policy(ONLY_S3).check(&not_allowed(Session));
    call.key_policy(&[ROOT_OF_B]).check(&not_allowed(Resource));
}

const ROOT_OF_B: &str =
    r#"{"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:*", "Resource": "*"}"#;

/// R5.11, R6.2: naming the account delegates at home, and is the resource side's Allow elsewhere.
#[rstest]
#[case::at_home(K, Verdict::Delegated)]
#[case::elsewhere(K_OF_B, Verdict::Allowed)]
fn r5_11_what_naming_the_account_says(#[case] key: &str, #[case] expected: Verdict) {
    let call = Call::decrypt().on(key).key_policy(&[ROOT]);
    assert_eq!(call.decide().verdict(Resource), expected);
}

/// R5.11: a bucket of another account is no different.
#[test]
fn r5_11_buckets() {
    let queue = "arn:aws:sqs:us-east-1:222222222222:q";
    let call = Call::new("sqs:SendMessage").on(queue);
    call.clone().identity_policy(ALLOW_ALL).check(&not_allowed(Resource));
    call.clone().bucket_policy(ALLOW_EVERYONE).check(&not_allowed(Identity));
    call.bucket_policy(ALLOW_EVERYONE).identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R5.12: the root user may do everything in its account, except with a key whose policy leaves the account out.
#[test]
fn r5_12_root_user() {
    let call = Call::new("s3:GetObject").by(ROOT_USER).on(OBJECT);
    call.check(&allowed_by_nature(Resource));
    call.scp(&[ALLOW_ALL, r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}"#]).check(&not_allowed(Scp));
    let only_bob = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"},
        "Action": "kms:*", "Resource": "*"}"#;
    Call::decrypt().by(ROOT_USER).key_policy(&[only_bob]).check(&not_allowed(Resource));
    Call::decrypt().by(ROOT_USER).key_policy(&[ROOT]).check(&allowed(Resource, "Root"));
}

/// R5.12: nor with a resource of another account that does not let its account in.
#[test]
fn r5_12_root_user_elsewhere() {
    let call = Call::decrypt().by(ROOT_USER).on(K_OF_B);
    call.clone().key_policy(&[ROOT_OF_B]).check(&not_allowed(Resource));
    call.key_policy(&[ROOT]).check(&allowed(Resource, "Root"));
}

/// R5.13: a service has no policies of its own; in which account the key is does not matter.
#[test]
fn r5_13_services() {
    let call = Call::decrypt().by(S).key_policy(&[ALLOW_EVERYONE]);
    call.check(&allowed(Resource, "All"));
    call.on(K_OF_B).check(&allowed(Resource, "All"));
}

/// R5.14: a service-linked role is judged as a role.
#[test]
fn r5_14_service_linked_roles() {
    let call = delegated().by(LINKED_ROLE);
    call.check(&allowed(Identity, "All"));
    denied_in(call, Resource).check(&denied(Resource, "No"));
}

/// R5.15: unsigned calls want a star.
#[test]
fn r5_15_unsigned_calls() {
    let call = Call::new("s3:GetObject").by_principal(Principal::Anonymous).on(OBJECT);
    call.clone().bucket_policy(ALLOW_EVERYONE).check(&allowed(Resource, "All"));
    let account = r#"{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "*", "Resource": "*"}"#;
    call.bucket_policy(account).check(&not_allowed(Resource));
}

/// R5.16: an endpoint policy allows, with all of its elements.
#[rstest]
#[case::default(ALLOW_EVERYONE, allowed(Identity, "All"))]
#[case::other_action(
    r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#,
    not_allowed(VpcEndpoint)
)]
#[case::other_principal(
    r#"{"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "*", "Resource": "*"}"#,
    not_allowed(VpcEndpoint)
)]
#[case::own_account(
    r#"{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "*", "Resource": "*"}"#,
    allowed(Identity, "All")
)]
#[case::condition(
    r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalAccount": "222222222222"}}}"#,
    not_allowed(VpcEndpoint)
)]
fn r5_16_endpoint_policies(#[case] endpoint: &str, #[case] expected: Answer) {
    delegated().vpc_endpoint(endpoint).check(&expected);
}

/// R7.2, R7.4: what a world states of every call does not reach the calls that cannot carry it.
#[rstest]
#[case::organization_of_a_service(Call::decrypt().by(S), "aws:PrincipalOrgID", "o-1")]
#[case::endpoint_of_a_forwarded_call(Call::decrypt().via("s3.us-east-1.amazonaws.com"), "aws:SourceVpce", "vpce-1")]
fn r7_4_a_world_states_what_calls_can_carry(#[case] call: Call, #[case] key: &str, #[case] value: &str) {
    let statement = format!(
        r#"{{"Sid": "If", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
            "Condition": {{"StringEquals": {{"{key}": "{value}"}}}}}}"#
    );
    let call = call.key_policy(&[&statement]).world_context(key, value);
    call.check(&not_allowed(Resource));
    call.by(U).direct().check(&allowed(Resource, "If"));
}

/// R7.2: whether a forwarded call comes from the address of the first one is not known.
#[test]
fn r7_2_address_of_a_forwarded_call() {
    let statement = r#"{"Sid": "If", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#;
    let call = Call::decrypt().key_policy(&[statement]).world_context("aws:SourceIp", "203.0.113.7");
    call.check(&allowed(Resource, "If"));
    let forwarded = call.via("s3.us-east-1.amazonaws.com");
    forwarded.check(&allowed(Resource, "If").unless(Rule::SourceIpOfForwardedCall, Effect::ImplicitDeny));
}
