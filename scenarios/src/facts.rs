//! Which accounts, keys, roles and policies do the worlds of a file define?
//!
//! Worlds are merged in the order of `use:`, their placeholders filled, their policies read. The result is still
//! as people wrote it, by name, so that a `change:` can edit it; [`Facts::world`] checks every policy and gives the
//! evaluator's [`World`].

mod key;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::context::{ConditionKey, Values};
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::json::{Text as JsonText, Value};
use permitlab_evaluator::policy::{self, Document, Policy, PolicySet, PolicyType};
use permitlab_evaluator::principal::{Identity, Principal, is_unique_id};
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::{Role, Session, User};
use permitlab_evaluator::world::kms::{Grant, KeyState, KmsKey, MultiRegion};
use permitlab_evaluator::world::network::Endpoint;
use permitlab_evaluator::world::organization::{Controls, Member, Organization, Unit};
use permitlab_evaluator::world::resource::OtherResource;
use permitlab_evaluator::world::s3::{Bucket, bucket_name};

use crate::file::world as written;
use crate::file::{self, ContextValue, Named, PolicySource, Text};
use crate::grants;
use crate::placeholders::{Scope, Vars, fill, nothing_bound};
use crate::reference::check_region;
use crate::root::PolicyRoot;

/// The service control policy that is attached everywhere unless it is detached (R5.5).
pub(crate) const FULL_ACCESS: &str = "FullAWSAccess";
pub(crate) const FULL_ACCESS_TEXT: &str =
    r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }"#;

/// What the worlds of a file define, by name.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Values for placeholders.
    pub vars: Vars,
    /// Accounts.
    pub accounts: BTreeMap<String, AccountId>,
    /// KMS keys.
    pub keys: BTreeMap<String, Key>,
    /// Roles and users, as `role/NAME` and `user/NAME`.
    pub identities: BTreeMap<String, Attached>,
    /// Policies by the name references use.
    pub documents: BTreeMap<String, PolicyDocument>,
    /// The organization.
    pub organization: Option<OrganizationFacts>,
    /// VPC endpoints.
    pub endpoints: BTreeMap<String, EndpointFacts>,
    /// S3 buckets.
    pub buckets: BTreeMap<String, BucketFacts>,
    /// Resources of other services.
    pub resources: BTreeMap<String, ResourceFacts>,
    /// Accounts by canonical user id.
    pub canonical_users: BTreeMap<String, AccountId>,
    /// The session of the caller of the check at hand.
    pub session: Option<SessionFacts>,
    /// The name of the key policy that the call of the check at hand brings.
    pub new_policy: Option<String>,
    /// Condition keys that every call carries.
    pub context: BTreeMap<ConditionKey, Option<Values>>,
    /// What the access table asks about, as the last world that says so has it.
    pub table: Option<written::Table>,
    places: BTreeMap<String, Span>,
}

/// A policy as written and the types it is used as.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    /// The text.
    pub document: Document,
    /// What it is attached as; a policy that is only named in a `change:` has none.
    pub kinds: BTreeSet<PolicyType>,
}

/// A KMS key of a world.
#[derive(Debug, Clone)]
pub enum Key {
    /// In a customer's account.
    Held(Box<HeldKey>),
    /// In an account of AWS's; no policy of a customer reaches it (R6.33).
    AwsOwned {
        /// The Region it is in, if the world says so.
        region: Option<String>,
    },
}

impl Key {
    /// The key, if a customer holds it.
    pub fn held(&self) -> Option<&HeldKey> {
        match self {
            Self::Held(key) => Some(key),
            Self::AwsOwned { .. } => None,
        }
    }
}

/// A KMS key in a customer's account.
#[derive(Debug, Clone)]
pub struct HeldKey {
    /// Its ARN.
    pub arn: Arn,
    /// Its account.
    pub account: AccountId,
    /// The name of its key policy.
    pub policy: String,
    /// Its state.
    pub state: KeyState,
    /// Its alias names; `None` when nobody stated them (R6.36).
    pub aliases: Option<Vec<String>>,
    /// Its tags; `None` when nobody stated them (R6.36).
    pub tags: Option<BTreeMap<String, String>>,
    /// Whether it is a multi-Region key, and of which kind.
    pub multi_region: MultiRegion,
    /// Whether AWS manages it, and wrote its policy (R6.32).
    pub is_aws_managed: bool,
    /// `SYMMETRIC_DEFAULT` unless stated.
    pub spec: String,
    /// `ENCRYPT_DECRYPT` unless stated.
    pub usage: String,
    /// `AWS_KMS` unless stated.
    pub origin: String,
    /// Its grants.
    pub grants: Vec<Grant>,
}

/// A role or user and what is attached to it.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Account, path and name.
    pub identity: Identity,
    /// The names of its identity-based policies.
    pub policies: Vec<String>,
    /// The name of its permissions boundary.
    pub boundary: Option<String>,
    /// The name of the trust policy of a role.
    pub trust: Option<String>,
    /// Its tags; `None` when nobody stated them.
    pub tags: Option<BTreeMap<String, String>>,
}

/// An organization as written: policies by name.
#[derive(Debug, Clone)]
pub struct OrganizationFacts {
    /// Its id.
    pub id: String,
    /// The account control policies do not reach.
    pub management_account: AccountId,
    /// Its root and units, by path.
    pub units: BTreeMap<String, ControlNames>,
    /// The unit of each account that is in one, and what is attached to the account.
    pub members: BTreeMap<AccountId, (String, ControlNames)>,
}

/// The names of the control policies of one level.
#[derive(Debug, Clone, Default)]
pub struct ControlNames {
    /// Service control policies.
    pub scps: Vec<String>,
    /// Resource control policies.
    pub rcps: Vec<String>,
}

/// A VPC endpoint as written.
#[derive(Debug, Clone)]
pub struct EndpointFacts {
    /// Its id.
    pub id: String,
    /// Its account.
    pub account: AccountId,
    /// Its VPC.
    pub vpc: Option<String>,
    /// The name of its policy.
    pub policy: Option<String>,
}

