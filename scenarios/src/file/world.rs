//! Which facts does a world state?
//!
//! A world is the organization, accounts, keys and identities a request is judged against (`fixtures/*.yaml`).
//! References between them (`account: ml`) and placeholders are kept as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::value::{At, ContextValue, Named, PolicySource, Text, schema_as_written};

/// A world: the facts requests are judged against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a world; write `accounts:`, `keys:`, `roles:` at the left margin")]
pub struct World {
    /// Values for `{{name}}` and `[[name]]`, here and in the policies the world names.
    pub vars: Named<Text>,
    /// What every call carries, unless a check says otherwise: condition keys and their values.
    pub context: Named<ContextValue>,
    /// The organization the accounts belong to. Absent: no organization, and so no SCPs and no RCPs.
    pub organization: Option<Organization>,
    /// AWS accounts, each under the name the rest of the world knows it by.
    pub accounts: Named<Account>,
    /// KMS keys: `key/NAME` in references.
    pub keys: Named<Key>,
    /// IAM roles: `role/NAME` in references.
    pub roles: Named<Role>,
    /// IAM users: `user/NAME` in references.
    pub users: Named<User>,
    /// IAM groups: `group/NAME` in references.
    pub groups: Named<Group>,
    /// VPC endpoints.
    pub endpoints: Named<Endpoint>,
    /// S3 buckets: `bucket/NAME` in references, `bucket/NAME/KEY` for an object.
    pub buckets: Named<Bucket>,
    /// Other resources with resource-based policies: `resource/NAME` in references.
    pub resources: Named<OtherResource>,
    /// What the access table of this world asks about. Left out: every caller and key there is, and every action and path
    /// the policies name.
    pub table: Option<Table>,
}

impl World {
    /// Lays another world over these: what it defines stands in place of what they define under the same name. Of an
    /// organization, the units that it does not define stay.
    pub fn laid_over(mut self, worlds: &mut Vec<Self>) {
        for world in worlds.iter_mut() {
            let Self { vars, context, organization, accounts, keys, roles, users, groups, endpoints, .. } = world;
            vars.make_way(&self.vars);
            context.make_way(&self.context);
            accounts.make_way(&self.accounts);
            keys.make_way(&self.keys);
            roles.make_way(&self.roles);
            users.make_way(&self.users);
            groups.make_way(&self.groups);
            endpoints.make_way(&self.endpoints);
            world.buckets.make_way(&self.buckets);
            world.resources.make_way(&self.resources);
            if let Some(over) = &mut self.organization
                && let Some(under) = organization.take()
            {
                for (path, unit) in under.units.iter() {
                    if over.units.get(path.as_str()).is_none() {
                        over.units.push(path.clone(), unit.clone());
                    }
                }
            }
        }
        worlds.push(self);
    }
}

/// What an access table asks about; each part stands in place of all there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "the parts of an access table; write a mapping with `principals`")]
pub struct Table {
    /// Who calls: references or ARNs, and `outsider` for somebody of another account whom that account allows everything.
    #[schemars(extend("minItems" = 1))]
    pub principals: Option<At<Vec<Text>>>,
    /// The keys: `key/NAME`.
    #[schemars(extend("minItems" = 1))]
    pub keys: Option<At<Vec<Text>>>,
    /// The actions: `kms:Decrypt`.
    #[schemars(extend("minItems" = 1))]
    pub actions: Option<At<Vec<Text>>>,
    /// How the calls travel.
    #[schemars(extend("minItems" = 1))]
    pub paths: Option<At<Vec<At<TablePath>>>>,
}

/// How a call of an access table travels; `{}` is a direct call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a path; write `{}`, `{ via: s3 }` or `{ for: ARN }`")]
pub struct TablePath {
    /// The service that forwards the call: `s3`, or `s3.us-east-1.amazonaws.com`. Calls of services are not asked so.
    pub via: Option<Text>,
    /// The resource a service acts for, which becomes `aws:SourceArn`. Calls of services alone are asked so.
    #[serde(rename = "for")]
    pub on_behalf_of: Option<Text>,
    /// The encryption context, for operations that take one.
    pub encryption_context: Named<Text>,
}

/// An AWS organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an organization; write a mapping with `id` and `management_account`")]
pub struct Organization {
    /// The organization's id: `o-exampleorg1`.
    pub id: Text,
    /// The 12-digit id of the management account, which SCPs and RCPs never restrict.
    pub management_account: Text,
    /// The root and the organizational units, by path: `root`, `root/workloads`.
    #[serde(default)]
    pub units: Named<Unit>,
}

