//! Does what is suggested for a denied call let that call pass, and no other?
//!
//! Every call of the bundled scenarios that is implicitly denied: its suggestion, applied to the world of its file as
//! `--change` would, allows it, and leaves every other denied call of the file denied. For a call on a key or a role it is
//! proved that the changes grant nothing else.

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
/// key that no policy of its own file looks at, or under a policy that it attaches to a second caller. `more`: the prover
/// finds what else is granted, since whoever names the root user names its account, and roles share a trust policy, which
/// says nothing of the role.
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
    let before = replay(&root, path, &Options { suggest: true, prove_suggestions: true, ..Options::default() });
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
        if let Some(grants) = &suggestion.grants
            && grants.is_only_the_call() == is_listed("more", id)
        {
            wrong.push(format!("{id}: {grants} after {:?}", suggestion.changes));
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

/// Whether a check asks about the call that another was given a suggestion for, perhaps under different changes. A
/// statement tells neither the sessions of a role nor the names of a key apart, a set of values allows its parts, and a
/// call may carry more than what was stated of the first.
fn same_call(one: &Asked, suggested_for: &Asked) -> bool {
    let (one, other) = (one.request.as_ref().unwrap(), suggested_for.request.as_ref().unwrap());
    let is_single = |values: &Option<Values>| !matches!(values, Some(Values::Many(_)));
    let stated = other.context.iter().filter(|(_, values)| is_single(values));
    let (caller, other_caller) = (one.principal.principal_arn(), other.principal.principal_arn());
    caller == other_caller
        && one.action.to_string() == other.action.to_string()
        && one.resource.arn == other.resource.arn
        && one.via == other.via
        && one.encryption_context == other.encryption_context
        && one.source == other.source
        && stated.into_iter().all(|(key, values)| one.context.get(key) == Some(values))
}

/// A file as it was replayed, and the worlds it uses.
struct Before {
    path: String,
    worlds: String,
    replayed: Replayed,
}

#[test]
fn no_suggestion_lets_another_call_of_another_file_pass() {
    let root = PolicyRoot::at(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<Before> = root
        .case_files()
        .unwrap()
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(root.folder().join(&path)).unwrap();
            let worlds = text.lines().find(|line| line.starts_with("use:")).unwrap_or_default().to_owned();
            let replayed = replay(&root, &path, &Options { suggest: true, ..Options::default() });
            Before { path, worlds, replayed }
        })
        .collect();
    let mut tried = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for file in &files {
        for (id, asked) in calls(&file.replayed).into_iter().filter(|(_, asked)| denied(asked)) {
            let Some(suggestion) = &asked.suggestion else { continue };
            if is_listed("also", &id) || !tried.insert((file.worlds.clone(), suggestion.changes.clone())) {
                continue;
            }
            let options = Options { changes: suggestion.changes.clone(), only_decide: true, ..Options::default() };
            for other in files.iter().filter(|other| other.worlds == file.worlds && other.path != file.path) {
                wrong.extend(flipped(&root, other, asked, &options).map(|other| format!("{id}: {other} passes too")));
            }
        }
    }
    assert!(tried.len() > 100, "{} suggestions", tried.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A denied call of another file that passes now, though it is another call.
fn flipped(root: &PolicyRoot, file: &Before, asked: &Asked, options: &Options) -> Option<String> {
    let after = replay(root, &file.path, options);
    let before = calls(&file.replayed);
    calls(&after).into_iter().find_map(|(id, now)| {
        let then = before.iter().find(|(known, _)| *known == id).map(|(_, then)| *then)?;
        let passes = matches!(now.judgement.answer, Verdicts::Decided(Effect::Allow) | Verdicts::Unavailable(_));
        (denied(then) && passes && !same_call(then, asked)).then_some(id)
    })
}