/// An S3 bucket as written.
#[derive(Debug, Clone)]
pub struct BucketFacts {
    /// Its ARN.
    pub arn: Arn,
    /// Its account.
    pub account: AccountId,
    /// Its Region, if the world says so.
    pub region: Option<String>,
    /// The name of its bucket policy.
    pub policy: Option<String>,
}

/// A resource of another service as written.
#[derive(Debug, Clone)]
pub struct ResourceFacts {
    /// Its ARN.
    pub arn: Arn,
    /// Its account.
    pub account: AccountId,
    /// The name of its resource-based policy.
    pub policy: Option<String>,
}

/// What a check says of its caller's session, policies by name.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// The caller.
    pub principal: Principal,
    /// The names of its session policies; none when it was made without any.
    pub policies: Vec<String>,
    /// Its session tags.
    pub tags: BTreeMap<String, String>,
    /// Its source identity.
    pub source_identity: Option<String>,
}

/// Reads the worlds a file uses, in order, with the vars of the file itself added last.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load<'u>(
    root: &PolicyRoot,
    sources: &mut SourceMap,
    worlds: impl IntoIterator<Item = &'u Text>,
    own_vars: &Named<Text>,
) -> Result<Facts, Vec<Diagnostic>> {
    let mut read = Vec::new();
    let mut findings = Vec::new();
    let mut used: Vec<&Text> = Vec::new();
    for path in worlds {
        if let Some(first) = used.iter().find(|first| first.as_str() == path.as_str()) {
            findings.push(
                Diagnostic::error("duplicate-world", path.span(), format!("the world `{path}` is used twice"))
                    .also(first.span(), "first used here")
                    .help("remove one of the two"),
            );
            continue;
        }
        used.push(path);
        match root.read_named(sources, path) {
            Ok(id) => match file::read_world(sources, id) {
                Ok(world) => read.push(world),
                Err(more) => findings.extend(more),
            },
            Err(finding) => findings.push(finding),
        }
    }
    if !read.is_empty() {
        for path in root.overlays() {
            let path = crate::table::typed(sources, "--with", path);
            let over = root.read_named(sources, &path).map_err(|finding| vec![finding]);
            match over.and_then(|id| file::read_world(sources, id)) {
                Ok(over) => over.laid_over(&mut read),
                Err(more) => findings.extend(more),
            }
        }
    }
    let vars = match Vars::resolve(read.iter().map(|world| &world.vars).chain([own_vars])) {
        Ok(vars) => vars,
        Err(more) => {
            findings.extend(more);
            return Err(findings);
        }
    };
    let table = read.iter().rev().find_map(|world| world.table.clone());
    let facts = Facts { vars, table, ..Facts::default() };
    let mut loader = Loader {
        root,
        sources,
        facts,
        findings,
        unreadable: BTreeSet::new(),
        groups: BTreeMap::new(),
        refused_accounts: BTreeSet::new(),
    };
    for world in &read {
        loader.accounts(world);
    }
    loader.organization(&read);
    for (name, group) in read.iter().flat_map(|world| world.groups.iter()) {
        loader.group(name, group);
    }
    for world in &read {
        loader.world(world);
    }
    for world in &read {
        loader.keys_of_buckets(world);
    }
    for (name, key) in read.iter().flat_map(|world| world.keys.iter()) {
        loader.grants(name, key);
    }
    loader.finish()
}

struct Loader<'l> {
    root: &'l PolicyRoot,
    sources: &'l mut SourceMap,
    facts: Facts,
    findings: Vec<Diagnostic>,
    /// Policy files that could not be read; one report of each is enough.
    unreadable: BTreeSet<String>,
    /// The account of each group, and the names of its policies.
    groups: BTreeMap<String, (Option<AccountId>, Vec<String>)>,
    /// Accounts with an id that is none; whoever names one is not to blame.
    refused_accounts: BTreeSet<String>,
}

