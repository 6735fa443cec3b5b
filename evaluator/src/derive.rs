//! Which condition keys does a call carry?
//!
//! Rules R7.1 to R7.4, the table of R8, and for KMS R6.16 to R6.21. A key AWS documents as present gets its value,
//! one it documents as missing is absent, and one that depends on what nobody stated is *unstated*. What a request
//! states by hand wins over everything derived; what a world states for every call reaches the calls that can carry it.

use std::collections::BTreeMap;

use crate::account::AccountId;
use crate::catalog::kms::{self, Operation, Target};
use crate::context::{ConditionKey, Origin, Presence, RequestContext, Values};
use crate::principal::Principal;
use crate::request::Request;
use crate::truth::Rule;
use crate::world::World;
use crate::world::kms::{KmsKey, MultiRegion};

/// The request context of a request in a world.
pub fn context(world: &World, request: &Request) -> RequestContext {
    let mut context = RequestContext::new();
    principal(&mut context, world, request);
    path(&mut context, request);
    source(&mut context, world, request);
    resource(&mut context, world, request);
    clock(&mut context, request);
    if let Some(operation) = kms::operation(&request.action) {
        kms_keys(&mut context, world, request, operation);
    }
    stated_by_world(&mut context, world, request);
    stated(&mut context, &request.context, Origin::Stated);
    endpoint_keys(&mut context, world, request);
    context
}

/// The VPC endpoint a call came through: the one `aws:SourceVpce` names (R5.16). A call that a service forwards
/// comes through none (R7.2).
pub fn endpoint(request: &Request, context: &RequestContext) -> Option<String> {
    let entry = context.recorded(&ConditionKey::new("aws:SourceVpce"))?;
    match &entry.presence {
        Presence::Present(Values::One(id)) if request.via.is_none() => Some(id.clone()),
        Presence::Present(_) | Presence::Absent | Presence::Unstated => None,
    }
}

/// What a known VPC endpoint says of the call. A call through an endpoint has no `aws:SourceIp`.
fn endpoint_keys(context: &mut RequestContext, world: &World, request: &Request) {
    let Some(id) = endpoint(request, context) else { return };
    let mut derive = |key: &str, presence: Presence| {
        let is_stated = context.recorded(&ConditionKey::new(key)).is_some_and(|entry| entry.origin == Origin::Stated);
        if !is_stated {
            context.set(key, presence, Origin::Endpoint);
        }
    };
    derive("aws:SourceIp", Presence::Absent);
    if let Some(endpoint) = world.endpoint(&id) {
        let one = |value: &str| Presence::Present(Values::One(value.to_owned()));
        derive("aws:VpceAccount", one(endpoint.account.as_str()));
        derive("aws:SourceVpc", endpoint.vpc.as_ref().map_or(Presence::Unstated, |vpc| one(vpc)));
    }
}

/// The request context of a request that stands alone: what follows from principal, resource and encryption
/// context, and nothing else. Every other key is absent.
pub fn bare_context(request: &Request) -> RequestContext {
    let mut context = RequestContext::closed();
    caller(&mut context, &request.principal);
    if let Some(account) = request.resource.account {
        context.present("aws:ResourceAccount", account.as_str(), Origin::Resource);
    }
    if let Some(operation) = kms::operation(&request.action) {
        // The permission on an alias carries no key of KMS (R6.12).
        let carries_caller = carries_caller(operation) && !request.resource.is_alias();
        if let Some(account) = request.principal.account().filter(|_| carries_caller) {
            context.present("kms:CallerAccount", account.as_str(), Origin::Principal);
        }
        encryption_context(&mut context, request, operation);
    }
    stated(&mut context, &request.context, Origin::Stated);
    context
}

fn stated(context: &mut RequestContext, keys: &BTreeMap<ConditionKey, Option<Values>>, origin: Origin) {
    for (key, values) in keys {
        context.record(key.clone(), values.clone().map_or(Presence::Absent, Presence::Present), origin);
    }
}

