//! What does the prover say of real policies in which one thing was changed?
//!
//! The corpus lies beside the repository and is no part of it. Without it these tests say so and pass. Of most changes one
//! knows which way they go, whatever the policy says; of how many calls nothing can be said is counted, and held.
//! `PERMITLAB_CASES` asks for every nth policy alone, `1` for all.

#![expect(clippy::unwrap_used, reason = "what a test cannot read fails it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use permitlab::prove::{Proof, Verdict, prove_policies};
use permitlab_evaluator::policy::PolicyType;
use permitlab_evaluator::prove::Budget;
use rayon::prelude::*;
use serde_json::Value;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus");

const FOLDERS: [(&str, PolicyType); 5] = [
    ("aws-managed", PolicyType::Identity),
    ("kms-identity-policies", PolicyType::Identity),
    ("kms-key-policies", PolicyType::Key),
    ("role-trust-policies", PolicyType::Trust),
    ("scp", PolicyType::ServiceControl),
];

/// Every nth policy is looked at.
const EVERY: usize = 8;

/// Which way access can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Stays,
    Grows,
    Shrinks,
    Any,
}

impl Way {
    const fn turned(self) -> Self {
        match self {
            Self::Grows => Self::Shrinks,
            Self::Shrinks => Self::Grows,
            Self::Stays | Self::Any => self,
        }
    }

    const fn allows(self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Equal | Verdict::Inconclusive => true,
            Verdict::Wider => matches!(self, Self::Grows | Self::Any),
            Verdict::Narrower => matches!(self, Self::Shrinks | Self::Any),
            Verdict::Incomparable => matches!(self, Self::Any),
        }
    }
}

fn statements(policy: &mut Value) -> Option<&mut Vec<Value>> {
    let statement = policy.get_mut("Statement")?;
    if !statement.is_array() {
        *statement = Value::Array(vec![statement.take()]);
    }
    statement.as_array_mut()
}

/// The policy with one thing changed in each of these ways, and which way access goes then.
fn edits(policy: &Value) -> Vec<(&'static str, Value, Way)> {
    let mut edits = Vec::new();
    let mut edit = |name: &'static str, change: &dyn Fn(&mut Vec<Value>) -> Option<Way>| {
        let mut edited = policy.clone();
        if let Some(way) = statements(&mut edited).and_then(change) {
            edits.push((name, edited, way));
        }
    };
    let denies = |statement: &Value| statement.get("Effect").is_some_and(|effect| effect == "Deny");
    let of = |statement: &Value, way: Way| if denies(statement) { way.turned() } else { way };
    edit("reordered", &|all| {
        all.reverse();
        Some(Way::Stays)
    });
    edit("statement dropped", &|all| (all.len() > 1).then(|| all.remove(0)).map(|gone| of(&gone, Way::Shrinks)));
    let conditional =
        |all: &mut Vec<Value>| all.iter_mut().find(|each| each.get("Condition").is_some()).map(Value::take);
    edit("condition dropped", &|all| {
        let mut own = conditional(all)?;
        own.as_object_mut()?.remove("Condition");
        let way = of(&own, Way::Grows);
        all.retain(|each| !each.is_null());
        all.push(own);
        Some(way)
    });
    for (from, to, way) in [("StringEquals", "StringLike", Way::Grows), ("StringLike", "StringEquals", Way::Shrinks)] {
        edit("operator changed", &|all| {
            let mut own = conditional(all)?;
            let condition = own.get_mut("Condition")?.as_object_mut()?;
            let keys = condition.remove(from).filter(|_| !condition.contains_key(to))?;
            condition.insert(to.to_owned(), keys);
            let way = of(&own, way);
            all.retain(|each| !each.is_null());
            all.push(own);
            Some(way)
        });
    }
    edit("Region widened", &|all| {
        let mut is_widened = false;
        for pattern in all.iter_mut().filter_map(|each| each.get_mut("Resource")) {
            let texts = match pattern {
                Value::Array(texts) => texts.iter_mut().collect(),
                Value::String(_) => vec![pattern],
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
            };
            for text in texts {
                let mut fields: Vec<&str> = text.as_str()?.splitn(6, ':').collect();
                if let [.., region, _, _] = fields.as_mut_slice()
                    && *region != "*"
                {
                    *region = "*";
                    is_widened = true;
                    *text = Value::String(fields.join(":"));
                }
            }
        }
        is_widened.then_some(Way::Any)
    });
    edits
}

struct Compared {
    name: String,
    edit: &'static str,
    way: Way,
    proof: Proof,
}

#[expect(clippy::print_stderr, reason = "whoever reads the test output should know what was compared")]
#[test]
fn changes_of_real_policies_go_the_way_they_must() {
    let every = env::var("PERMITLAB_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(EVERY);
    let mut policies: Vec<(PathBuf, PolicyType)> = Vec::new();
    for (folder, kind) in FOLDERS {
        let paths = glob::glob(&format!("{CORPUS}/{folder}/*.json")).unwrap().map(|path| (path.unwrap(), kind));
        policies.extend(paths.step_by(every));
    }
    if policies.is_empty() {
        eprintln!("no corpus at {CORPUS}: nothing was tested");
        return;
    }
    let compared: Vec<Compared> = policies.par_iter().flat_map_iter(|(path, kind)| compared(path, *kind)).collect();
    let mut verdicts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut wrong, mut open) = (Vec::new(), 0);
    for Compared { name, edit, way, proof } in &compared {
        *verdicts.entry((edit, proof.verdict.word())).or_default() += 1;
        for (_, why) in &proof.unknown {
            *reasons.entry(why).or_default() += 1;
        }
        open += usize::from(!proof.unknown.is_empty());
        if !way.allows(proof.verdict) {
            wrong.push(format!("{name}, {edit}: {}, and access {way:?}", proof.verdict.word()));
        }
    }
    eprintln!("{} comparisons of {} policies: {verdicts:?}", compared.len(), policies.len());
    eprintln!("of {open} something is unknown: {reasons:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared.len() > policies.len(), "most policies can be changed");
    assert!(open * 50 <= compared.len(), "of one comparison in fifty something may be unknown");
}

/// Both versions of a policy that AWS takes, compared by themselves.
fn compared(path: &PathBuf, kind: PolicyType) -> Vec<Compared> {
    let text = fs::read_to_string(path).unwrap();
    let Ok(policy) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    let prove = |(edit, edited, way): (&'static str, Value, Way)| {
        let edited = edited.to_string();
        let proof = prove_policies(("before", &text), ("after", &edited), Some(kind), Budget::default()).ok()?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some(Compared { name, edit, way, proof })
    };
    edits(&policy).into_iter().filter_map(prove).collect()
}
