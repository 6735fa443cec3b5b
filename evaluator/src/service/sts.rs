//! Who may assume a role, and which calls to STS need no permission?
//!
//! A role is the resource, its trust policy the resource-based policy, and unlike the policies of most services it has
//! to allow or to delegate to the account (R5.7): a role cannot be assumed by those who merely have an identity policy.
//! Which credentials can make which calls: "Compare AWS STS credentials", IAM User Guide.

use crate::action::ActionName;
use crate::context::ConditionKey;
use crate::principal::Principal;
use crate::request::Request;
use crate::service::Sharing;

/// The calls that the trust policy of a role decides: `AssumeRole` in its three forms, and the permissions that stand
/// beside it when a session is given tags or a source identity.
const BY_TRUST: [&str; 5] =
    ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity"];

/// The calls for which somebody's identity provider vouches.
const FOR_FEDERATED: [&str; 2] = ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"];

/// The calls for which a user needs no permission, and that no policy can deny.
const UNGUARDED: [&str; 2] = ["GetCallerIdentity", "GetSessionToken"];

fn is_one_of(action: &ActionName, names: &[&str]) -> bool {
    action.service() == "sts" && names.iter().any(|name| action.name().eq_ignore_ascii_case(name))
}

/// Whether the trust policy of a role has a say.
pub fn is_judged_by_trust(action: &ActionName) -> bool {
    is_one_of(action, &BY_TRUST)
}

/// Whether it is a call that comes with the token of an identity provider in place of a signature.
pub fn is_for_federated(action: &ActionName) -> bool {
    is_one_of(action, &FOR_FEDERATED)
}

/// How policies combine for a call to STS.
pub fn sharing(request: &Request) -> Sharing {
    match &request.action {
        action if is_judged_by_trust(action) => Sharing::Delegated,
        action if is_one_of(action, &UNGUARDED) => Sharing::Unguarded,
        _ => Sharing::IdentityOnly,
    }
}

/// Whether STS answers this call by such a caller.
pub fn serves(caller: &Principal, action: &ActionName) -> bool {
    let names_caller = is_one_of(action, &["GetCallerIdentity"]);
    match caller {
        Principal::Anonymous => false,
        Principal::Federated(_) => is_judged_by_trust(action) && !is_one_of(action, &["AssumeRole"]),
        _ if is_for_federated(action) => false,
        Principal::Root { .. } => !is_judged_by_trust(action),
        Principal::FederatedUser { .. } => names_caller,
        Principal::RoleSession { .. } => !is_one_of(action, &["GetFederationToken", "GetSessionToken"]),
        Principal::User(_) | Principal::Service(_) => true,
    }
}

/// Whether a service takes the role that AWS linked to it, which no RCP hinders (R5.6).
pub fn takes_linked_role(request: &Request) -> bool {
    matches!(request.principal, Principal::Service(_))
        && is_judged_by_trust(&request.action)
        && request.resource.arn.resource().starts_with("role/aws-service-role/")
}

/// Whether a condition key is a claim of some identity provider: its prefix is a host name, or `saml`.
pub fn is_claim(key: &ConditionKey) -> bool {
    key.prefix() == "saml" || key.prefix().contains('.')
}

/// Whether a condition key is a claim of the caller's identity provider, which its token may hold:
/// `token.actions.githubusercontent.com:sub`, `saml:aud`.
pub fn may_be_claimed(key: &ConditionKey, caller: &Principal) -> bool {
    let Principal::Federated(provider) = caller else { return false };
    let host = provider.split_once(":oidc-provider/").map_or(&**provider, |(_, host)| host);
    if provider.contains(":saml-provider/") { key.prefix() == "saml" } else { key.prefix().eq_ignore_ascii_case(host) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const USER: &str = "arn:aws:iam::111111111111:user/bob";
    const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/r/s";
    const FEDERATED_USER: &str = "arn:aws:sts::111111111111:federated-user/f";
    const ROOT: &str = "arn:aws:iam::111111111111:root";
    const GITHUB: &str = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";

    #[rstest]
    #[case("sts:AssumeRole", &[USER, SESSION, "bedrock.amazonaws.com"])]
    #[case("sts:AssumeRoleWithWebIdentity", &[GITHUB])]
    #[case("sts:AssumeRoleWithSAML", &[GITHUB])]
    #[case("sts:TagSession", &[USER, SESSION, "bedrock.amazonaws.com", GITHUB])]
    #[case("sts:GetCallerIdentity", &[USER, SESSION, FEDERATED_USER, ROOT, "bedrock.amazonaws.com"])]
    #[case("sts:GetFederationToken", &[USER, ROOT, "bedrock.amazonaws.com"])]
    #[case("sts:GetSessionToken", &[USER, ROOT, "bedrock.amazonaws.com"])]
    #[case("sts:DecodeAuthorizationMessage", &[USER, SESSION, ROOT, "bedrock.amazonaws.com"])]
    fn each_call_has_its_callers(#[case] action: &str, #[case] expected: &[&str]) {
        let action = ActionName::parse(action).unwrap();
        let callers = [USER, SESSION, FEDERATED_USER, ROOT, "bedrock.amazonaws.com", GITHUB, "*"];
        let served = callers.into_iter().filter(|caller| serves(&Principal::parse(caller).unwrap(), &action));
        assert_eq!(served.collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case(GITHUB, "token.actions.githubusercontent.com:SUB", true)]
    #[case(GITHUB, "accounts.google.com:sub", false)]
    #[case("federated/accounts.google.com", "accounts.google.com:aud", true)]
    #[case("arn:aws:iam::111111111111:saml-provider/corp", "saml:aud", true)]
    #[case(USER, "saml:aud", false)]
    fn claims_are_those_of_the_provider(#[case] caller: &str, #[case] key: &str, #[case] expected: bool) {
        assert_eq!(may_be_claimed(&ConditionKey::new(key), &Principal::parse(caller).unwrap()), expected);
    }
}