/// What a world states for every call. A service principal has no organization and a forwarded call passes no
/// endpoint, whatever the other calls of a world carry (R7.2, R7.4); whether a forwarded call keeps the address of the
/// first is not known (R7.2).
fn stated_by_world(context: &mut RequestContext, world: &World, request: &Request) {
    let keys = world.context.iter().filter(|(key, _)| !context.is_ruled_out(key));
    let keys: BTreeMap<_, _> = keys.map(|(key, values)| (key.clone(), values.clone())).collect();
    stated(context, &keys, Origin::World);
    if request.via.is_some() {
        context.doubt("aws:SourceIp", Rule::SourceIpOfForwardedCall, Presence::Unstated);
    }
}

/// Whether nobody AWS knows signed the call.
fn is_unsigned(principal: &Principal) -> bool {
    matches!(principal, Principal::Federated(_) | Principal::Anonymous)
}

/// What follows from the caller alone.
fn caller(context: &mut RequestContext, principal: &Principal) {
    let is_service = matches!(principal, Principal::Service(_));
    if let (Some(arn), false) = (principal.principal_arn(), is_service) {
        context.present("aws:PrincipalArn", arn, Origin::Principal);
    }
    if is_unsigned(principal) {
        context.present("aws:PrincipalAccount", "anonymous", Origin::Principal);
    } else if let Some(account) = principal.account() {
        context.present("aws:PrincipalAccount", account.as_str(), Origin::Principal);
    }
    if let Some(kind) = principal.principal_type() {
        context.present("aws:PrincipalType", kind, Origin::Principal);
    }
    if !is_unsigned(principal) {
        context.present("aws:PrincipalIsAWSService", is_service.to_string(), Origin::Principal);
    }
    if let Principal::Service(name) = principal {
        context.present("aws:PrincipalServiceName", &**name, Origin::Principal);
    }
    if let Principal::User(user) = principal {
        context.present("aws:username", &*user.name, Origin::Principal);
    }
}

fn principal(context: &mut RequestContext, world: &World, request: &Request) {
    let principal = &request.principal;
    caller(context, principal);
    let absent = |context: &mut RequestContext, keys: &[&str]| {
        for key in keys {
            context.absent(key, Origin::Principal);
        }
    };
    match principal {
        Principal::User(_) => absent(context, &["aws:FederatedProvider", "aws:SourceIdentity", "aws:AssumedRoot"]),
        Principal::RoleSession { .. } | Principal::FederatedUser { .. } | Principal::Root { .. } => {
            absent(context, &["aws:username"]);
        }
        Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => absent(
            context,
            &[
                "aws:PrincipalOrgID",
                "aws:PrincipalOrgPaths",
                "aws:username",
                "aws:MultiFactorAuthPresent",
                "aws:MultiFactorAuthAge",
                "aws:FederatedProvider",
                "aws:SourceIdentity",
                "aws:AssumedRoot",
                "aws:SignInSessionArn",
                "aws:Ec2InstanceSourceVpc",
                "aws:Ec2InstanceSourcePrivateIPv4",
                "aws:ChatbotSourceArn",
            ],
        ),
    }
    if is_unsigned(principal) {
        absent(context, &["aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:TokenIssueTime"]);
    }
    organization(context, world, principal.account(), "aws:Principal", Origin::Principal);
    if !matches!(principal, Principal::Service(_)) {
        absent(context, &["aws:PrincipalServiceName", "aws:PrincipalServiceNamesList"]);
    }
    if let Some(id) = user_id(principal) {
        context.present("aws:userid", id, Origin::Principal);
    }
    tags(context, "aws:PrincipalTag/", principal_tags(world, principal).as_ref(), Origin::Principal);
    if let Some(session) = world.session(principal) {
        for (name, value) in &session.tags {
            context.present(&format!("aws:PrincipalTag/{name}"), value, Origin::Session);
        }
        match &session.source_identity {
            Some(identity) => context.present("aws:SourceIdentity", &**identity, Origin::Session),
            None => context.absent("aws:SourceIdentity", Origin::Session),
        }
    }
}

/// Where an account stands in the organization of the world. Without an organization in the world nobody said.
fn organization(context: &mut RequestContext, world: &World, account: Option<AccountId>, prefix: &str, origin: Origin) {
    let (Some(account), true) = (account, world.organization.is_some()) else { return };
    let (id, paths) = (format!("{prefix}OrgID"), format!("{prefix}OrgPaths"));
    if let Some((organization, member)) = world.membership(account) {
        context.present(&id, &*organization.id, origin);
        context.set(&paths, Presence::Present(Values::Many(vec![organization.path(member)])), origin);
    } else {
        context.absent(&id, origin);
        context.absent(&paths, origin);
    }
}