impl Loader<'_> {
    fn finish(self) -> Result<Facts, Vec<Diagnostic>> {
        if self.findings.is_empty() { Ok(self.facts) } else { Err(self.findings) }
    }

    fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    fn report_all(&mut self, findings: impl IntoIterator<Item = Diagnostic>) {
        self.findings.extend(findings);
    }

    /// A text with its placeholders filled; unbound ones are reported.
    fn filled(&mut self, text: &Text) -> Text {
        match fill(text, &Scope::new(&self.facts.vars)) {
            Ok(filled) => filled,
            Err(findings) => {
                self.findings.extend(findings);
                text.clone()
            }
        }
    }

    fn string(&mut self, text: &Text) -> String {
        self.filled(text).as_str().to_owned()
    }

    /// A Region; a text that is none is reported.
    fn region(&mut self, text: &Text) -> String {
        let region = self.filled(text);
        self.report_all(is_filled(&region).then(|| check_region(&region).err()).flatten().map(|finding| *finding));
        region.as_str().to_owned()
    }

    /// The path of an identity, which begins and ends with a slash; `None` is the top.
    fn path(&mut self, text: Option<&Text>) -> String {
        let Some(text) = text else { return "/".to_owned() };
        let path = self.filled(text);
        self.report_all(is_filled(&path).then(|| odd_path(&path)).flatten());
        path.as_str().to_owned()
    }

    fn strings(&mut self, texts: &Named<Text>) -> BTreeMap<String, String> {
        texts.iter().map(|(name, value)| (name.as_str().to_owned(), self.string(value))).collect()
    }

    /// Takes a name such as `key/eval`, unless an earlier world took it.
    fn define(&mut self, kind: &str, name: &Text) -> Option<String> {
        let full = format!("{kind}/{name}");
        if let Some(first) = self.facts.places.get(&full) {
            let finding = Diagnostic::error("duplicate-name", name.span(), format!("`{full}` is defined twice"))
                .also(*first, "first defined here")
                .help("remove one of the two, or give it another name");
            self.report(finding);
            return None;
        }
        self.facts.places.insert(full.clone(), name.span());
        Some(full)
    }

    /// Takes what only one thing of a kind can be: an ARN, an account id.
    fn claim(&mut self, identity: String, span: Span, code: &'static str, message: impl Into<String>) {
        if let Some(first) = self.facts.places.get(&identity) {
            let finding = Diagnostic::error(code, span, message).also(*first, "first used here");
            self.report(finding.help("correct one of the two, or remove it"));
        } else {
            self.facts.places.insert(identity, span);
        }
    }

    fn accounts(&mut self, world: &written::World) {
        for (name, account) in world.accounts.iter() {
            let id = self.filled(&account.id);
            let parsed = AccountId::parse(id.as_str());
            if let (Some(_), Ok(parsed)) = (self.define("account", name), parsed) {
                self.claim(parsed.to_string(), id.span(), "duplicate-account-id", format!("two accounts are `{id}`"));
                self.facts.accounts.insert(name.as_str().to_owned(), parsed);
                self.canonical_user(account, parsed);
            } else if let Err(error) = parsed {
                let finding =
                    Diagnostic::error("invalid-account-id", id.span(), format!("`{id}` is not an account id"));
                self.report(finding.help(error.to_string()));
                self.refused_accounts.insert(name.as_str().to_owned());
            }
        }
    }

    fn canonical_user(&mut self, account: &written::Account, id: AccountId) {
        let Some(canonical) = account.canonical_user_id.as_ref().map(|canonical| self.filled(canonical)) else {
            return;
        };
        if self.facts.canonical_users.insert(canonical.as_str().to_owned(), id).is_some() {
            let message = format!("`{canonical}` is the canonical user id of two accounts");
            let finding = Diagnostic::error("duplicate-name", canonical.span(), message);
            self.report(finding.help("each account has one of its own; correct one of the two"));
        }
    }

    fn world(&mut self, world: &written::World) {
        for (key, value) in world.context.iter() {
            let unknown = crate::reference::unknown_context_key(key.as_str(), key.span());
            self.findings.extend(unknown);
            let values = self.values(value);
            self.facts.context.insert(ConditionKey::new(key.as_str()), values);
        }
        for (name, key) in world.keys.iter() {
            self.key(name, key);
        }
        for (name, role) in world.roles.iter() {
            self.role(name, role);
        }
        for (name, user) in world.users.iter() {
            self.user(name, user);
        }
        for (name, endpoint) in world.endpoints.iter() {
            self.endpoint(name, endpoint);
        }
        for (name, bucket) in world.buckets.iter() {
            self.bucket(name, bucket);
        }
        for (name, resource) in world.resources.iter() {
            self.resource(name, resource);
        }
    }

    fn bucket(&mut self, name: &Text, bucket: &written::Bucket) {
        let Some(full) = self.define("bucket", name) else { return };
        let account = self.account(&bucket.account);
        let policy = bucket.policy.as_ref().and_then(|policy| self.policy(policy, PolicyType::Resource, &full));
        let region = bucket.region.as_ref().map(|region| self.region(region));
        let own = self.filled(bucket.name.as_ref().unwrap_or(name));
        let partition = partition(region.as_deref().unwrap_or_default());
        let arn = Arn::parse(&format!("arn:{partition}:s3:::{own}"));
        let Some(arn) = arn.ok().filter(|_| !own.as_str().contains(['/', '*', ':']) && !own.as_str().is_empty()) else {
            let finding = Diagnostic::error("invalid-bucket", own.span(), format!("`{own}` is no name of a bucket"));
            self.report(finding.help("write the bucket's name, without `arn:` and without an object's key"));
            return;
        };
        if let Some(account) = account {
            let facts = BucketFacts { arn, account, region, policy };
            self.facts.buckets.insert(name.as_str().to_owned(), facts);
        }
    }

    fn keys_of_buckets(&mut self, world: &written::World) {
        for key in world.buckets.iter().filter_map(|(_, bucket)| bucket.key.as_ref()) {
            let key = self.filled(key);
            // A key with something wrong about it is no key, and was reported.
            let known = key.as_str().starts_with("key/") && self.facts.places.contains_key(key.as_str());
            if !known {
                let names: Vec<String> = self.facts.keys.keys().map(|name| format!("key/{name}")).collect();
                let finding = crate::reference::unknown(&key, key.as_str(), names.iter().map(String::as_str));
                self.report(*finding);
            }
        }
    }

    fn resource(&mut self, name: &Text, resource: &written::OtherResource) {
        let Some(full) = self.define("resource", name) else { return };
        let policy = resource.policy.as_ref().and_then(|policy| self.policy(policy, PolicyType::Resource, &full));
        let written = self.filled(&resource.arn);
        let arn = Arn::parse(written.as_str());
        let problem = match &arn {
            Err(error) => Some(("invalid-arn", format!("`{written}` is not an ARN"), error.to_string())),
            Ok(arn) if matches!(arn.service(), "kms" | "s3" | "iam") => Some((
                "misplaced-resource",
                format!("`{written}` is no resource of another service"),
                "define it under `keys:`, `buckets:` or `roles:`".to_owned(),
            )),
            Ok(_) => None,
        };
        if let Some((code, message, help)) = problem {
            self.report(Diagnostic::error(code, written.span(), message).help(help));
        }
        let Ok(arn) = arn else { return };
        let account = match &resource.account {
            Some(account) => self.account(account),
            None => arn.account(),
        };
        if let Some(account) = account {
            self.facts.resources.insert(name.as_str().to_owned(), ResourceFacts { arn, account, policy });
        } else if resource.account.is_none() {
            let message = format!("whose `{written}` is, its ARN does not say");
            self.report(Diagnostic::error("missing-key", written.span(), message).help("add `account:`"));
        }
    }

    /// The organization and where the accounts stand in it. One world defines it for all.
    fn organization(&mut self, worlds: &[written::World]) {
        let mut defined = worlds.iter().filter_map(|world| world.organization.as_ref());
        let Some(organization) = defined.next() else {
            for account in worlds.iter().flat_map(|world| world.accounts.iter().map(|(_, account)| account)) {
                self.report_all(outside_of_the_organization(account));
                if let Some(unit) = &account.unit {
                    let finding = Diagnostic::error("unknown-unit", unit.span(), "there is no organization");
                    self.report(finding.help("define it under `organization:`, with its `units:`"));
                }
            }
            return;
        };
        if let Some(second) = defined.next() {
            let finding = Diagnostic::error("duplicate-name", second.id.span(), "the organization is defined twice");
            self.report(finding.also(organization.id.span(), "first defined here").help("remove one of the two"));
        }
        let management = self.filled(&organization.management_account);
        let Ok(management_account) = AccountId::parse(management.as_str()) else {
            let message = format!("`{management}` is not an account id");
            self.report(
                Diagnostic::error("invalid-account-id", management.span(), message)
                    .help("an account id has twelve digits"),
            );
            return;
        };
        let mut facts = OrganizationFacts {
            id: self.string(&organization.id),
            management_account,
            units: BTreeMap::new(),
            members: BTreeMap::new(),
        };
        for (path, unit) in organization.units.iter() {
            let parent = path.as_str().rsplit_once('/').map(|(parent, _)| parent);
            let is_rooted = parent.map_or(path.as_str() == "root", |parent| organization.units.get(parent).is_some());
            if !is_rooted {
                let message = format!("the unit `{path}` has no parent");
                self.report(
                    Diagnostic::error("unknown-unit", path.span(), message)
                        .help("units are written as paths from `root`; define each unit on the way"),
                );
            }
            let full_access = unit.full_access.is_none_or(|full| full.value);
            let controls = self.controls(&unit.scps, &unit.rcps, full_access, &format!("unit/{path}"));
            facts.units.insert(path.as_str().to_owned(), controls);
        }
        for (name, account) in worlds.iter().flat_map(|world| world.accounts.iter()) {
            self.report_all(outside_of_the_organization(account));
            let Some(unit) = &account.unit else { continue };
            let unit = self.filled(unit);
            if !facts.units.contains_key(unit.as_str()) {
                let near = closest(unit.as_str(), facts.units.keys().map(String::as_str));
                let help = near.map_or_else(
                    || "define it under `organization:` `units:`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                self.report(
                    Diagnostic::error("unknown-unit", unit.span(), format!("no unit is called `{unit}`")).help(help),
                );
            }
            let full_access = account.full_access.is_none_or(|full| full.value);
            let controls = self.controls(&account.scps, &account.rcps, full_access, &format!("account/{name}"));
            if let Some(id) = self.facts.accounts.get(name.as_str()) {
                facts.members.insert(*id, (unit.as_str().to_owned(), controls));
            }
        }
        self.facts.organization = Some(facts);
    }

    /// `FullAWSAccess` is attached at every level unless a unit or account says otherwise (R5.5).
    fn controls(
        &mut self,
        scps: &[PolicySource],
        rcps: &[PolicySource],
        full_access: bool,
        owner: &str,
    ) -> ControlNames {
        let mut names = ControlNames::default();
        if full_access {
            names.scps.extend(self.full_access());
        }
        for (index, policy) in scps.iter().enumerate() {
            names.scps.extend(self.policy(policy, PolicyType::ServiceControl, &format!("{owner}/scp/{index}")));
        }
        for (index, policy) in rcps.iter().enumerate() {
            names.rcps.extend(self.policy(policy, PolicyType::ResourceControl, &format!("{owner}/rcp/{index}")));
        }
        names
    }

    fn full_access(&mut self) -> Option<String> {
        if !self.facts.documents.contains_key(FULL_ACCESS) {
            let id = self.sources.add(FULL_ACCESS, FULL_ACCESS_TEXT).ok()?;
            let document = Document::read(FULL_ACCESS, id, FULL_ACCESS_TEXT).ok()?;
            self.facts.add_document(document, PolicyType::ServiceControl);
        }
        Some(FULL_ACCESS.to_owned())
    }

    fn endpoint(&mut self, name: &Text, endpoint: &written::Endpoint) {
        let Some(full) = self.define("endpoint", name) else { return };
        let account = self.account(&endpoint.account);
        let policy = endpoint.policy.as_ref().and_then(|policy| self.policy(policy, PolicyType::VpcEndpoint, &full));
        let (id, vpc) = (self.string(&endpoint.id), endpoint.vpc.as_ref().map(|vpc| self.string(vpc)));
        self.claim(id.clone(), endpoint.id.span(), "duplicate-endpoint-id", format!("two VPC endpoints are `{id}`"));
        if let Some(account) = account {
            self.facts.endpoints.insert(name.as_str().to_owned(), EndpointFacts { id, account, vpc, policy });
        }
    }

    fn values(&mut self, value: &ContextValue) -> Option<Values> {
        match value {
            ContextValue::Absent => None,
            ContextValue::One(text) => Some(Values::One(self.string(text))),
            ContextValue::Many(texts) => Some(Values::Many(texts.iter().map(|text| self.string(text)).collect())),
        }
    }

    fn account(&mut self, name: &Text) -> Option<AccountId> {
        let filled = self.filled(name);
        let found = self.facts.accounts.get(filled.as_str()).copied();
        if found.is_none() && !self.refused_accounts.contains(filled.as_str()) {
            let names = self.facts.accounts.keys().map(String::as_str);
            let help = match closest(filled.as_str(), names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "define it under `accounts:`".to_owned(),
            };
            self.report(
                Diagnostic::error("unknown-account", filled.span(), format!("no account is called `{filled}`"))
                    .help(help),
            );
        }
        found
    }

    fn key(&mut self, name: &Text, key: &written::Key) {
        let Some(full) = self.define("key", name) else { return };
        let key = match key {
            written::Key::AwsOwned { region } => {
                Some(Key::AwsOwned { region: region.as_ref().map(|region| self.region(region)) })
            }
            written::Key::Held(key) => self.held_key(&full, key).map(|key| Key::Held(Box::new(key))),
        };
        if let Some(key) = key {
            self.facts.keys.insert(name.as_str().to_owned(), key);
        }
    }

    fn held_key(&mut self, full: &str, key: &written::HeldKey) -> Option<HeldKey> {
        let account = self.account(&key.account);
        let (region, id) = (self.region(&key.region), self.filled(&key.id));
        let aliases: Option<Vec<Text>> =
            key.aliases.as_ref().map(|aliases| aliases.iter().map(|alias| self.filled(alias)).collect());
        self.report_all(key::odd_id(&id));
        self.report_all(aliases.iter().flatten().filter_map(|alias| key::odd_alias(alias, key.is_aws_managed)));
        let policy = if key.is_aws_managed {
            self.report_all(key::not_ours(key));
            account.and_then(|account| self.aws_policy(full, key, aliases.as_deref(), account, &region))
        } else {
            key.policy.as_ref().and_then(|policy| self.policy(policy, PolicyType::Key, full))
        };
        let multi_region = match key::multi_region(&id, key.multi_region) {
            Ok(multi_region) => multi_region,
            Err(finding) => {
                self.report(finding);
                return None;
            }
        };
        let account = account?;
        let Ok(arn) = Arn::parse(&format!("arn:{}:kms:{region}:{account}:key/{id}", partition(&region))) else {
            let message = format!("`{id}` in `{region}` makes no key ARN");
            self.report(
                Diagnostic::error("invalid-key", id.span(), message).help("give `id` and `region` as KMS prints them"),
            );
            return None;
        };
        self.claim_key(&arn, &id, multi_region);
        for alias in aliases.iter().flatten() {
            let message = format!("two keys of an account and Region have the alias `{alias}`");
            self.claim(format!("{account} {region} {alias}"), alias.span(), "duplicate-alias", message);
        }
        let text = |loader: &mut Self, text: &Option<Text>, default: &str| {
            text.as_ref().map_or_else(|| default.to_owned(), |text| loader.string(text))
        };
        Some(HeldKey {
            arn,
            account,
            policy: policy?,
            state: key.state.map_or(KeyState::Enabled, |state| key_state(state.value)),
            aliases: aliases.map(|aliases| aliases.iter().map(|alias| alias.as_str().to_owned()).collect()),
            tags: key.tags.as_ref().map(|tags| self.strings(tags)),
            multi_region,
            is_aws_managed: key.is_aws_managed,
            spec: text(self, &key.spec, "SYMMETRIC_DEFAULT"),
            usage: text(self, &key.usage, "ENCRYPT_DECRYPT"),
            origin: text(self, &key.origin, "AWS_KMS"),
            grants: Vec::new(),
        })
    }

    /// The policy AWS gave a key that it manages, under the name of the key.
    fn aws_policy(
        &mut self,
        full: &str,
        key: &written::HeldKey,
        aliases: Option<&[Text]>,
        account: AccountId,
        region: &str,
    ) -> Option<String> {
        let service = match key::service(key, aliases) {
            Ok(service) => service,
            Err(finding) => {
                self.report(finding);
                return None;
            }
        };
        let text = key::aws_policy(service, account, region);
        let id = self.sources.add(format!("AWS's policy of alias/aws/{service}"), text.as_str()).ok()?;
        let document = Document::read(full, id, &text).ok()?;
        self.facts.add_document(document, PolicyType::Key);
        Some(full.to_owned())
    }

    /// One key has an ARN, and one key of an account and id is the primary (R6.35).
    fn claim_key(&mut self, arn: &Arn, id: &Text, multi_region: MultiRegion) {
        let message = if multi_region == MultiRegion::Replica {
            format!("a replica lives in another Region than its primary, and two keys are `{arn}`")
        } else {
            format!("two keys are `{arn}`")
        };
        self.claim(arn.to_string(), id.span(), "duplicate-key-id", message);
        if multi_region == MultiRegion::Primary {
            let message = format!("two keys are the primary of `{id}`");
            let account = arn.account().map(|account| account.to_string()).unwrap_or_default();
            self.claim(format!("primary {account} {id}"), id.span(), "duplicate-primary", message);
        }
    }

    /// Grants name roles and users, so they are read once those are known.
    fn grants(&mut self, name: &Text, written: &written::Key) {
        let written::Key::Held(written) = written else { return };
        for (index, grant) in written.grants.iter().enumerate() {
            let Some(Key::Held(key)) = self.facts.keys.get(name.as_str()) else { return };
            match grants::resolve(&self.facts, grant, key, &format!("key/{name}[{index}]")) {
                Ok(grant) => {
                    if let Some(Key::Held(key)) = self.facts.keys.get_mut(name.as_str()) {
                        key.grants.push(grant);
                    }
                }
                Err(findings) => self.findings.extend(findings),
            }
        }
    }

    fn role(&mut self, name: &Text, role: &written::Role) {
        let Some(full) = self.define("role", name) else { return };
        let trust =
            role.trust.as_ref().and_then(|trust| self.policy(trust, PolicyType::Trust, &format!("{full}/trust")));
        let boundary = role
            .boundary
            .as_ref()
            .and_then(|policy| self.policy(policy, PolicyType::Boundary, &format!("{full}/boundary")));
        let unique_id = self.unique_id(role.unique_id.as_ref(), "AROA");
        let place = (&role.account, role.path.as_ref(), unique_id);
        self.identity(name, &full, place, &role.policies, boundary, role.tags.as_ref());
        if let Some(role) = self.facts.identities.get_mut(&full) {
            role.trust = trust;
        }
    }

    fn group(&mut self, name: &Text, group: &written::Group) {
        let Some(full) = self.define("group", name) else { return };
        let account = self.account(&group.account);
        self.path(group.path.as_ref());
        let policies = group.policies.iter().enumerate();
        let policies = policies
            .filter_map(|(index, policy)| self.policy(policy, PolicyType::Identity, &format!("{full}/{index}")))
            .collect();
        self.groups.insert(name.as_str().to_owned(), (account, policies));
    }

    fn user(&mut self, name: &Text, user: &written::User) {
        let Some(full) = self.define("user", name) else { return };
        let boundary = user
            .boundary
            .as_ref()
            .and_then(|policy| self.policy(policy, PolicyType::Boundary, &format!("{full}/boundary")));
        let unique_id = self.unique_id(user.unique_id.as_ref(), "AIDA");
        let place = (&user.account, user.path.as_ref(), unique_id);
        self.identity(name, &full, place, &user.policies, boundary, user.tags.as_ref());
        let Some(account) = self.facts.identities.get(&full).map(|user| user.identity.account) else { return };
        for group in &user.groups {
            let group = self.filled(group);
            let policies = self.policies_of_group(&group, account);
            if let Some(user) = self.facts.identities.get_mut(&full) {
                user.policies.extend(policies);
            }
        }
    }

    /// The policies that a group gives a user of an account; the group is one of the same account.
    fn policies_of_group(&mut self, group: &Text, account: AccountId) -> Vec<String> {
        let (code, message, help) = match self.groups.get(group.as_str()) {
            Some((Some(own), _)) if *own != account => (
                "group-of-another-account",
                format!("the group `{group}` is in the account `{own}`, the user in `{account}`"),
                "a group holds users of its own account; correct one of the two".to_owned(),
            ),
            Some((_, policies)) => return policies.clone(),
            None => (
                "unknown-group",
                format!("no group is called `{group}`"),
                closest(group.as_str(), self.groups.keys().map(String::as_str))
                    .map_or_else(|| "define it under `groups:`".to_owned(), |near| format!("did you mean `{near}`?")),
            ),
        };
        self.report(Diagnostic::error(code, group.span(), message).help(help));
        Vec::new()
    }

    /// The id by which AWS keeps a user or role in policies (R3.9).
    fn unique_id(&mut self, id: Option<&Text>, prefix: &str) -> Option<Box<str>> {
        let id = self.filled(id?);
        if !id.as_str().starts_with(prefix) || !is_unique_id(id.as_str()) {
            let message = format!("`{id}` is no unique id of this kind");
            let help = format!("it begins with `{prefix}`, and capital letters and digits follow, as IAM prints it");
            self.report(Diagnostic::error("invalid-unique-id", id.span(), message).help(help));
        }
        Some(id.as_str().into())
    }

    fn identity(
        &mut self,
        name: &Text,
        full: &str,
        (account, path, unique_id): (&Text, Option<&Text>, Option<Box<str>>),
        policies: &[PolicySource],
        boundary: Option<String>,
        tags: Option<&Named<Text>>,
    ) {
        let account = self.account(account);
        let path = self.path(path);
        let mut names = Vec::new();
        for (index, policy) in policies.iter().enumerate() {
            names.extend(self.policy(policy, PolicyType::Identity, &format!("{full}/{index}")));
        }
        let tags = tags.map(|tags| self.strings(tags));
        let Some(account) = account else { return };
        let kind = full.split('/').next().unwrap_or_default();
        let message = format!("two {kind}s of an account are called `{name}`, in whatever case and path");
        let folded = name.as_str().to_ascii_lowercase();
        self.claim(format!("{kind} {account} {folded}"), name.span(), "duplicate-name", message);
        let identity =
            Identity { partition: "aws".into(), account, path: path.into(), name: name.as_str().into(), unique_id };
        let attached = Attached { identity, policies: names, boundary, trust: None, tags };
        self.facts.identities.insert(full.to_owned(), attached);
    }

    /// Reads a policy and gives the name references use.
    fn policy(&mut self, source: &PolicySource, kind: PolicyType, owner: &str) -> Option<String> {
        if let PolicySource::File(path) = source {
            let path = self.filled(path);
            let name = policy_name(path.as_str());
            if let Some(known) = self.facts.documents.get_mut(name) {
                known.kinds.insert(kind);
                return Some(name.to_owned());
            }
            if self.unreadable.contains(path.as_str()) {
                return None;
            }
        }
        match read_policy(self.root, self.sources, &self.facts.vars, source, owner) {
            Ok(document) => {
                let name = document.name.to_string();
                let entry = self.facts.documents.entry(name.clone());
                entry.or_insert_with(|| PolicyDocument { document, kinds: BTreeSet::new() }).kinds.insert(kind);
                Some(name)
            }
            Err(findings) => {
                self.findings.extend(findings);
                if let PolicySource::File(path) = source {
                    let path = self.string(path);
                    self.unreadable.insert(path);
                }
                None
            }
        }
    }
}

