//! Statements that a call almost meets.

use proptest::prelude::{Strategy, any, prop};
use serde_json::{Value, json};

use super::{HOME, OTHER, condition, pick, set};

/// Numbers that a statement is made of.
#[derive(Debug, Clone)]
pub struct StatementRecipe {
    /// Effect, principal, action, resource, and which of them are negated.
    pub head: [u8; 5],
    /// Its conditions: set operator, operator, `IfExists`, key, and how far its values are from the request's.
    pub conditions: Vec<[u8; 6]>,
}

pub(super) fn recipe() -> impl Strategy<Value = StatementRecipe> {
    let conditions = prop::collection::vec(any::<[u8; 6]>(), 0..=2);
    (any::<[u8; 5]>(), conditions).prop_map(|(head, conditions)| StatementRecipe { head, conditions })
}

/// In which kind of policy a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// One without a principal.
    Identity,
    /// One with a principal.
    Resource,
    /// The policy of a bucket.
    Bucket,
    /// The policy of a queue.
    Queue,
    /// The trust policy of a role, which is about that role.
    Trust,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy, which only denies.
    ResourceControl,
}

impl StatementRecipe {
    pub(super) fn statement(&self, speaker: Speaker, arns: &[String; 3]) -> Value {
        let [effect, principal, action, resource, negated] = self.head;
        // Guardrails mostly deny, and other policies mostly allow.
        let denies = match speaker {
            Speaker::ResourceControl => true,
            Speaker::ServiceControl => effect > 120,
            Speaker::Identity | Speaker::Resource | Speaker::Bucket | Speaker::Queue | Speaker::Trust => effect > 200,
        };
        let mut statement = json!({ "Effect": if denies { "Deny" } else { "Allow" } });
        match speaker {
            Speaker::Resource | Speaker::Bucket | Speaker::Queue => {
                let name = if denies && negated & 1 != 0 { "NotPrincipal" } else { "Principal" };
                set(&mut statement, name, principals(principal, name == "NotPrincipal"));
            }
            Speaker::Trust => set(&mut statement, "Principal", principals(principal, false)),
            Speaker::ResourceControl => set(&mut statement, "Principal", json!("*")),
            Speaker::Identity | Speaker::ServiceControl => {}
        }
        let name = if negated & 0b1110 == 0b0010 { "NotAction" } else { "Action" };
        // A resource control policy names the services it covers.
        let name = if speaker == Speaker::ResourceControl { "Action" } else { name };
        set(&mut statement, name, json!(actions(action, speaker)));
        // Most patterns are about the first of them.
        let [first, second, third] = arns;
        let arn = match resource / 14 {
            0..=11 => first,
            12..=14 => second,
            _ => third,
        };
        if speaker != Speaker::Trust {
            let name = if negated & 0b0111_0000 == 0b0001_0000 { "NotResource" } else { "Resource" };
            set(&mut statement, name, json!(resource_pattern(resource, arn)));
        }
        let conditions = condition::block(&self.conditions, first);
        if !conditions.is_empty() {
            set(&mut statement, "Condition", Value::Object(conditions));
        }
        statement
    }
}

/// A statement that none of the calls meets, since AWS stores no policy without one.
pub(super) fn about_nothing(speaker: Speaker) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Action": ["kms:CreateKey"], "Resource": "*" });
    if matches!(speaker, Speaker::Resource | Speaker::Bucket | Speaker::Queue | Speaker::Trust) {
        set(&mut statement, "Principal", json!({ "AWS": format!("arn:aws:iam::{OTHER}:root") }));
    }
    if speaker == Speaker::Trust {
        set(&mut statement, "Action", json!(["sts:TagSession"]));
        if let Some(statement) = statement.as_object_mut() {
            statement.remove("Resource");
        }
    }
    statement
}

fn principals(number: u8, negated: bool) -> Value {
    let role = format!("arn:aws:iam::{HOME}:role/caller");
    let menu = [
        json!({ "AWS": role }),
        json!({ "AWS": format!("arn:aws:iam::{HOME}:root") }),
        json!({ "AWS": HOME }),
        json!({ "AWS": format!("arn:aws:sts::{HOME}:assumed-role/caller/permitlab") }),
        json!({ "AWS": format!("arn:aws:sts::{HOME}:assumed-role/caller/nightly") }),
        json!({ "AWS": format!("arn:aws:iam::{HOME}:user/ann") }),
        json!({ "Service": "bedrock.amazonaws.com" }),
        json!({ "AWS": [format!("arn:aws:iam::{OTHER}:role/foreign"), role] }),
        json!({ "AWS": format!("arn:aws:iam::{OTHER}:root") }),
        json!({ "Service": ["s3.amazonaws.com", "bedrock.amazonaws.com"] }),
        json!({ "AWS": format!("arn:aws:sts::{HOME}:federated-user/fed") }),
        json!({ "AWS": format!("arn:aws:iam::{HOME}:role/Caller") }),
        json!({ "AWS": "*" }),
        json!("*"),
        json!({ "AWS": [format!("arn:aws:iam::{HOME}:root"), format!("arn:aws:iam::{HOME}:role/caller")] }),
    ];
    let end = if negated { menu.len() - 3 } else { menu.len() };
    menu.get(usize::from(number) % end).cloned().unwrap_or_default()
}

fn actions(number: u8, speaker: Speaker) -> &'static [&'static str] {
    match speaker {
        Speaker::Bucket => {
            return pick(
                &[&["s3:GetObject"], &["s3:*"], &["*"], &["s3:Get*", "s3:PutBucketPolicy"], &["s3:PutObject"]],
                number,
            );
        }
        Speaker::Queue => {
            return pick(&[&["sqs:SendMessage"], &["sqs:*"], &["*"], &["SQS:sendmessage"], &["sqs:R*"]], number);
        }
        Speaker::Trust => {
            return pick(
                &[&["sts:AssumeRole"], &["sts:*"], &["sts:Assume?ole", "sts:TagSession"], &["sts:TagSession"]],
                number,
            );
        }
        Speaker::Identity | Speaker::Resource | Speaker::ServiceControl | Speaker::ResourceControl => {}
    }
    let every: &[&str] = if speaker == Speaker::ResourceControl { &["kms:*"] } else { &["*"] };
    pick(
        &[
            &["kms:Decrypt"],
            &["kms:*"],
            every,
            &["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"],
            &["KMS:decrypt"],
            &["kms:*Key*"],
            &["kms:Decryp?"],
            &["kms:Decrypts"],
            &["kms:Encrypt", "kms:ReEncrypt*", "kms:CreateGrant"],
            &["s3:*", "sqs:*", "sts:*"],
            &["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey"],
            &["kms:De*y*", "kms:L*"],
            &["s3:GetObject", "sqs:SendMessage", "sts:AssumeRole"],
            &["kms:RetireGrant", "kms:*Grant"],
        ],
        number,
    )
}

/// The key's ARN, whole or broken in one place.
fn resource_pattern(number: u8, arn: &str) -> String {
    match number % 14 {
        0 | 12 => arn.to_owned(),
        1 | 2 | 13 => "*".to_owned(),
        3 => "arn:aws:kms:*:*:key/*".to_owned(),
        4 => arn.replace("us-east-1", "*"),
        5 => arn.replace("us-east-1", "eu-west-1"),
        6 => arn.replace(HOME, OTHER),
        7 => format!("{arn}0"),
        8 => arn.replace("1234abcd", "????abcd"),
        9 => arn.replace("1234abcd-12ab", "*"),
        10 => arn.replace(":key/", ":alias/"),
        _ => arn.replace("kms", "*"),
    }
}