/// The root or an organizational unit, and the policies attached to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an organizational unit; write a mapping with `scps` or `rcps`, or `{}`"
)]
pub struct Unit {
    /// Service control policies.
    pub scps: Vec<PolicySource>,
    /// Resource control policies.
    pub rcps: Vec<PolicySource>,
    /// Whether `FullAWSAccess` and `RCPFullAWSAccess` are attached, as AWS does at first. Default: true.
    pub full_access: Option<At<bool>>,
}

/// An AWS account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an account; write a mapping with `id`")]
pub struct Account {
    /// Its 12-digit id.
    pub id: Text,
    /// The path of the organizational unit it is in. Absent: outside the organization.
    pub unit: Option<Text>,
    /// Service control policies attached to the account itself.
    #[serde(default)]
    pub scps: Vec<PolicySource>,
    /// Resource control policies attached to the account itself.
    #[serde(default)]
    pub rcps: Vec<PolicySource>,
    /// Whether `FullAWSAccess` and `RCPFullAWSAccess` are attached to it, as AWS does at first. Default: true.
    pub full_access: Option<At<bool>>,
    /// Its canonical user id, by which a bucket policy may name it (`CanonicalUser`).
    pub canonical_user_id: Option<Text>,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "KeyEntry")]
pub enum Key {
    /// A key in an account, under a key policy.
    Held(Box<HeldKey>),
    /// A key AWS owns and uses for its own purposes: no policy of the world's decides about it.
    AwsOwned {
        /// The Region it is in.
        region: Option<Text>,
    },
}

/// A customer managed key or an AWS managed key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// The account that holds it, by its name in the world.
    pub account: Text,
    /// The Region it is in.
    pub region: Text,
    /// Its key id, not its ARN.
    pub id: Text,
    /// Its key policy; an AWS managed key has AWS's.
    pub policy: Option<PolicySource>,
    /// Whether AWS manages it for a service (`alias/aws/s3`).
    pub is_aws_managed: bool,
    /// Its state. Default: enabled.
    pub state: Option<At<KeyState>>,
    /// Its aliases, each with `alias/`. Left out: nobody stated them; `[]` is none.
    pub aliases: Option<Vec<Text>>,
    /// Its tags. Left out: nobody stated them, and a check that hangs on one fails; `{}` is none.
    pub tags: Option<Named<Text>>,
    /// Whether it is a multi-Region key. Default: what its id says.
    pub multi_region: Option<At<MultiRegion>>,
    /// Its grants, in order.
    pub grants: Vec<At<Grant>>,
    /// Its key spec. Default: `SYMMETRIC_DEFAULT`.
    pub spec: Option<Text>,
    /// Its key usage. Default: `ENCRYPT_DECRYPT`.
    pub usage: Option<Text>,
    /// The origin of its key material. Default: `AWS_KMS`.
    pub origin: Option<Text>,
}

/// A KMS key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a key; write a mapping with `account`, `region`, `id` and `policy`")]
#[schemars(rename = "Key")]
struct KeyEntry {
    /// The account that holds it, by its name under `accounts`.
    account: Option<Text>,
    /// The Region it is in.
    region: Option<Text>,
    /// Its key id, not its ARN.
    id: Option<Text>,
    /// Its key policy: a path from the policy root, or the JSON itself in a block scalar. An AWS managed key has none
    /// of ours: its policy follows from its alias.
    policy: Option<PolicySource>,
    /// Who owns it. An AWS owned key needs nothing else; an AWS managed key needs its alias. Default: `customer`.
    owner: Option<KeyOwner>,
    /// Its state. Default: `Enabled`.
    state: Option<At<KeyState>>,
    /// Its aliases, each with `alias/`. Left out: nobody stated them; `[]` is none.
    aliases: Option<Vec<Text>>,
    /// Its tags. Left out: nobody stated them, and a check that hangs on one fails; `{}` is none.
    tags: Option<Named<Text>>,
    /// Whether it is a multi-Region key: `primary`, `replica`, `true` for one of the two, `false`. Default: what its
    /// id says, since those of multi-Region keys begin with `mrk-`.
    multi_region: Option<At<MultiRegion>>,
    /// Its grants, in order: `key/NAME[0]` is the first.
    #[serde(default)]
    grants: Vec<At<Grant>>,
    /// Its key spec, as AWS names it. Default: `SYMMETRIC_DEFAULT`.
    spec: Option<Text>,
    /// Its key usage, as AWS names it. Default: `ENCRYPT_DECRYPT`.
    usage: Option<Text>,
    /// The origin of its key material, as AWS names it. Default: `AWS_KMS`.
    origin: Option<Text>,
}

