//! Which worlds, policies and calls show where two readings of AWS's rules part?
//!
//! A [`Recipe`] is a handful of small numbers; from them [`Recipe::world`] and [`Recipe::scenario`] write the files of a
//! policy repository: an organization, a key with its policy and grants, callers of every kind with their policies, and
//! the calls that are asked. Numbers shrink towards zero, and zero is the plainest choice of each menu, so that what is
//! left of a failing recipe is a scenario one can read, and commit.
//!
//! The values are drawn from the calls themselves and then broken in one place: the exact value, a prefix of it, a
//! wildcard, another case, another account, a letter too many. A statement made of random texts would match nothing.

mod condition;
mod statement;
mod yaml;

use proptest::prelude::{Strategy, any, prop};
use serde_json::{Map, Value, json};

use statement::Speaker;
pub use statement::StatementRecipe;

/// The account of the callers, of the key in most worlds, and the others.
const HOME: &str = "111122223333";
const OTHER: &str = "444455556666";
const MANAGEMENT: &str = "999988887777";
const REGION: &str = "us-east-1";
const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const OBJECT: &str = "arn:aws:s3:::generated-files/a/b.txt";
const JOB: &str = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456";
const TIME: &str = "2026-06-01T12:00:00Z";

/// Who calls.
const CALLERS: &[&str] = &[
    "role/caller",
    "role/caller",
    "user/ann",
    "service/bedrock",
    "role/foreign",
    "role/caller@nightly",
    "arn:aws:iam::111122223333:root",
    "role/manager",
    "role/AWSServiceRoleForAutoScaling",
    "anonymous",
    "arn:aws:sts::111122223333:federated-user/fed",
    "service/s3",
    "role/caller",
];

/// What a check of a kept scenario says of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The answer, as `expect` has it.
    pub expect: &'static str,
    /// The unsure rules on whose reading it rests.
    pub accept: Vec<&'static str>,
    /// The keys that have to be stated as absent.
    pub unstated: Vec<String>,
}

/// Numbers that a world and its calls are made of.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Whose key it is, its state, and which parts the organization has.
    pub shape: [u8; 4],
    /// The key policy.
    pub key: Vec<StatementRecipe>,
    /// The caller's identity-based policies.
    pub identity: Vec<StatementRecipe>,
    /// Its permissions boundary.
    pub boundary: Option<Vec<StatementRecipe>>,
    /// The session policy of a role session.
    pub session: Option<Vec<StatementRecipe>>,
    /// Service control policies at the root, the unit and the account.
    pub scps: [Vec<StatementRecipe>; 3],
    /// Resource control policies at the same levels.
    pub rcps: [Vec<StatementRecipe>; 3],
    /// The policy of the VPC endpoint that some calls pass.
    pub endpoint: Option<Vec<StatementRecipe>>,
    /// The policies of what is no key: a bucket, a queue, and a role that is assumed.
    pub others: [Vec<StatementRecipe>; 3],
    /// The grants on the key.
    pub grants: Vec<[u8; 5]>,
    /// The calls.
    pub calls: Vec<[u8; 8]>,
}

/// Recipes of worlds with up to this many calls.
pub fn recipes(calls: usize) -> impl Strategy<Value = Recipe> {
    let several = |most: usize| prop::collection::vec(statement::recipe(), 0..=most);
    let seldom = |most: usize| prop::option::weighted(0.3, several(most));
    let levels = || [several(1), several(1), several(1)];
    let others = [several(2), several(2), several(2)];
    let policies = (several(4), several(4), seldom(2), seldom(2), levels(), levels(), seldom(2), others);
    let grants = prop::collection::vec(any::<[u8; 5]>(), 0..=2);
    (any::<[u8; 4]>(), policies, grants, prop::collection::vec(any::<[u8; 8]>(), 1..=calls)).prop_map(
        |(shape, (key, identity, boundary, session, scps, rcps, endpoint, others), grants, calls)| Recipe {
            shape,
            key,
            identity,
            boundary,
            session,
            scps,
            rcps,
            endpoint,
            others,
            grants,
            calls,
        },
    )
}

/// What is called, and on what. Zero is the plainest.
const CALLS: &[(&str, &str)] = &[
    ("kms:Decrypt", "key/key"),
    ("kms:GenerateDataKey", "key/key"),
    ("kms:DescribeKey", "key/key"),
    ("kms:Encrypt", "key/key"),
    ("kms:CreateGrant", "key/key"),
    ("kms:ReEncryptFrom", "key/key"),
    ("kms:PutKeyPolicy", "key/key"),
    ("kms:ScheduleKeyDeletion", "key/key"),
    ("kms:ListKeys", ""),
    ("kms:DisableKey", "key/key"),
    ("kms:RetireGrant", "key/key"),
    ("kms:Decrypt", "key/key"),
    ("s3:GetObject", "bucket/files/a/b.txt"),
    ("sqs:SendMessage", "resource/jobs"),
    ("sts:AssumeRole", "role/target"),
    ("kms:Decrypt", "key/key"),
    ("s3:PutBucketPolicy", "bucket/files"),
    ("kms:GenerateDataKey", "key/key"),
];

