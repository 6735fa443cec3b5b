//! Which policies are measured, what are they asked, and what is the right answer?
//!
//! | workload | policies |
//! |---|---|
//! | W1 | the two that AWS documents for Bedrock model evaluation jobs: the role's and the key's |
//! | W1, every layer | the same inside an organization, with a permissions boundary, a session policy and an endpoint policy |
//! | W2-N | N varied statements of the caller: many services, literal and wildcard actions, `StringLike` conditions, some Deny |
//! | W3-N | N statements that list the same action and differ in resource |
//! | W4-N | N statements with a pattern for an action |
//!
//! Each is asked one call. In W2 to W4 one statement near the end allows it, and no other applies: each has another
//! resource, or asks for another team. The engines get the same text, so that none is helped.

use crate::seeded::Seeded;
use crate::services::{ASKED, SERVICES, Service};
use crate::statement::{Condition, Operator, Statement, policies};

/// Policies, as text, and one call.
#[derive(Debug, Clone)]
pub struct Workload {
    /// What reports call it: `W2-1000`.
    pub name: String,
    /// The policies.
    pub policies: Policies,
    /// The call.
    pub call: Call,
    /// The right answer.
    pub answer: Answer,
    /// The id of the statement that decides, where one does.
    pub decided_by: Option<String>,
    /// The generated statements, for engines that read another language; W1 has none.
    pub statements: Vec<Statement>,
}

/// The policies that apply, by layer, as JSON.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// The caller's identity-based policies.
    pub identity: Vec<String>,
    /// The key policy.
    pub key: Option<String>,
    /// The permissions boundary.
    pub boundary: Option<String>,
    /// The session policies.
    pub session: Vec<String>,
    /// Service control policies, level by level from the root; none where there is no organization.
    pub service_control: Vec<Vec<String>>,
    /// Resource control policies, likewise.
    pub resource_control: Vec<Vec<String>>,
    /// The policy of the VPC endpoint.
    pub vpc_endpoint: Option<String>,
}

/// A call, as strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The ARN of the caller.
    pub principal: String,
    /// The action.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
    /// Condition keys and their values.
    pub context: Vec<(&'static str, String)>,
}

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Allowed.
    Allow,
    /// Denied, because nothing allows it.
    ImplicitDeny,
    /// Denied by a Deny.
    ExplicitDeny,
}

/// The families of workloads that come in every size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Varied statements.
    W2,
    /// The same action in every statement.
    W3,
    /// A pattern for an action in every statement.
    W4,
}

/// The documented policy of the service role.
const ROLE_POLICY: &str = include_str!("../../scenarios/policies/role-eval-kms.json");
/// The documented key policy.
const KEY_POLICY: &str = include_str!("../../scenarios/policies/key-eval.json");

/// The key of W1.
pub const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/eval-service";

/// The role's policy and the key policy for a key, their placeholders filled.
pub fn documented(key_id: &str) -> (String, String) {
    (filled(ROLE_POLICY, key_id), filled(KEY_POLICY, key_id))
}

/// A policy of the policy root, its placeholders filled.
pub fn filled(policy: &str, key_id: &str) -> String {
    policy
        .replace("{{region}}", "us-east-1")
        .replace("{{accountId}}", "111122223333")
        .replace("{{CustomerAccountId}}", "111122223333")
        .replace("[[keyId]]", key_id)
}

/// W1: the role's Decrypt through S3, with the policies AWS documents.
pub fn w1() -> Workload {
    let (role, key) = documented(KEY_ID);
    Workload {
        name: "W1".to_owned(),
        policies: Policies { identity: vec![role], key: Some(key), ..Policies::default() },
        call: Call {
            principal: ROLE.to_owned(),
            action: "kms:Decrypt".to_owned(),
            resource: format!("arn:aws:kms:us-east-1:111122223333:key/{KEY_ID}"),
            context: vec![("kms:ViaService", "s3.us-east-1.amazonaws.com".to_owned())],
        },
        answer: Answer::Allow,
        decided_by: Some("CustomKMSKeyProvidedToBedrock".to_owned()),
        statements: Vec::new(),
    }
}