/// The value of `aws:userid`, where it follows from the caller.
fn user_id(principal: &Principal) -> Option<String> {
    match principal {
        Principal::User(user) => user.unique_id.as_ref().map(ToString::to_string),
        Principal::RoleSession { role, session } => role.unique_id.as_ref().map(|id| format!("{id}:{session}")),
        Principal::FederatedUser { account, name, .. } => Some(format!("{account}:{name}")),
        Principal::Root { account, .. } => Some(account.to_string()),
        Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => None,
    }
}

/// Services, federated and unsigned callers have no tags.
fn principal_tags(world: &World, principal: &Principal) -> Option<BTreeMap<String, String>> {
    match principal {
        Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => Some(BTreeMap::new()),
        Principal::User(_)
        | Principal::RoleSession { .. }
        | Principal::FederatedUser { .. }
        | Principal::Root { .. } => world.principal_tags(principal).cloned(),
    }
}

/// Records the tags of something under `family`; two that differ in case only leave open which is compared (R4.3).
fn tags(context: &mut RequestContext, family: &str, tags: Option<&BTreeMap<String, String>>, origin: Origin) {
    let Some(tags) = tags else {
        context.family(family, Presence::Unstated, origin);
        return;
    };
    context.family(family, Presence::Absent, origin);
    pairs(context, family, tags, origin);
}

fn pairs(context: &mut RequestContext, family: &str, pairs: &BTreeMap<String, String>, origin: Origin) {
    for (name, value) in pairs {
        let key = format!("{family}{name}");
        let other = context.recorded(&ConditionKey::new(&key)).map(|entry| match entry.doubt {
            // A third spelling leaves open any of several values.
            Some(_) => Presence::Unstated,
            None => entry.presence.clone(),
        });
        let own = Presence::Present(Values::One(value.clone()));
        context.set(&key, own.clone(), origin);
        if let Some(other @ (Presence::Present(_) | Presence::Unstated)) = other
            && other != own
        {
            context.doubt(&key, Rule::AmbiguousCase, other);
        }
    }
}

/// How the call travels: directly, or forwarded by a service (R7.1, R7.2, R7.3).
fn path(context: &mut RequestContext, request: &Request) {
    context.present("aws:ViaAWSService", request.via.is_some().to_string(), Origin::Via);
    let called_via = ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"];
    for key in called_via {
        context.absent(key, Origin::Via);
    }
    let Some(via) = &request.via else {
        if matches!(request.principal, Principal::Service(_)) {
            network_absent(context);
        }
        return;
    };
    network_absent(context);
    let service = via.service.split('.').next().unwrap_or_default();
    let host = format!("{service}.amazonaws.com");
    if FILLS_CALLED_VIA.contains(&service) {
        context.set("aws:CalledVia", Presence::Present(Values::Many(vec![host.clone()])), Origin::Via);
        context.present("aws:CalledViaFirst", host.clone(), Origin::Via);
        context.present("aws:CalledViaLast", host, Origin::Via);
    } else {
        let many = Presence::Present(Values::Many(vec![host.clone()]));
        context.doubt("aws:CalledVia", Rule::CalledViaOfForwardedCall, many);
        for key in ["aws:CalledViaFirst", "aws:CalledViaLast"] {
            context.doubt(key, Rule::CalledViaOfForwardedCall, Presence::Present(Values::One(host.clone())));
        }
    }
}

/// Services that AWS documents to fill `aws:CalledVia` (R7.3).
const FILLS_CALLED_VIA: [&str; 9] = [
    "athena",
    "cloud9",
    "cloudformation",
    "databrew",
    "dataexchange",
    "dynamodb",
    "kms",
    "servicecatalog-appregistry",
    "sqlworkbench",
];

/// A call from inside AWS passes no VPC endpoint of the caller's (R7.2).
fn network_absent(context: &mut RequestContext) {
    for key in [
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:SourceVpcArn",
        "aws:VpcSourceIp",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
    ] {
        context.absent(key, Origin::Via);
    }
}