/// Whether every placeholder of a text got its value; one that did not is reported by itself.
fn is_filled(text: &Text) -> bool {
    !text.as_str().contains("{{") && !text.as_str().contains("[[")
}

/// A path that IAM would not take: it begins and ends with `/`, with printable ASCII between.
fn odd_path(path: &Text) -> Option<Diagnostic> {
    let written = path.as_str();
    let bare = written.trim_matches('/');
    let is_path = written.starts_with('/') && written.ends_with('/') && written.len() <= 512;
    if is_path && written.chars().all(|c| ('!'..='~').contains(&c)) {
        return None;
    }
    let help = if bare.is_empty() { "write `/`, or remove it".to_owned() } else { format!("write `/{bare}/`") };
    Some(Diagnostic::error("invalid-path", path.span(), format!("`{path}` is not a path of IAM")).help(help))
}

/// Control policies reach an account through its organization only (R5.5, R5.6).
fn outside_of_the_organization(account: &written::Account) -> Option<Diagnostic> {
    let attached = account.scps.first().or(account.rcps.first()).map(PolicySource::span);
    let span = attached.or(account.full_access.map(|full| full.span)).filter(|_| account.unit.is_none())?;
    let finding = Diagnostic::error("misplaced-key", span, "control policies of an account outside the organization");
    Some(finding.help("say which unit the account is in: `unit: root/…`"))
}

