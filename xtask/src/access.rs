//! Who may make a call, and what may somebody do?

use std::fmt::Write as _;

use permitlab::access::{Answer, Line, Typed, ask};
use permitlab::table::{is_about_typed, most_telling};
use permitlab_evaluator::prove::Budget;
use serde_json::{Value, json};

use crate::cli::{AccessArguments, TableFormat, WhatCanArguments, WhoCanArguments};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::simulate::{overlaid, root};
use crate::table;

/// Answers `permitlab who-can`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn who_can(arguments: &WhoCanArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let question = Typed::Who { call: &arguments.call, resource: &arguments.resource };
    run(&arguments.access, question, streams)
}

/// Answers `permitlab what-can`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn what_can(arguments: &WhatCanArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    run(&arguments.access, Typed::What { principal: &arguments.principal }, streams)
}

fn run(arguments: &AccessArguments, question: Typed<'_>, streams: &mut Streams) -> anyhow::Result<Exit> {
    let root = overlaid(&root(arguments.root.as_deref())?, &arguments.overlays)?;
    let all = root.world_files()?;
    for name in &arguments.worlds {
        if !all.contains(name) {
            let message = format!("no world is `{name}`");
            return Err(Refusal::new(Exit::NothingMatched, message).help("worlds stand under `fixtures/`").into());
        }
    }
    let is_named = !arguments.worlds.is_empty();
    let worlds = if is_named { &arguments.worlds } else { &all };
    if worlds.is_empty() {
        let refusal = Refusal::new(Exit::NothingMatched, "there is no world");
        return Err(refusal.help("add one under `fixtures/`").into());
    }
    let mut answers = Vec::new();
    let (mut refused, mut is_known) = (None, false);
    for world in worlds {
        match ask(&root, world, &arguments.changes, question, Budget::default()) {
            Ok(answer) if answer.lines.is_empty() && !is_named => is_known = true,
            Ok(answer) => answers.push(answer),
            // A world that does not know what is asked about is left out, unless it was named.
            Err(why) => {
                if is_named || !is_about_typed(&why) {
                    return table::invalid(&why, streams);
                }
                refused = Some(most_telling(refused, why));
            }
        }
    }
    if let (true, false, Some(why)) = (answers.is_empty(), is_known, refused) {
        return table::invalid(&why, streams);
    }
    arguments.reports.write(streams, |format| match format {
        TableFormat::Human => human(&answers),
        TableFormat::Json => {
            let world = |answer: &Answer| json!({ "world": answer.world, "access": answer.lines.iter().map(Line::json).collect::<Vec<Value>>() });
            format!("{:#}\n", json!({ "worlds": answers.iter().map(world).collect::<Vec<Value>>() }))
        }
    })?;
    let is_nothing = answers.iter().all(|answer| answer.lines.is_empty());
    Ok(if is_nothing { Exit::NothingMatched } else { Exit::Fine })
}

fn human(answers: &[Answer]) -> String {
    let mut text = String::new();
    if answers.is_empty() {
        text.push_str("nothing is allowed\n");
    }
    for Answer { world, lines } in answers {
        let _ = writeln!(text, "{world}");
        if lines.is_empty() {
            text.push_str("  nothing is allowed\n");
        }
        for line in lines {
            let Line { caller, resource, actions, ways, is_cut_off, unsure, .. } = line;
            let stands_for = line.stands_for.map(|who| format!(" ({who})")).unwrap_or_default();
            let _ = writeln!(text, "  {caller}{stands_for}  {resource}  {}", actions.join(" "));
            for way in ways {
                let _ = writeln!(text, "    {way}");
            }
            if *is_cut_off {
                text.push_str("    and perhaps in other ways: there are too many to list\n");
            }
            if !unsure.is_empty() {
                let _ = writeln!(text, "    AWS leaves {} open, which could make other ways", unsure.join(", "));
            }
        }
    }
    text
}