/// The resource a service principal acts for (R7.4). Nobody else's calls carry these keys.
fn source(context: &mut RequestContext, world: &World, request: &Request) {
    let keys = ["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:SourceOwner"];
    if !matches!(request.principal, Principal::Service(_)) {
        for key in keys {
            context.absent(key, Origin::Principal);
        }
        return;
    }
    let Some(source) = &request.source else { return };
    context.present("aws:SourceArn", &*source.arn, Origin::For);
    if let Some(account) = source.account {
        context.present("aws:SourceAccount", account.as_str(), Origin::For);
        organization(context, world, Some(account), "aws:Source", Origin::For);
    }
}

fn resource(context: &mut RequestContext, world: &World, request: &Request) {
    if let Some(account) = world.owner(&request.resource.arn).or(request.resource.account) {
        context.present("aws:ResourceAccount", account.as_str(), Origin::Resource);
        if request.action.service() == "s3" {
            context.present("s3:ResourceAccount", account.as_str(), Origin::Resource);
        }
        organization(context, world, Some(account), "aws:Resource", Origin::Resource);
    }
    let region = match request.endpoint_region() {
        // IAM has one endpoint for all Regions of the partition.
        "" if request.action.service() == "iam" && request.resource.arn.partition() == "aws" => "us-east-1",
        region => region,
    };
    if !region.is_empty() {
        context.present("aws:RequestedRegion", region, Origin::Region);
    }
    if let Some(key) = world.key(&request.resource.arn) {
        tags(context, "aws:ResourceTag/", key.tags.as_ref(), Origin::Resource);
    }
    if let Some(role) = world.role_of(&request.resource.arn)
        && request.action.service() == "sts"
    {
        tags(context, "aws:ResourceTag/", role.tags.as_ref(), Origin::Resource);
        tags(context, "iam:ResourceTag/", role.tags.as_ref(), Origin::Resource);
    }
}

fn clock(context: &mut RequestContext, request: &Request) {
    if let Some(now) = &request.now {
        context.present("aws:CurrentTime", &**now, Origin::Clock);
        context.present("aws:EpochTime", &**now, Origin::Clock);
    }
}

/// Keys of KMS: those the operation carries, and `Absent` for every other (R6.8, R6.16). The permission on an alias
/// carries none (R6.12).
fn kms_keys(context: &mut RequestContext, world: &World, request: &Request, operation: &Operation) {
    request_tags(context, operation);
    if request.resource.is_alias() {
        return;
    }
    if carries_caller(operation) {
        caller_account(context, request.principal.account());
    }
    if operation.target != Target::None || operation.name == "CreateKey" {
        via_service(context, request);
    }
    encryption_context(context, request, operation);
    if let (Target::Key | Target::AliasAndKey, Some(key)) = (operation.target, world.key(&request.resource.arn)) {
        key_properties(context, key);
    }
    match &request.resource.alias {
        Some(alias) if operation.request_alias => context.present("kms:RequestAlias", &**alias, Origin::Resource),
        None if operation.request_alias => context.absent("kms:RequestAlias", Origin::Resource),
        Some(_) | None => {}
    }
    parameters(context, world, request, operation);
    let is_asymmetric = |key: &KmsKey| &*key.spec != "SYMMETRIC_DEFAULT";
    if matches!(operation.name, "Encrypt" | "Decrypt" | "ReEncryptFrom" | "ReEncryptTo")
        && world.key(&request.resource.arn).is_some_and(is_asymmetric)
    {
        // The caller has to choose: the default is for symmetric keys.
        context.set("kms:EncryptionAlgorithm", Presence::Unstated, Origin::Operation);
    }
}

/// Tags that a request brings, or takes away: `UntagResource` names them without values.
fn request_tags(context: &mut RequestContext, operation: &Operation) {
    if !matches!(operation.name, "CreateKey" | "TagResource") {
        context.family("aws:RequestTag/", Presence::Absent, Origin::Operation);
    }
    if !matches!(operation.name, "CreateKey" | "TagResource" | "UntagResource") {
        context.absent("aws:TagKeys", Origin::Operation);
    }
}

/// `kms:CallerAccount` belongs to calls on keys and key stores, not to lists and random numbers.
fn carries_caller(operation: &Operation) -> bool {
    !matches!(operation.name, "ListKeys" | "ListAliases" | "ListRetirableGrants" | "GenerateRandom")
}