/// Reads a policy file or an inline policy and fills its placeholders.
///
/// # Errors
/// A file that cannot be read, the first JSON error, every placeholder nothing is bound to.
pub fn read_policy(
    root: &PolicyRoot,
    sources: &mut SourceMap,
    vars: &Vars,
    source: &PolicySource,
    owner: &str,
) -> Result<Document, Vec<Diagnostic>> {
    let mut document = match source {
        PolicySource::File(path) => {
            let path = fill(path, &Scope::new(vars))?;
            let id = root.read_named(sources, &path).map_err(|finding| vec![finding])?;
            let text = sources.source(id).map(|source| source.text().to_owned()).unwrap_or_default();
            Document::read(policy_name(path.as_str()), id, &text).map_err(|finding| vec![*finding])?
        }
        PolicySource::Inline(text) => {
            let (id, json) = if let Some(json) = source.in_place(sources) {
                (text.span().source, json)
            } else {
                let added = sources.add(format!("policy of {owner}"), text.as_str());
                let too_long =
                    |_| vec![Diagnostic::error("too-large", text.span(), "the policy is too long").help("shorten it")];
                (added.map_err(too_long)?, text.as_str().to_owned())
            };
            Document::read(owner, id, &json).map_err(|finding| vec![*finding])?
        }
    };
    let unbound = document.fill(&Scope::new(vars));
    if unbound.is_empty() {
        return Ok(document);
    }
    Err(unbound.iter().map(|name| nothing_bound(name, vars.iter().map(|(name, _)| name))).collect())
}

