//! What does `permitlab decide` read, line by line, and what must it answer?
//!
//! The documented policies for twenty keys, and calls that pick a key and a way of calling: through S3, through S3 of
//! another Region, directly, as Bedrock for an evaluation job, or `DescribeKey`.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::seeded::Seeded;
use crate::workload::documented;

/// Where the lines have their policies from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoliciesOf {
    /// Sets that the first lines define.
    Sets,
    /// Each line brings its own.
    EachLine,
}

/// How many keys the calls are about, each with policies of its own.
const KEYS: usize = 20;

/// Writes lines that ask `count` calls.
///
/// # Errors
/// The output cannot be written.
pub fn write(output: &mut impl Write, count: usize, policies: PoliciesOf) -> io::Result<()> {
    let sets: Vec<Value> = (0..KEYS).map(set).collect();
    if policies == PoliciesOf::Sets {
        for (key, set) in sets.iter().enumerate() {
            writeln!(output, "{}", json!({ "define": name(key), "policies": set }))?;
        }
    }
    for (id, (key, way)) in calls().take(count).enumerate() {
        let policies = match policies {
            PoliciesOf::Sets => json!(name(key)),
            PoliciesOf::EachLine => sets.get(key).cloned().unwrap_or_default(),
        };
        writeln!(output, "{}", json!({ "id": id, "request": way.request(key), "policies": policies }))?;
    }
    output.flush()
}

/// Whether these are the answers to the first `count` calls: every one, right, and in order.
pub fn are_right(answers: &[u8], count: usize) -> bool {
    let mut answers = answers.split(|byte| *byte == b'\n');
    let all = calls().take(count).enumerate().all(|(id, (_, way))| {
        let start = format!(r#"{{"id":{id},"decision":"{}","#, way.decision());
        answers.next().is_some_and(|answer| answer.starts_with(start.as_bytes()))
    });
    all && answers.eq([b""])
}

/// The keys that are called upon, and how.
fn calls() -> impl Iterator<Item = (usize, Way)> {
    let mut seeded = Seeded::new(0xD0_1E);
    std::iter::repeat_with(move || (seeded.below(KEYS), seeded.one_of(Way::ALL)))
}

fn name(key: usize) -> String {
    format!("set-{key:02}")
}

fn key_id(key: usize) -> String {
    format!("1234abcd-12ab-34cd-56ef-{key:012}")
}

fn set(key: usize) -> Value {
    let (role, key) = documented(&key_id(key));
    let value = |policy: &str| serde_json::from_str::<Value>(policy).unwrap_or_default();
    json!({ "identity": [value(&role)], "resource": value(&key) })
}

/// How a key is called upon.
#[derive(Debug, Clone, Copy)]
enum Way {
    ThroughS3,
    ThroughS3Elsewhere,
    Directly,
    ByBedrock,
    Describe,
}

impl Way {
    const ALL: [Self; 5] = [Self::ThroughS3, Self::ThroughS3Elsewhere, Self::Directly, Self::ByBedrock, Self::Describe];

    const fn decision(self) -> &'static str {
        match self {
            Self::ThroughS3 | Self::ByBedrock | Self::Describe => "allowed",
            Self::ThroughS3Elsewhere | Self::Directly => "implicitDeny",
        }
    }

    fn request(self, key: usize) -> Value {
        let role = "arn:aws:iam::111122223333:role/eval-service";
        let job = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456";
        let resource = format!("arn:aws:kms:us-east-1:111122223333:key/{}", key_id(key));
        let by_role = |action: &str, context: Value| json!({ "principal": role, "action": action, "resource": resource, "context": context });
        match self {
            Self::ThroughS3 => by_role("kms:Decrypt", json!({ "kms:ViaService": "s3.us-east-1.amazonaws.com" })),
            Self::ThroughS3Elsewhere => {
                by_role("kms:GenerateDataKey", json!({ "kms:ViaService": "s3.eu-west-1.amazonaws.com" }))
            }
            Self::Directly => by_role("kms:Decrypt", json!({})),
            Self::Describe => by_role("kms:DescribeKey", json!({})),
            Self::ByBedrock => json!({
                "principal": "bedrock.amazonaws.com", "action": "kms:GenerateDataKey", "resource": resource,
                "context": { "aws:SourceArn": job, "aws:SourceAccount": "111122223333" },
                "encryption_context": { "evaluationJobArn": job },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject;

    #[test]
    fn the_lines_are_answered_right_and_in_order() {
        for policies in [PoliciesOf::Sets, PoliciesOf::EachLine] {
            let mut lines = Vec::new();
            write(&mut lines, 500, policies).unwrap();
            let answers = subject::bulk(&lines, 1).unwrap();
            assert!(are_right(&answers, 500), "{policies:?}: {}", String::from_utf8_lossy(&answers));
            assert!(!are_right(&answers, 499) && !are_right(&answers, 501));
        }
    }
}