fn caller_account(context: &mut RequestContext, account: Option<AccountId>) {
    let key = "kms:CallerAccount";
    if let Some(account) = account {
        context.present(key, account.as_str(), Origin::Principal);
    } else {
        context.absent(key, Origin::Principal);
        context.doubt(key, Rule::CallerAccountOfServicePrincipal, Presence::Unstated);
    }
}

/// `kms:ViaService` names the service that forwards the call; a direct call has none (R6.18).
fn via_service(context: &mut RequestContext, request: &Request) {
    if let Some(via) = &request.via {
        context.present("kms:ViaService", &*via.service, Origin::Via);
        return;
    }
    context.absent("kms:ViaService", Origin::Via);
    if let Principal::Service(name) = &request.principal {
        let service = name.split('.').next().unwrap_or_default();
        let value = format!("{service}.{}.amazonaws.com", request.endpoint_region());
        context.doubt("kms:ViaService", Rule::ViaServiceOfServicePrincipal, Presence::Present(Values::One(value)));
    }
}

/// The keys of the encryption context (R6.20). An operation without one never carries them (R6.13).
fn encryption_context(context: &mut RequestContext, request: &Request, operation: &Operation) {
    let origin = if operation.encryption_context { Origin::EncryptionContext } else { Origin::Operation };
    context.family("kms:EncryptionContext:", Presence::Absent, origin);
    context.absent("kms:EncryptionContextKeys", origin);
    if !operation.encryption_context || request.encryption_context.is_empty() {
        return;
    }
    pairs(context, "kms:EncryptionContext:", &request.encryption_context, origin);
    let names = request.encryption_context.keys().cloned().collect();
    context.set("kms:EncryptionContextKeys", Presence::Present(Values::Many(names)), origin);
}

fn key_properties(context: &mut RequestContext, key: &KmsKey) {
    let properties = [
        ("kms:KeySpec", &*key.spec),
        ("kms:CustomerMasterKeySpec", &*key.spec),
        ("kms:KeyUsage", &*key.usage),
        ("kms:CustomerMasterKeyUsage", &*key.usage),
        ("kms:KeyOrigin", &*key.origin),
        ("kms:MultiRegion", if key.multi_region.is_multi_region() { "true" } else { "false" }),
    ];
    for (name, value) in properties {
        context.present(name, value, Origin::Resource);
    }
    match key.multi_region {
        MultiRegion::No => context.absent("kms:MultiRegionKeyType", Origin::Resource),
        MultiRegion::Primary => context.present("kms:MultiRegionKeyType", "PRIMARY", Origin::Resource),
        MultiRegion::Replica => context.present("kms:MultiRegionKeyType", "REPLICA", Origin::Resource),
        MultiRegion::Unstated => context.set("kms:MultiRegionKeyType", Presence::Unstated, Origin::Resource),
    }
    let aliases = key.aliases.clone().map_or(Presence::Unstated, |names| Presence::Present(Values::Many(names)));
    context.set("kms:ResourceAliases", aliases, Origin::Resource);
}

