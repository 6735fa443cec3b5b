//! Do the evaluator and Cedar decide the bundled scenarios alike?

use std::collections::BTreeMap;
use std::path::PathBuf;

use permitlab::oracle::Engine;
use permitlab::replay::{Options, replay};
use permitlab::root::PolicyRoot;

#[test]
fn both_engines_decide_every_bundled_call_alike() {
    let root = PolicyRoot::at(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let options = Options { engine: Engine::Both, only_decide: true, ..Options::default() };
    let (mut asked, mut without) = (0, BTreeMap::new());
    let mut differing = Vec::new();
    for file in root.case_files().unwrap() {
        let replayed = replay(&root, &file, &options);
        for check in &replayed.checks {
            for call in &check.asked {
                match &call.second {
                    Some(Ok(second)) => {
                        asked += 1;
                        let differs = call.judgement.differs_from(second);
                        differing.extend(differs.map(|said| format!("{}: {}: {said}", check.id, call.judgement.call)));
                    }
                    Some(Err(why)) => *without.entry(why.clone()).or_insert(0) += 1,
                    None => assert!(call.request.is_none(), "{}: no second opinion was asked for", check.id),
                }
            }
        }
    }
    assert!(differing.is_empty(), "{} of {asked} calls differ:\n{}", differing.len(), differing.join("\n"));
    assert!(without.is_empty(), "calls without a second opinion: {without:#?}");
    assert!(asked > 900, "{asked} calls have two opinions");
}
