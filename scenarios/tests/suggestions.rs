//! Does what is suggested for a denied call let that call pass, and no other?
//!
//! Every call of the bundled scenarios that is implicitly denied: its suggestion, applied to the world of its file as
//! `--change` would, allows it, and leaves every other denied call of the file denied.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

use std::path::{Path, PathBuf};

use permitlab::judge::Verdicts;
use permitlab::replay::{Asked, Options, Replayed, replay};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::context::Values;
use permitlab_evaluator::decision::Effect;
use rstest::rstest;

/// Exceptions, a line each. `none`: no policy of the world can let the call pass, since nobody changes AWS's policy, a
/// federated user has no policy of its own, and the like. `also`: another check asks for the same thing by a condition
/// key that no policy of its own file looks at, or under a policy that it attaches to a second caller.
const EXCEPTIONS: &str = include_str!("suggestions.txt");

fn is_listed(kind: &str, id: &str) -> bool {
    EXCEPTIONS.lines().any(|line| line.split_once("  ") == Some((kind, id)))
}

fn denied(asked: &Asked) -> bool {
    matches!(asked.judgement.answer, Verdicts::Decided(Effect::ImplicitDeny))
}

fn calls(replayed: &Replayed) -> Vec<(String, &Asked)> {
    let named = |id: &str, asked: &Asked| match &asked.step {
        Some(step) => format!("{id} · {}", step.id),
        None => id.to_owned(),
    };
    replayed
        .checks
        .iter()
        .flat_map(|check| check.asked.iter().map(move |asked| (named(&check.id, asked), asked)))
        .collect()
}

#[rstest]
fn a_suggestion_lets_its_call_pass_and_no_other(#[files("cases/**/*.yaml")] file: PathBuf) {
    let root = PolicyRoot::at(env!("CARGO_MANIFEST_DIR"));
    let path = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().to_str().unwrap();
    let before = replay(&root, path, &Options { suggest: true, ..Options::default() });
    let before = calls(&before);
    let mut wrong = Vec::new();
    for (id, asked) in before.iter().filter(|(_, asked)| denied(asked)) {
        let without = is_listed("none", id);
        let Some(suggestion) = &asked.suggestion else {
            if !without {
                wrong.push(format!("{id}: nothing is suggested"));
            }
            continue;
        };
        if without {
            wrong.push(format!("{id}: listed as without a suggestion"));
        }
        let changes = suggestion.changes.clone();
        let after = replay(&root, path, &Options { changes: changes.clone(), only_decide: true, ..Options::default() });
        let mut others = 0;
        for (other, now) in calls(&after) {
            let then = before.iter().find(|(id, _)| *id == other).map(|(_, asked)| asked);
            let was_denied = then.is_some_and(|then| denied(then));
            let passes = matches!(now.judgement.answer, Verdicts::Decided(Effect::Allow) | Verdicts::Unavailable(_));
            let is_same_call = then.is_some_and(|then| same_call(then, asked));
            if other == *id && !passes {
                wrong.push(format!("{id}: still {} after {changes:?}", now.judgement.word()));
            }
            if other != *id && was_denied && passes && !is_same_call {
                others += 1;
                if !is_listed("also", id) {
                    wrong.push(format!("{id}: {other} passes too after {changes:?}"));
                }
            }
        }
        if others == 0 && is_listed("also", id) {
            wrong.push(format!("{id}: listed as letting another pass"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether two checks ask about one call, perhaps under different changes. A statement tells neither the sessions of a
/// role nor the names of a key apart, and a set of values allows its parts.
fn same_call(one: &Asked, other: &Asked) -> bool {
    let parts = |asked: &Asked| {
        let request = asked.request.as_ref().unwrap();
        let single = |values: &Option<Values>| !matches!(values, Some(Values::Many(_)));
        let context: Vec<_> = request.context.iter().filter(|(_, values)| single(values)).collect();
        let (caller, via) = (request.principal.principal_arn(), request.via.clone());
        let call = format!("{caller:?} {} {} {via:?} {context:?}", request.action, request.resource.arn);
        (call, request.encryption_context.clone(), request.source.clone())
    };
    parts(one) == parts(other)
}