/// The name references use for a policy file: its path under `policies/` without `.json`.
pub fn policy_name(path: &str) -> &str {
    let path = path.strip_prefix("policies/").unwrap_or(path);
    path.strip_suffix(".json").unwrap_or(path)
}

/// What the statements of a policy are called: by number each, and by Sid where only one has it.
pub fn statement_labels(document: &Document) -> Vec<(usize, String)> {
    let sids: Vec<Option<&str>> = document.statements().iter().map(sid).collect();
    let numbered = (0..sids.len()).map(|index| (index, format!("[{index}]")));
    let is_alone = |sid: &str| sids.iter().flatten().filter(|other| **other == sid).count() == 1;
    let named = sids
        .iter()
        .enumerate()
        .filter_map(|(index, sid)| sid.filter(|sid| is_alone(sid)).map(|sid| (index, sid.to_owned())));
    numbered.chain(named).collect()
}

fn sid(statement: &Value) -> Option<&str> {
    let member = policy::document::member(statement, "Sid")?;
    member.value.as_text().map(JsonText::as_str).filter(|sid| !sid.is_empty())
}

/// The partition a Region belongs to.
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

fn key_state(state: written::KeyState) -> KeyState {
    match state {
        written::KeyState::Creating => KeyState::Creating,
        written::KeyState::Enabled => KeyState::Enabled,
        written::KeyState::Disabled => KeyState::Disabled,
        written::KeyState::PendingDeletion => KeyState::PendingDeletion,
        written::KeyState::PendingImport => KeyState::PendingImport,
        written::KeyState::PendingReplicaDeletion => KeyState::PendingReplicaDeletion,
        written::KeyState::Unavailable => KeyState::Unavailable,
        written::KeyState::Updating => KeyState::Updating,
    }
}