/// W1 where every layer has a say: three levels of SCPs and RCPs, an endpoint policy, a boundary and a session policy.
pub fn w1_with_every_layer() -> Workload {
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let everyone =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    let regions = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Regions","Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}}]}"#;
    let perimeter = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Perimeter","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorg1"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]}"#;
    let texts = |policies: &[&str]| policies.iter().map(|policy| (*policy).to_owned()).collect::<Vec<_>>();
    let boundary = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:*","s3:*","bedrock:*"],"Resource":"*"}]}"#;
    let session = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey","s3:GetObject"],"Resource":"*"}]}"#;
    let mut workload = Workload { name: "W1-every-layer".to_owned(), ..w1() };
    workload.policies = Policies {
        boundary: Some(boundary.to_owned()),
        session: vec![session.to_owned()],
        service_control: vec![texts(&[allow, regions]), texts(&[allow]), texts(&[allow])],
        resource_control: vec![texts(&[perimeter]), Vec::new(), Vec::new()],
        vpc_endpoint: Some(everyone.to_owned()),
        ..workload.policies
    };
    workload
        .call
        .context
        .extend([("aws:RequestedRegion", "us-east-1".to_owned()), ("aws:PrincipalOrgID", "o-exampleorg1".to_owned())]);
    workload
}

/// The team of the caller in W2 to W4, and the pattern that names it.
const TEAM: &str = "platform-core";
const TEAM_PATTERN: &str = "platform-*";
/// Where a statement asks for a team.
const TEAM_KEY: &str = "aws:PrincipalTag/team";

const WORDS: [&str; 12] = [
    "orders", "billing", "ledger", "search", "ingest", "reports", "media", "sessions", "catalog", "audit", "metrics",
    "exports",
];

impl Family {
    /// Every family.
    pub const ALL: [Self; 3] = [Self::W2, Self::W3, Self::W4];

    /// The sizes it is measured in.
    pub const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

    /// What reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::W4 => "W4",
        }
    }

    /// The family's workload of a number of statements, at least one.
    pub fn of(self, size: usize) -> Workload {
        let size = size.max(1);
        let late = size * 9 / 10;
        let mut seeded = Seeded::new(0x5EED);
        let statements: Vec<Statement> = (0..size)
            .map(|index| if index == late { self.asked(index) } else { self.other(index, &mut seeded) })
            .collect();
        Workload {
            name: format!("{}-{size}", self.name()),
            policies: Policies { identity: policies(&statements), ..Policies::default() },
            call: Call {
                principal: "arn:aws:iam::111122223333:role/platform".to_owned(),
                action: self.action().to_owned(),
                resource: self.asked_resource(late),
                context: vec![(TEAM_KEY, TEAM.to_owned()), ("aws:RequestedRegion", "us-east-1".to_owned())],
            },
            answer: Answer::Allow,
            decided_by: statements.get(late).map(|statement| statement.sid.clone()),
            statements,
        }
    }

    /// The action that is called.
    const fn action(self) -> &'static str {
        match self {
            Self::W2 | Self::W4 => "dynamodb:GetItem",
            Self::W3 => "s3:GetObject",
        }
    }

    /// What is called upon.
    fn asked_resource(self, late: usize) -> String {
        match self {
            Self::W2 | Self::W4 => format!("{}orders-{late:06}", ASKED.resource),
            Self::W3 => format!("arn:aws:s3:::data-{late:06}/2026/01/part-0001.parquet"),
        }
    }

    /// The statement that allows the call.
    fn asked(self, index: usize) -> Statement {
        let (actions, resource) = match self {
            Self::W2 => (vec!["dynamodb:GetItem".to_owned(), "dynamodb:Query".to_owned()], self.asked_resource(index)),
            Self::W3 => (vec!["s3:GetObject".to_owned()], format!("arn:aws:s3:::data-{index:06}/*")),
            Self::W4 => (vec!["dynamodb:Get*".to_owned()], format!("{}orders-{index:06}*", ASKED.resource)),
        };
        Statement {
            sid: sid(index),
            denies: false,
            actions,
            resources: vec![resource],
            conditions: vec![team(TEAM_PATTERN.to_owned())],
        }
    }

    /// Another statement.
    fn other(self, index: usize, seeded: &mut Seeded) -> Statement {
        match self {
            Self::W2 => varied(index, seeded),
            Self::W3 => {
                let path = seeded.one_of(["*", "*", "manifest.json"]);
                Statement {
                    sid: sid(index),
                    denies: false,
                    actions: vec!["s3:GetObject".to_owned()],
                    resources: vec![format!("arn:aws:s3:::data-{index:06}/{path}")],
                    conditions: Vec::new(),
                }
            }
            Self::W4 => {
                let service = seeded.one_of(SERVICES);
                let action = pattern(&service, seeded);
                Statement {
                    sid: sid(index),
                    denies: seeded.below(10) == 0,
                    actions: vec![action],
                    resources: vec![resource(&service, index, seeded)],
                    conditions: Vec::new(),
                }
            }
        }
    }
}

fn sid(index: usize) -> String {
    format!("Statement{index:06}")
}

fn team(pattern: String) -> Condition {
    Condition { operator: Operator::StringLike, key: TEAM_KEY, values: vec![pattern] }
}

