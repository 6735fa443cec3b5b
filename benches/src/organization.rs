//! An organization of roles and keys: who may use which key?
//!
//! Ten accounts, ten teams. A role may use the keys of its team in its own account, and those its neighbour account shares
//! with it. Two accounts are a sandbox, in which an SCP denies `kms:Decrypt`. Around the statements that matter each role
//! has others, varied as in W2.

use serde_json::{Map, json};

use crate::seeded::Seeded;
use crate::statement::policies;
use crate::workload::{Answer, varied};

/// How many accounts, and how many teams, there are.
const ACCOUNTS: usize = 10;
const TEAMS: usize = 10;
/// The first account of the sandbox.
const SANDBOX: usize = 8;

/// The facts, as strings.
#[derive(Debug, Clone)]
pub struct Organization {
    /// The accounts, and the path of the unit each is in.
    pub accounts: Vec<(String, &'static str)>,
    /// The units and their SCPs, beside [`FULL_ACCESS`].
    pub units: Vec<(&'static str, Vec<String>)>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The keys.
    pub keys: Vec<Key>,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its team, which is also its tag `team`.
    pub team: String,
    /// Its identity-based policies.
    pub policies: Vec<String>,
    account: usize,
}

/// A key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its ARN.
    pub arn: String,
    /// Its account.
    pub account_id: String,
    /// Its key policy.
    pub policy: String,
    account: usize,
    team: String,
    is_shared: bool,
}

/// The account that SCPs do not reach; nobody in it calls.
pub const MANAGEMENT_ACCOUNT: &str = "999999999999";

/// The SCP of every level.
pub const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The organization with so many roles and keys.
pub fn organization(roles: usize, keys: usize) -> Organization {
    let regions = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Regions","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}}]}"#;
    let sandbox = r#"{"Version":"2012-10-17","Statement":[{"Sid":"NoDecrypt","Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;
    let unit = |account: usize| if account < SANDBOX { "root/workloads" } else { "root/sandbox" };
    Organization {
        accounts: (0..ACCOUNTS).map(|account| (account_id(account), unit(account))).collect(),
        units: vec![
            ("root", Vec::new()),
            ("root/workloads", vec![regions.to_owned()]),
            ("root/sandbox", vec![sandbox.to_owned()]),
        ],
        roles: (0..roles).map(role).collect(),
        keys: (0..keys).map(key).collect(),
    }
}

impl Organization {
    /// What comes of `kms:Decrypt` by a role on a key.
    pub fn answer(role: &Role, key: &Key) -> Answer {
        let is_neighbour = key.is_shared && role.account == (key.account + 1) % ACCOUNTS;
        if role.account >= SANDBOX {
            Answer::ExplicitDeny
        } else if role.team == key.team && (role.account == key.account || is_neighbour) {
            Answer::Allow
        } else {
            Answer::ImplicitDeny
        }
    }

    /// The organization as a policy root: each file by its path, and its text.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![("permitlab.toml".to_owned(), String::new())];
        let mut keep = |path: String, text: &str| {
            files.push((path.clone(), text.to_owned()));
            path
        };
        let mut units = Map::new();
        for (number, (path, scps)) in self.units.iter().enumerate() {
            let scps = scps.iter().map(|scp| keep(format!("policies/scp-{number}.json"), scp));
            units.insert((*path).to_owned(), json!({ "scps": scps.collect::<Vec<_>>() }));
        }
        let account = |(id, unit): &(String, &str)| (format!("a{id}"), json!({ "id": id, "unit": unit }));
        let mut roles = Map::new();
        for role in &self.roles {
            let name = role.arn.rsplit('/').next().unwrap_or_default();
            let policies = role.policies.iter().enumerate();
            let policies = policies.map(|(number, text)| keep(format!("policies/{name}-{number}.json"), text));
            let policies: Vec<String> = policies.collect();
            let account = format!("a{}", account_id(role.account));
            let entry = json!({ "account": account, "policies": policies, "tags": { "team": role.team } });
            roles.insert(name.to_owned(), entry);
        }
        let key = |key: &Key| {
            let id = key.arn.rsplit('/').next().unwrap_or_default();
            let account = format!("a{}", key.account_id);
            (id.to_owned(), json!({ "account": account, "region": "us-east-1", "id": id, "policy": key.policy }))
        };
        let world = json!({
            "organization": { "id": "o-exampleorg1", "management_account": MANAGEMENT_ACCOUNT, "units": units },
            "accounts": self.accounts.iter().map(account).collect::<Map<_, _>>(),
            "roles": roles,
            "keys": self.keys.iter().map(key).collect::<Map<_, _>>(),
        });
        files.push(("fixtures/organization.json".to_owned(), world.to_string()));
        files
    }
}

fn account_id(account: usize) -> String {
    format!("{:012}", 111_122_220_000 + account)
}

fn team(number: usize) -> String {
    format!("team-{}", number / ACCOUNTS % TEAMS)
}

/// What the ids of a team's keys begin with.
fn key_prefix(number: usize) -> String {
    format!("{:08}", number / ACCOUNTS % TEAMS)
}

fn role(number: usize) -> Role {
    let (account, team, keys_of) = (number % ACCOUNTS, team(number), key_prefix(number));
    let id = account_id(account);
    let keys = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Own","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey","kms:DescribeKey"],"Resource":"arn:aws:kms:us-east-1:{id}:key/{keys_of}-*"}},{{"Sid":"Shared","Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:us-east-1:*:key/{keys_of}-0001-*"}}]}}"#
    );
    let mut seeded = Seeded::new(number as u64);
    let others: Vec<_> = (0..8).map(|index| varied(number * 8 + index, &mut seeded)).collect();
    let arn = format!("arn:aws:iam::{id}:role/{team}-{number:04}");
    let policies = std::iter::once(keys).chain(policies(&others)).collect();
    Role { arn, team, policies, account }
}

fn key(number: usize) -> Key {
    let (account, team, is_shared) = (number % ACCOUNTS, team(number), number / (ACCOUNTS * TEAMS) % 2 == 1);
    let (id, neighbour) = (account_id(account), account_id((account + 1) % ACCOUNTS));
    let shared = format!(
        r#",{{"Sid":"Neighbour","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{neighbour}:root"}},"Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*"}}"#
    );
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Account","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{id}:root"}},"Action":"kms:*","Resource":"*"}}{}]}}"#,
        if is_shared { shared.as_str() } else { "" }
    );
    let key_id = format!("{}-{:04}-4000-8000-{number:012}", key_prefix(number), u8::from(is_shared));
    let arn = format!("arn:aws:kms:us-east-1:{id}:key/{key_id}");
    Key { arn, account_id: id, policy, account, team, is_shared }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::World;

    #[test]
    fn every_role_gets_the_right_answer_on_every_key() {
        let organization = organization(100, 200);
        let world = World::read(&organization).unwrap();
        let mut seen = [0; 3];
        for (role, by) in organization.roles.iter().enumerate() {
            for (key, on) in organization.keys.iter().enumerate() {
                let answer = Organization::answer(by, on);
                assert_eq!(world.authorize(role, key), Some(answer), "{} on {}", by.arn, on.arn);
                seen[answer as usize] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    }
}