/// Request parameters: a default counts as present (R6.17); one the caller must choose is unstated.
fn parameters(context: &mut RequestContext, world: &World, request: &Request, operation: &Operation) {
    let mut default = |key: &str, value: &str| context.present(key, value, Origin::Operation);
    let unstated: &[&str] = match operation.name {
        "Encrypt"
        | "Decrypt"
        | "ReEncryptFrom"
        | "ReEncryptTo"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext" => {
            default("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
            if operation.name.starts_with("ReEncrypt") { &["kms:ReEncryptOnSameKey"] } else { &[] }
        }
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
            default("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
            &["kms:DataKeyPairSpec"]
        }
        "CreateKey" => {
            for key in ["kms:KeySpec", "kms:CustomerMasterKeySpec"] {
                default(key, "SYMMETRIC_DEFAULT");
            }
            for key in ["kms:KeyUsage", "kms:CustomerMasterKeyUsage"] {
                default(key, "ENCRYPT_DECRYPT");
            }
            default("kms:KeyOrigin", "AWS_KMS");
            default("kms:MultiRegion", "false");
            lockout_bypass(context);
            // Only a multi-Region key has a type, and only the caller knows whether it makes a primary or a replica.
            if is_stated(request, "kms:MultiRegion", "true") { &["kms:MultiRegionKeyType"] } else { &[] }
        }
        "PutKeyPolicy" => {
            lockout_bypass(context);
            &[]
        }
        "Sign" | "Verify" => {
            default("kms:MessageType", "RAW");
            &["kms:SigningAlgorithm"]
        }
        "GenerateMac" | "VerifyMac" => &["kms:MacAlgorithm"],
        "DeriveSharedSecret" => &["kms:KeyAgreementAlgorithm"],
        "ScheduleKeyDeletion" => {
            default("kms:ScheduleKeyDeletionPendingWindowInDays", "30");
            &["kms:TrailingDaysWithoutKeyUsage"]
        }
        "DisableKey" => &["kms:TrailingDaysWithoutKeyUsage"],
        "EnableKeyRotation" => {
            default("kms:RotationPeriodInDays", "365");
            &[]
        }
        "ImportKeyMaterial" => {
            default("kms:ExpirationModel", "KEY_MATERIAL_EXPIRES");
            &["kms:ValidTo"]
        }
        "ReplicateKey" => &["kms:ReplicaRegion"],
        "UpdatePrimaryRegion" => {
            primary_region(context, world, request);
            &[]
        }
        "GetParametersForImport" => &["kms:WrappingAlgorithm", "kms:WrappingKeySpec"],
        "CreateGrant" | "RetireGrant" | "ListGrants" | "RevokeGrant" => {
            if operation.name != "RetireGrant" {
                grant_is_for_aws_resource(context, request);
            }
            match operation.name {
                "CreateGrant" => &GRANT_PARAMETERS,
                "RetireGrant" => &["kms:GrantConstraintType"],
                _ => &[],
            }
        }
        _ => &[],
    };
    if TAKES_ATTESTATION.contains(&operation.name) {
        context.family("kms:RecipientAttestation:", Presence::Unstated, Origin::Operation);
    }
    for key in unstated {
        context.set(key, Presence::Unstated, Origin::Operation);
    }
}

/// Operations that may answer to an enclave, whose attestation document then says what it is.
const TAKES_ATTESTATION: [&str; 5] =
    ["Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair", "GenerateRandom"];

const GRANT_PARAMETERS: [&str; 7] = [
    "kms:GrantConstraintSourceArn",
    "kms:GrantConstraintType",
    "kms:GrantOperations",
    "kms:GranteePrincipal",
    "kms:GranteeServicePrincipal",
    "kms:RetiringPrincipal",
    "kms:RetiringServicePrincipal",
];

/// `UpdatePrimaryRegion` is authorized on the primary key and on the replica that takes its place (R6.14): there the
/// Region asked for is the replica's own.
fn primary_region(context: &mut RequestContext, world: &World, request: &Request) {
    let arn = &request.resource.arn;
    let is_replica = world.key(arn).is_some_and(|key| key.multi_region == MultiRegion::Replica);
    if is_replica {
        context.present("kms:PrimaryRegion", arn.region(), Origin::Resource);
    } else {
        context.set("kms:PrimaryRegion", Presence::Unstated, Origin::Operation);
    }
}

/// Whether the request states this value of a key by hand.
fn is_stated(request: &Request, key: &str, value: &str) -> bool {
    let stated = request.context.get(&ConditionKey::new(key));
    matches!(stated, Some(Some(Values::One(stated))) if stated.eq_ignore_ascii_case(value))
}

/// True only when a service makes the grant for its caller; on a direct call false, or absent (R6.29, unsure).
fn grant_is_for_aws_resource(context: &mut RequestContext, request: &Request) {
    let key = "kms:GrantIsForAWSResource";
    context.present(key, request.via.is_some().to_string(), Origin::Via);
    if request.via.is_none() {
        context.doubt(key, Rule::GrantIsForAwsResourceDefault, Presence::Absent);
    }
}

/// A parameter left out counts as its default, false, or as absent (R6.10, unsure).
fn lockout_bypass(context: &mut RequestContext) {
    let key = "kms:BypassPolicyLockoutSafetyCheck";
    context.present(key, "false", Origin::Operation);
    context.doubt(key, Rule::LockoutBypassDefault, Presence::Absent);
}