/// A statement of W2, and of others that want variety. One in ten denies; one in forty denies on every resource, for another team than the caller's.
pub(crate) fn varied(index: usize, seeded: &mut Seeded) -> Statement {
    let service = seeded.one_of(SERVICES);
    let denies = seeded.below(10) == 0;
    let is_wide = denies && seeded.below(4) == 0;
    let actions = (0..=seeded.below(3)).map(|_| match seeded.below(10) {
        0 => format!("{}:*", service.prefix),
        1..=3 => pattern(&service, seeded),
        _ => format!("{}:{}", service.prefix, seeded.one_of(service.actions)),
    });
    let mut actions: Vec<String> = actions.collect();
    actions.sort();
    actions.dedup();
    let resources = if is_wide {
        vec!["*".to_owned()]
    } else {
        (0..=seeded.below(2)).map(|_| resource(&service, index, seeded)).collect()
    };
    let mut conditions = Vec::new();
    if is_wide || seeded.below(2) == 0 {
        conditions.push(team(format!("{}-{index:06}-*", seeded.one_of(WORDS))));
    }
    if seeded.below(5) == 0 {
        let regions = ["us-east-1", "eu-west-1", "us-west-2"];
        let values = vec![seeded.one_of(regions).to_owned()];
        conditions.push(Condition { operator: Operator::StringEquals, key: "aws:RequestedRegion", values });
    }
    Statement { sid: sid(index), denies, actions, resources, conditions }
}

/// A pattern for some of a service's actions: `s3:Get*`, `s3:*Object`, `s3:Get*Tagging`.
fn pattern(service: &Service, seeded: &mut Seeded) -> String {
    let name = seeded.one_of(service.actions);
    let words: Vec<&str> = words(name).collect();
    let (first, last) = (words.first().copied().unwrap_or(name), words.last().copied().unwrap_or(name));
    let name = match seeded.below(10) {
        0 => format!("*{last}"),
        1 => format!("{first}*{last}"),
        _ => format!("{first}*"),
    };
    format!("{}:{name}", service.prefix)
}

/// The words of a name in camel case.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let end = rest.char_indices().skip(1).find(|(_, c)| c.is_ascii_uppercase()).map_or(rest.len(), |(at, _)| at);
        let (word, others) = rest.split_at_checked(end)?;
        rest = others;
        (!word.is_empty()).then_some(word)
    })
}

/// A resource whose name holds the statement's number, so that it is nobody else's.
fn resource(service: &Service, index: usize, seeded: &mut Seeded) -> String {
    let word = seeded.one_of(WORDS);
    let tail = seeded.one_of(["", "", "*", "/*", "-blue", "-green*"]);
    format!("{}{word}-{index:06}{tail}", service.resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject;

    #[test]
    fn the_engine_gives_the_right_answer_by_the_right_statement() {
        let sized = Family::ALL.into_iter().flat_map(|family| [1, 10, 1_000].map(|size| family.of(size)));
        for workload in sized.chain([w1(), w1_with_every_layer()]) {
            let (answer, decided_by) = subject::judge(&workload).unwrap();
            assert_eq!((answer, decided_by), (workload.answer, workload.decided_by.clone()), "{}", workload.name);
        }
    }

    #[test]
    fn only_one_statement_applies() {
        for family in Family::ALL {
            let mut workload = family.of(1_000);
            workload.statements.retain(|statement| Some(&statement.sid) != workload.decided_by.as_ref());
            workload.policies.identity = policies(&workload.statements);
            let answer = subject::judge(&workload).map(|(answer, _)| answer);
            assert_eq!(answer, Some(Answer::ImplicitDeny), "{}", workload.name);
        }
    }

    #[test]
    fn the_same_size_gives_the_same_bytes() {
        let (one, other) = (Family::W2.of(500), Family::W2.of(500));
        assert_eq!(one.policies.identity, other.policies.identity);
        let statement = one.statements.get(7).map(Statement::to_cedar);
        assert_eq!(statement.as_deref(), Some(SEVENTH), "W2 changed: measure everything anew");
    }

    const SEVENTH: &str = "permit (principal, action == Action::\"mq:listusers\", resource)\n\
        when { context.resource like \"arn:aws:mq:us-east-1:111122223333:broker:exports-000007/*\" };\n";

    #[test]
    fn words_of_names() {
        assert_eq!(words("GetObjectTagging").collect::<Vec<_>>(), ["Get", "Object", "Tagging"]);
        assert_eq!(words("ESHttpGet").collect::<Vec<_>>(), ["E", "S", "Http", "Get"]);
    }
}