/// Who owns a KMS key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KeyOwner {
    /// A customer managed key.
    Customer,
    /// A key AWS manages in the customer's account for one service.
    AwsManaged,
    /// A key AWS owns, outside the customer's account.
    AwsOwned,
}

/// Whether a KMS key is a multi-Region key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MultiRegion {
    /// The key that others replicate.
    Primary,
    /// A replica of a key in another Region.
    Replica,
    /// A primary or a replica key.
    True,
    /// A key of one Region.
    False,
}

/// The state of a KMS key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum KeyState {
    /// Being created.
    Creating,
    /// Ready for use.
    Enabled,
    /// Switched off by its owner.
    Disabled,
    /// To be deleted when its waiting period ends.
    PendingDeletion,
    /// Without key material yet.
    PendingImport,
    /// A multi-Region primary key whose replicas must go first.
    PendingReplicaDeletion,
    /// In a custom key store that cannot be reached.
    Unavailable,
    /// A multi-Region key whose primary is being changed.
    Updating,
}

impl JsonSchema for MultiRegion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MultiRegion".into()
    }

    /// Two of its words are Booleans to YAML and JSON.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["primary", "replica", true, false] })
    }
}

schema_as_written!(Key, KeyEntry);

impl TryFrom<KeyEntry> for Key {
    type Error = String;

    fn try_from(entry: KeyEntry) -> Result<Self, String> {
        if entry.owner == Some(KeyOwner::AwsOwned) {
            return match (&entry.account, &entry.policy) {
                (None, None) => Ok(Self::AwsOwned { region: entry.region }),
                (_, Some(_)) => {
                    Err("an AWS owned key with a key policy; remove `policy`: nobody outside AWS sees it".into())
                }
                (Some(_), None) => Err("an AWS owned key in an account; remove `account`: the key is in none".into()),
            };
        }
        let missing =
            |key: &str| format!("a key without `{key}`; add `{key}: …`, or say `owner: aws-owned` for a key AWS owns");
        let is_aws_managed = entry.owner == Some(KeyOwner::AwsManaged);
        if entry.policy.is_none() && !is_aws_managed {
            return Err(missing("policy"));
        }
        Ok(Self::Held(Box::new(HeldKey {
            account: entry.account.ok_or_else(|| missing("account"))?,
            region: entry.region.ok_or_else(|| missing("region"))?,
            id: entry.id.ok_or_else(|| missing("id"))?,
            policy: entry.policy,
            is_aws_managed,
            state: entry.state,
            aliases: entry.aliases,
            tags: entry.tags,
            multi_region: entry.multi_region,
            grants: entry.grants,
            spec: entry.spec,
            usage: entry.usage,
            origin: entry.origin,
        })))
    }
}

/// A grant of a KMS key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "GrantEntry")]
pub struct Grant {
    /// Who may use the key by it.
    pub grantee: Grantee,
    /// The operations it permits, without `kms:`.
    pub operations: Vec<Text>,
    /// What calls it is limited to.
    pub constraints: GrantConstraints,
    /// Who may retire it.
    pub retiring_principal: Option<Text>,
    /// The account it was issued under. Default: the key's account.
    pub issuing_account: Option<Text>,
}

/// Who may use a key by a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// A principal of an account.
    Principal(Text),
    /// An AWS service.
    Service(Text),
}

/// A grant of a KMS key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a grant; write a mapping with `grantee_principal` and `operations`")]
#[schemars(rename = "Grant")]
struct GrantEntry {
    /// Who may use the key: a reference or an ARN. Either this or `grantee_service_principal`.
    grantee_principal: Option<Text>,
    /// The AWS service that may use the key.
    grantee_service_principal: Option<Text>,
    /// The operations the grant permits: `Decrypt`, `GenerateDataKey`.
    operations: Vec<Text>,
    /// What calls it is limited to.
    #[serde(default)]
    constraints: GrantConstraints,
    /// Who may retire it.
    retiring_principal: Option<Text>,
    /// The account it was issued under. Default: the key's account.
    issuing_account: Option<Text>,
}

/// The constraints of a grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "grant constraints; write a mapping with `encryption_context_subset`"
)]
pub struct GrantConstraints {
    /// The encryption context must be exactly this.
    pub encryption_context_equals: Option<At<Named<Text>>>,
    /// The encryption context must hold these pairs.
    pub encryption_context_subset: Option<At<Named<Text>>>,
    /// The resource a service acts for.
    pub source_arn: Option<Text>,
}