/// One of a menu.
fn pick<T: Copy>(menu: &[T], number: u8) -> T {
    menu[usize::from(number) % menu.len()]
}

impl Recipe {
    /// The account that owns the key.
    fn key_owner(&self) -> &'static str {
        if self.shape[0].is_multiple_of(4) || self.shape[0] < 128 { "home" } else { "other" }
    }

    fn owner_id(&self) -> &'static str {
        if self.key_owner() == "home" { HOME } else { OTHER }
    }

    /// The ARN of the key.
    pub fn key_arn(&self) -> String {
        format!("arn:aws:kms:{REGION}:{}:key/{KEY_ID}", self.owner_id())
    }

    /// The world as a file.
    pub fn world(&self) -> String {
        let state = pick(
            &["Enabled", "Enabled", "Enabled", "Enabled", "Disabled", "PendingDeletion", "PendingImport"],
            self.shape[1],
        );
        let mut key = json!({
            "account": self.key_owner(),
            "region": REGION,
            "id": KEY_ID,
            "policy": self.policy(&[self.base(8, Speaker::Resource), self.key.clone()].concat(), Speaker::Resource),
            "state": state,
            "aliases": if self.shape[1] > 100 { json!([]) } else { json!(["alias/app", "alias/blue"]) },
            "tags": { "team": "red" },
            "multi_region": false,
            "spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT", "origin": "AWS_KMS",
        });
        set(&mut key, "grants", Value::from(self.grants.iter().map(|grant| Self::grant(*grant)).collect::<Vec<_>>()));
        let identity = [self.base(16, Speaker::Identity), self.identity.clone()].concat();
        let identity = json!([self.policy(&identity, Speaker::Identity)]);
        let attached = |account: &str| {
            let mut entry = json!({ "account": account, "policies": identity, "tags": { "team": "red" } });
            if let Some(boundary) = &self.boundary {
                set(&mut entry, "boundary", json!(self.policy(boundary, Speaker::Identity)));
            }
            entry
        };
        let mut linked = attached("home");
        set(&mut linked, "path", json!("/aws-service-role/autoscaling.amazonaws.com/"));
        if let Some(linked) = linked.as_object_mut() {
            linked.remove("boundary");
        }
        let mut world = json!({
            "accounts": { "home": { "id": HOME }, "other": { "id": OTHER }, "management": { "id": MANAGEMENT } },
            "keys": { "key": key },
            "roles": {
                "caller": attached("home"), "foreign": attached("other"), "manager": attached("management"),
                "AWSServiceRoleForAutoScaling": linked,
            },
            "users": { "ann": attached("home") },
        });
        self.others(&mut world);
        if let Some(endpoint) = &self.endpoint {
            let policy = self.policy(endpoint, Speaker::Resource);
            set(
                &mut world,
                "endpoints",
                json!({ "kms": { "account": "home", "id": "vpce-0a1b2c3d", "policy": policy } }),
            );
        }
        self.organization(&mut world);
        format!("{world:#}\n")
    }

    /// The resources that are no keys. They belong to the account of the key.
    fn others(&self, world: &mut Value) {
        let account = self.key_owner();
        let [bucket, queue, trust] = &self.others;
        let policy = |statements: &[StatementRecipe], speaker: Speaker| {
            (!statements.is_empty()).then(|| self.policy(statements, speaker))
        };
        let mut files = json!({ "name": "generated-files", "account": account, "region": REGION });
        if let Some(policy) = policy(bucket, Speaker::Bucket) {
            set(&mut files, "policy", json!(policy));
        }
        let mut jobs = json!({ "arn": self.queue_arn() });
        if let Some(policy) = policy(queue, Speaker::Queue) {
            set(&mut jobs, "policy", json!(policy));
        }
        let target = json!({ "account": account, "trust": self.policy(trust, Speaker::Trust), "policies": [] });
        set(world, "buckets", json!({ "files": files }));
        set(world, "resources", json!({ "jobs": jobs }));
        if let Some(roles) = world.get_mut("roles") {
            set(roles, "target", target);
        }
    }

    fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:{REGION}:{}:jobs", self.owner_id())
    }

    /// What the statements of a policy speak of.
    fn spoken_of(&self, speaker: Speaker) -> [String; 3] {
        let (key, object, queue) = (self.key_arn(), OBJECT.to_owned(), self.queue_arn());
        match speaker {
            Speaker::Bucket => [object.clone(), object, "arn:aws:s3:::generated-files".to_owned()],
            Speaker::Queue => [queue.clone(), queue.clone(), queue],
            Speaker::Identity | Speaker::Resource | Speaker::Trust => {
                [key, object, format!("arn:aws:iam::{}:role/target", self.owner_id())]
            }
            Speaker::ServiceControl | Speaker::ResourceControl => [key, object, queue],
        }
    }

    /// The organization: no organization in some worlds, one without the other account in others.
    fn organization(&self, world: &mut Value) {
        if self.shape[2].is_multiple_of(3) {
            return;
        }
        let controls = |level: usize| {
            let policies = |levels: &[Vec<StatementRecipe>; 3], speaker: Speaker| {
                levels.get(level).filter(|level| !level.is_empty()).map(|level| json!([self.policy(level, speaker)]))
            };
            let mut unit = Map::new();
            if let Some(scps) = policies(&self.scps, Speaker::ServiceControl) {
                unit.insert("scps".to_owned(), scps);
            }
            if let Some(rcps) = policies(&self.rcps, Speaker::ResourceControl) {
                unit.insert("rcps".to_owned(), rcps);
            }
            if self.shape[3] & (1 << level) != 0 && unit.contains_key("scps") {
                unit.insert("full_access".to_owned(), json!(false));
            }
            unit
        };
        let Some(world) = world.as_object_mut() else { return };
        world.insert(
            "organization".to_owned(),
            json!({
                "id": "o-exampleorg1",
                "management_account": MANAGEMENT,
                "units": { "root": controls(0), "root/work": controls(1) },
            }),
        );
        let Some(accounts) = world.get_mut("accounts") else { return };
        let mut home = controls(2);
        home.insert("id".to_owned(), json!(HOME));
        home.insert("unit".to_owned(), json!("root/work"));
        set(accounts, "home", Value::Object(home));
        set(accounts, "management", json!({ "id": MANAGEMENT, "unit": "root" }));
        if self.shape[2] % 3 == 2 {
            set(accounts, "other", json!({ "id": OTHER, "unit": "root/work" }));
        }
    }

    fn grant(numbers: [u8; 5]) -> Value {
        let [grantee, operations, constraint, value, retiring] = numbers;
        let grantees = ["role/caller", "user/ann", "role/foreign", "service/bedrock", "role/caller@nightly"];
        let grantee = pick(&grantees, grantee);
        let field = if grantee.starts_with("service/") { "grantee_service_principal" } else { "grantee_principal" };
        let operations = pick::<&[&str]>(
            &[
                &["Decrypt"],
                &["Decrypt", "GenerateDataKey", "DescribeKey"],
                &["Encrypt", "CreateGrant"],
                &["DescribeKey"],
                &["ReEncryptFrom", "ReEncryptTo", "RetireGrant"],
            ],
            operations,
        );
        let several = [json!({ "app": "red" }), json!({ "app": "red", "b": "c" }), json!({ "App": "red" })];
        let pairs = pick(&several.each_ref(), value).clone();
        let mut grant = json!({ field: grantee, "operations": operations });
        // A constraint on the encryption context fits operations that carry one, AWS says; one on its source, a service.
        let is_cryptographic = operations.iter().all(|operation| *operation != "DescribeKey");
        match constraint % 4 {
            _ if field == "grantee_service_principal" => {
                let sources =
                    [JOB, "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*", "arn:aws:bedrock:eu-west-1:*:*"];
                set(&mut grant, "constraints", json!({ "source_arn": pick(&sources, value) }));
            }
            1 if is_cryptographic => set(&mut grant, "constraints", json!({ "encryption_context_equals": pairs })),
            2 if is_cryptographic => set(&mut grant, "constraints", json!({ "encryption_context_subset": pairs })),
            _ => {}
        }
        if retiring > 128 || field == "grantee_service_principal" {
            set(&mut grant, "retiring_principal", json!("role/caller"));
        }
        grant
    }

    /// What most policies begin with, in most worlds: the delegation of a key to its account, and all of KMS.
    fn base(&self, bit: u8, speaker: Speaker) -> Vec<StatementRecipe> {
        if self.shape[3] & bit == 0 {
            return Vec::new();
        }
        let principal = match (speaker, self.key_owner()) {
            (Speaker::Resource, "home") => 1,
            (_, _) => 14,
        };
        vec![StatementRecipe { head: [0, principal, 1, 1, 0], conditions: Vec::new() }]
    }

    fn policy(&self, statements: &[StatementRecipe], speaker: Speaker) -> String {
        let arns = self.spoken_of(speaker);
        let mut statements: Vec<Value> = statements.iter().map(|each| each.statement(speaker, &arns)).collect();
        if statements.is_empty() {
            statements.push(statement::about_nothing(speaker));
        }
        // Policies of 2008 know no variables, and control policies are none of them.
        let is_control = matches!(speaker, Speaker::ServiceControl | Speaker::ResourceControl);
        let version = if self.shape[1] % 16 == 11 && !is_control { "2008-10-17" } else { "2012-10-17" };
        json!({ "Version": version, "Statement": statements }).to_string()
    }

    /// The policy of the sessions that have one.
    pub fn session_policy(&self) -> Option<String> {
        self.session.as_ref().map(|statements| self.policy(statements, Speaker::Identity))
    }

    /// Whether the caller of a call is a session with that policy.
    pub fn has_session(&self, call: usize) -> bool {
        self.session.is_some()
            && self.calls.get(call).is_some_and(|call| is_in_session(pick(CALLERS, call[0]), call[7]))
    }

    /// The calls as a scenario file that uses the world of this path. What is expected is left to who asks.
    pub fn scenario(&self, world: &str) -> String {
        let checks: Vec<Value> = self.calls.iter().enumerate().map(|(index, call)| self.check(index, *call)).collect();
        format!("{:#}\n", json!({ "scenario": "Generated calls", "use": [world], "checks": checks }))
    }

    /// The world and the calls with their answers, as YAML to be read and committed; the scenario uses the world of this
    /// path.
    pub fn kept(&self, title: &str, world: &str, answers: &[Kept]) -> (String, String) {
        let facts: Value = serde_json::from_str(&self.world()).unwrap_or_default();
        let checks = self.calls.iter().zip(answers).enumerate().map(|(index, (call, answer))| {
            let mut check = self.check(index, *call);
            let name = format!("{} by {}", pick(CALLS, call[1]).0, pick(CALLERS, call[0]));
            set(&mut check, "name", json!(if answers.len() == 1 { name } else { format!("{name} ({index})") }));
            set(&mut check, "expect", json!(answer.expect));
            for key in &answer.unstated {
                if let Some(context) = check.get_mut("context") {
                    set(context, key, Value::Null);
                }
            }
            if !answer.accept.is_empty() {
                set(&mut check, "accept", json!(answer.accept));
            }
            check
        });
        let scenario = json!({
            "scenario": title, "use": [world], "tags": ["generated"],
            "source": "found by comparing the engines on generated worlds", "checks": checks.collect::<Vec<_>>(),
        });
        (yaml::written(&facts), yaml::written(&scenario))
    }

    fn check(&self, index: usize, numbers: [u8; 8]) -> Value {
        let [by, call, via, source, pairs, endpoint, context, session] = numbers;
        let by = pick(CALLERS, by);
        let (call, resource) = pick(CALLS, call);
        let has_account = !by.starts_with("service/") && by != "anonymous";
        // A call without a resource is judged in its caller's account.
        let (call, resource) =
            if call == "kms:ListKeys" && !has_account { ("kms:DescribeKey", "key/key") } else { (call, resource) };
        let is_kms = call.starts_with("kms:");
        let mut check = json!({ "name": format!("{index}"), "by": by, "call": call, "now": TIME, "expect": "allow" });
        if resource.is_empty() {
            set(&mut check, "region", json!(REGION));
        } else {
            set(&mut check, "resource", json!(resource));
        }
        if call == "kms:RetireGrant" && !self.grants.is_empty() {
            set(&mut check, "grant", json!(format!("key/key[{}]", usize::from(pairs) % self.grants.len())));
        }
        let is_service = by.starts_with("service/");
        if has_account && is_kms && via % 3 == 1 {
            set(
                &mut check,
                "via",
                json!(pick(&["s3", "s3.eu-west-1.amazonaws.com", "bedrock", "secretsmanager"], via / 3)),
            );
        }
        if is_service && !source.is_multiple_of(3) {
            set(
                &mut check,
                "for",
                json!(pick(&[JOB, "arn:aws:bedrock:eu-west-1:444455556666:evaluation-job/x"], source / 3)),
            );
        }
        if ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:ReEncryptFrom"].contains(&call) && pairs % 2 == 1
        {
            let app = pick(&["red", "blue", "Red"], pairs / 4);
            let pairs = if pairs & 2 == 0 { json!({ "app": app }) } else { json!({ "app": app, "b": "c" }) };
            set(&mut check, "encryption_context", pairs);
        }
        set(&mut check, "context", Value::Object(condition::stated(context, endpoint, self.endpoint.is_some(), call)));
        if let Some(policy) = self.session_policy().filter(|_| is_in_session(by, session)) {
            set(&mut check, "session", json!({ "policies": [policy], "tags": { "stage": "dev" } }));
        }
        check
    }
}

fn is_in_session(by: &str, number: u8) -> bool {
    by.starts_with("role/") && !by.contains("AWSServiceRole") && number.is_multiple_of(2)
}

fn set(value: &mut Value, name: &str, member: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
}