impl Facts {
    /// Checks every policy and gives the evaluator's world.
    ///
    /// # Errors
    /// Every reason for which AWS would refuse one of the policies.
    pub fn world(&self) -> Result<World, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let mut policies: BTreeMap<(&str, PolicyType), Arc<Policy>> = BTreeMap::new();
        for (name, entry) in &self.documents {
            for kind in &entry.kinds {
                let parsed = policy::parse(&entry.document, *kind);
                findings.extend(parsed.diagnostics.into_iter().filter(Diagnostic::is_error));
                let account_of = |id: &str| self.canonical_users.get(id).copied();
                let policy = parsed.policy.map(|policy| policy.with_canonical_users(account_of));
                policies.extend(policy.map(|policy| ((name.as_str(), *kind), Arc::new(policy))));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let checked = Checked { policies };
        let mut world = World { context: self.context.clone(), ..World::default() };
        for (full, each) in &self.identities {
            let (identity, policies) = (each.identity.clone(), checked.all(&each.policies, PolicyType::Identity));
            let (boundary, tags) = (checked.one(each.boundary.as_deref(), PolicyType::Boundary), each.tags.clone());
            if full.starts_with("role/") {
                let trust = checked.one(each.trust.as_deref(), PolicyType::Trust);
                world.roles.push(Role { identity, policies, boundary, trust, tags });
            } else {
                world.users.push(User { identity, policies, boundary, tags });
            }
        }
        world.organization = self.organization.as_ref().map(|organization| checked.organization(organization));
        world.endpoints = self.endpoints.values().map(|endpoint| checked.endpoint(endpoint)).collect();
        world.buckets = self.buckets.values().filter_map(|bucket| checked.bucket(bucket)).collect();
        world.resources = self.resources.values().map(|resource| checked.resource(resource)).collect();
        world.sessions = self.session.iter().map(|session| checked.session(session)).collect();
        let policies = &checked.policies;
        for key in self.keys.values() {
            if let Key::Held(key) = key
                && let Some(policy) = policies.get(&(key.policy.as_str(), PolicyType::Key))
            {
                world.keys.push(kms_key(key, policy.clone()));
            }
        }
        Ok(world)
    }

    /// The key policy that the call at hand brings, checked.
    pub fn proposed_policy(&self) -> Option<Arc<Policy>> {
        let entry = self.documents.get(self.new_policy.as_deref()?)?;
        policy::parse(&entry.document, PolicyType::Key).policy.map(Arc::new)
    }

    /// The keys in accounts of customers.
    pub fn held_keys(&self) -> impl Iterator<Item = &HeldKey> {
        self.keys.values().filter_map(|key| match key {
            Key::Held(key) => Some(&**key),
            Key::AwsOwned { .. } => None,
        })
    }

    /// Warnings about the policies: what AWS stores and never uses.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        let parse = |entry: &PolicyDocument| {
            let parsed = entry.kinds.iter().flat_map(|kind| policy::parse(&entry.document, *kind).diagnostics);
            parsed.filter(|finding| !finding.is_error()).collect::<Vec<_>>()
        };
        self.documents.values().flat_map(parse).collect()
    }

    /// Values for condition keys that are written in a file, with a scope's placeholders filled.
    ///
    /// # Errors
    /// Every placeholder nothing is bound to.
    pub fn context_values(
        context: &Named<ContextValue>,
        scope: &Scope<'_>,
    ) -> Result<BTreeMap<ConditionKey, Option<Values>>, Vec<Diagnostic>> {
        let one = |text: &Text| fill(text, scope).map(|text| text.as_str().to_owned());
        let mut values = BTreeMap::new();
        for (key, value) in context.iter() {
            let value = match value {
                ContextValue::Absent => None,
                ContextValue::One(text) => Some(Values::One(one(text)?)),
                ContextValue::Many(texts) => Some(Values::Many(texts.iter().map(one).collect::<Result<_, _>>()?)),
            };
            let name = fill(key, scope)?;
            if values.insert(ConditionKey::new(name.as_str()), value).is_some() {
                let message = format!("`{name}` is stated twice; names of condition keys ignore case");
                return Err(vec![
                    Diagnostic::error("duplicate-key", key.span(), message).help("remove one of the two"),
                ]);
            }
        }
        Ok(values)
    }

    /// The names of every statement of every policy: `policy#[n]`, and `policy#Sid` where only one has the Sid; and of
    /// every grant: `key/NAME[n]`.
    pub fn statement_names(&self) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for (policy, entry) in &self.documents {
            let labels = statement_labels(&entry.document);
            for index in 0..entry.document.statements().len() {
                let own = labels.iter().filter(|(at, _)| *at == index);
                all.push(own.map(|(_, label)| format!("{policy}#{label}")).collect());
            }
        }
        let grants = self.keys.values().filter_map(Key::held).flat_map(|key| &key.grants);
        all.extend(grants.map(|grant| vec![grant.name.to_string()]));
        all
    }

    /// Adds a policy that stands for itself under a name of its own.
    pub fn add_document(&mut self, document: Document, kind: PolicyType) {
        let name = document.name.to_string();
        let entry = self.documents.entry(name);
        entry.or_insert_with(|| PolicyDocument { document, kinds: BTreeSet::new() }).kinds.insert(kind);
    }
}