schema_as_written!(Grant, GrantEntry);

impl TryFrom<GrantEntry> for Grant {
    type Error = &'static str;

    fn try_from(entry: GrantEntry) -> Result<Self, &'static str> {
        let grantee = match (entry.grantee_principal, entry.grantee_service_principal) {
            (Some(principal), None) => Grantee::Principal(principal),
            (None, Some(service)) => Grantee::Service(service),
            (None, None) => return Err("a grant without a grantee; add `grantee_principal: role/NAME`"),
            (Some(_), Some(_)) => {
                return Err("a grant with two grantees; keep `grantee_principal` or `grantee_service_principal`");
            }
        };
        Ok(Self {
            grantee,
            operations: entry.operations,
            constraints: entry.constraints,
            retiring_principal: entry.retiring_principal,
            issuing_account: entry.issuing_account,
        })
    }
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a role; write a mapping with `account`, `trust` and `policies`")]
pub struct Role {
    /// The account it is in, by its name under `accounts`.
    pub account: Text,
    /// Its path. Default: `/`.
    pub path: Option<Text>,
    /// Its unique id, `AROA…`, by which AWS knows it in the resource-based policies that name it.
    pub unique_id: Option<Text>,
    /// Its trust policy: who may assume it.
    pub trust: Option<PolicySource>,
    /// Its identity-based policies, inline and attached.
    #[serde(default)]
    pub policies: Vec<PolicySource>,
    /// Its permissions boundary. `null`: none.
    pub boundary: Option<PolicySource>,
    /// Its tags. Left out: nobody stated them, and a check that hangs on one fails; `{}` is none.
    pub tags: Option<Named<Text>>,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a user; write a mapping with `account` and `policies`")]
pub struct User {
    /// The account it is in, by its name under `accounts`.
    pub account: Text,
    /// Its path. Default: `/`.
    pub path: Option<Text>,
    /// Its unique id, `AIDA…`, by which AWS knows it in the resource-based policies that name it.
    pub unique_id: Option<Text>,
    /// Its identity-based policies, inline and attached.
    #[serde(default)]
    pub policies: Vec<PolicySource>,
    /// Its permissions boundary. `null`: none.
    pub boundary: Option<PolicySource>,
    /// The groups it belongs to, by their names under `groups`.
    #[serde(default)]
    pub groups: Vec<Text>,
    /// Its tags. Left out: nobody stated them, and a check that hangs on one fails; `{}` is none.
    pub tags: Option<Named<Text>>,
}

/// An IAM group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a group; write a mapping with `account` and `policies`")]
pub struct Group {
    /// The account it is in, by its name under `accounts`.
    pub account: Text,
    /// Its path. Default: `/`.
    pub path: Option<Text>,
    /// Its identity-based policies, inline and attached.
    #[serde(default)]
    pub policies: Vec<PolicySource>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a VPC endpoint; write a mapping with `account` and `id`")]
pub struct Endpoint {
    /// The account that owns it, by its name under `accounts`.
    pub account: Text,
    /// Its id: `vpce-1a2b3c4d`, the value of `aws:SourceVpce`.
    pub id: Text,
    /// The VPC it is in: `vpc-1a2b3c4d`, the value of `aws:SourceVpc`.
    pub vpc: Option<Text>,
    /// The service it leads to: `kms`.
    pub service: Option<Text>,
    /// Its policy. Absent: the default policy, which allows everything.
    pub policy: Option<PolicySource>,
}

/// An S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a bucket; write a mapping with `account` and `region`")]
pub struct Bucket {
    /// Its name, where that is not the one it has here.
    pub name: Option<Text>,
    /// The account that owns it, by its name under `accounts`.
    pub account: Text,
    /// The Region it is in.
    pub region: Option<Text>,
    /// Its bucket policy. Absent: it has none.
    pub policy: Option<PolicySource>,
    /// The key its objects are encrypted with (SSE-KMS): `key/NAME`. S3's calls to KMS are calls of their own.
    pub key: Option<Text>,
}

/// A resource of a service whose resources the world does not know otherwise: a queue, a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a resource; write a mapping with `arn` and `policy`")]
pub struct OtherResource {
    /// Its ARN.
    pub arn: Text,
    /// The account that owns it, by its name under `accounts`, where the ARN holds none.
    pub account: Option<Text>,
    /// Its resource-based policy. Absent: it has none.
    pub policy: Option<PolicySource>,
}