/// Checked policies by name and type.
struct Checked<'p> {
    policies: BTreeMap<(&'p str, PolicyType), Arc<Policy>>,
}

impl Checked<'_> {
    fn one(&self, name: Option<&str>, kind: PolicyType) -> Option<Arc<Policy>> {
        self.policies.get(&(name?, kind)).cloned()
    }

    fn all(&self, names: &[String], kind: PolicyType) -> PolicySet {
        names.iter().filter_map(|name| self.one(Some(name), kind)).collect()
    }

    fn controls(&self, names: &ControlNames) -> Controls {
        Controls {
            scps: self.all(&names.scps, PolicyType::ServiceControl),
            rcps: self.all(&names.rcps, PolicyType::ResourceControl),
        }
    }

    fn organization(&self, written: &OrganizationFacts) -> Organization {
        let unit = |(path, names): (&String, &ControlNames)| Unit {
            path: path.as_str().into(),
            controls: self.controls(names),
        };
        let member = |(account, (unit, names)): (&AccountId, &(String, ControlNames))| Member {
            account: *account,
            unit: unit.as_str().into(),
            controls: self.controls(names),
        };
        Organization {
            id: written.id.as_str().into(),
            management_account: written.management_account,
            units: written.units.iter().map(unit).collect(),
            accounts: written.members.iter().map(member).collect(),
        }
    }

    fn endpoint(&self, written: &EndpointFacts) -> Endpoint {
        Endpoint {
            id: written.id.as_str().into(),
            account: written.account,
            vpc: written.vpc.as_deref().map(Into::into),
            policy: self.one(written.policy.as_deref(), PolicyType::VpcEndpoint),
        }
    }

    fn bucket(&self, written: &BucketFacts) -> Option<Bucket> {
        Some(Bucket {
            name: bucket_name(&written.arn)?.into(),
            account: written.account,
            policy: self.one(written.policy.as_deref(), PolicyType::Resource),
        })
    }

    fn resource(&self, written: &ResourceFacts) -> OtherResource {
        OtherResource {
            arn: written.arn.clone(),
            account: written.account,
            policy: self.one(written.policy.as_deref(), PolicyType::Resource),
        }
    }

    fn session(&self, written: &SessionFacts) -> Session {
        let policies = self.all(&written.policies, PolicyType::Session);
        Session {
            principal: written.principal.clone(),
            policies: (!policies.is_empty()).then_some(policies),
            tags: written.tags.clone(),
            source_identity: written.source_identity.as_deref().map(Into::into),
        }
    }
}

fn kms_key(key: &HeldKey, policy: Arc<Policy>) -> KmsKey {
    KmsKey {
        arn: key.arn.clone(),
        account: key.account,
        policy,
        state: key.state,
        aliases: key.aliases.clone(),
        tags: key.tags.clone(),
        multi_region: key.multi_region,
        is_aws_managed: key.is_aws_managed,
        spec: key.spec.as_str().into(),
        usage: key.usage.as_str().into(),
        origin: key.origin.as_str().into(),
        grants: key.grants.clone(),
    }
}
