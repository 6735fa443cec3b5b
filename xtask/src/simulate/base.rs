//! Who may do more, and who less, than in another version?

use std::fmt::Write as _;

use permitlab::diff::Kind;
use permitlab::root::PolicyRoot;
use permitlab::table::difference::{Differing, Refused, differences, worlds};
use permitlab::table::{Outcome, Stage};
use serde_json::{Value, json};

use crate::cli::{FailOn, Format, SimulateArguments};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::{git, table};

/// The differences of a world.
struct Changed {
    world: String,
    lines: Vec<Differing>,
}

/// Compares the access tables of every world with those of a revision.
pub(super) fn run(
    arguments: &SimulateArguments,
    root: &PolicyRoot,
    revision: &str,
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    let before = git::root_at(root, revision)?;
    let mut all = Vec::new();
    let worlds = worlds(&before, root)?;
    if worlds.is_empty() {
        let refusal = Refusal::new(Exit::NothingMatched, "there is no world to compare, here or there");
        return Err(refusal.help("worlds are `fixtures/*.yaml` of the policy root").into());
    }
    let mut unchanged = None;
    let mut is_applied = arguments.changes.is_empty();
    for world in worlds {
        // A change is about the worlds that know what it changes.
        let mut changes = arguments.changes.as_slice();
        if !changes.is_empty() && Stage::of(root, &world, &[]).is_ok() {
            match Stage::of(root, &world, changes) {
                Ok(_) => is_applied = true,
                Err(why) => {
                    unchanged.get_or_insert(why);
                    changes = &[];
                }
            }
        }
        match differences(&before, root, &world, changes) {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => all.push(Changed { world, lines }),
            Err(refused) => {
                let Refused { is_before, why } = *refused;
                let side = if is_before { format!("in `{revision}`") } else { "in the work tree".to_owned() };
                streams.err.line(format_args!("{side}:"))?;
                return table::invalid(&why, streams);
            }
        }
    }
    if let (false, Some(why)) = (is_applied, unchanged) {
        return table::invalid(&why, streams);
    }
    arguments.reports.write(streams, |format| match format {
        Format::Human => human(&all),
        Format::Json => format!("{:#}\n", json(&all, revision)),
        Format::Markdown => markdown(&all, revision),
        // Refused before.
        Format::Junit | Format::Sarif | Format::Github => String::new(),
    })?;
    let is_bad = |each: &Differing| match arguments.fail_on {
        FailOn::Gained => each.kind == Kind::Gained,
        FailOn::Lost => each.kind == Kind::Lost,
        FailOn::Any => true,
    };
    let fails = all.iter().flat_map(|world| &world.lines).any(is_bad);
    Ok(if fails { Exit::Failed } else { Exit::Fine })
}

fn closing(all: &[Changed]) -> String {
    let count = |kind: Kind| all.iter().flat_map(|world| &world.lines).filter(|each| each.kind == kind).count();
    format!("{} gained, {} lost, {} changed", count(Kind::Gained), count(Kind::Lost), count(Kind::Changed))
}

fn human(all: &[Changed]) -> String {
    let mut text = String::new();
    for Changed { world, lines } in all {
        let _ = writeln!(text, "{world}");
        for line in lines {
            let (colour, kind) = match line.kind {
                Kind::Gained => ("\u{1b}[31m", "GAINED "),
                Kind::Lost => ("\u{1b}[33m", "LOST   "),
                Kind::Changed => ("", "CHANGED"),
            };
            let end = if colour.is_empty() { "" } else { "\u{1b}[0m" };
            let _ = writeln!(text, "  {colour}{kind}{end}  {}", line.line());
        }
    }
    let _ = writeln!(text, "{}", closing(all));
    text
}

fn json(all: &[Changed], revision: &str) -> Value {
    let world = |each: &Changed| json!({ "world": each.world, "differences": each.lines.iter().map(Differing::json).collect::<Vec<_>>() });
    json!({ "base": revision, "worlds": all.iter().map(world).collect::<Vec<_>>() })
}

/// A table for each world and kind, the gained ones first.
fn markdown(all: &[Changed], revision: &str) -> String {
    let mut text = format!("### Access, compared with `{revision}`\n\n");
    if all.is_empty() {
        text.push_str("No call on a key that the access tables ask is answered otherwise. What they do not ask does not show here.\n");
        return text;
    }
    let _ = writeln!(text, "**{}**", closing(all));
    for kind in [Kind::Gained, Kind::Lost, Kind::Changed] {
        for Changed { world, lines } in all {
            let own: Vec<&Differing> = lines.iter().filter(|line| line.kind == kind).collect();
            if own.is_empty() {
                continue;
            }
            let _ = write!(text, "\n#### {} in `{world}`\n\n", title(kind));
            text.push_str("| who | key | action | path | before | after |\n|---|---|---|---|---|---|\n");
            for Differing { principal, key, action, path, before, after, .. } in own {
                let cells = [principal, key, action, path].map(|each| code(each));
                let sides = [before, after].map(side);
                let _ = writeln!(text, "| {} | {} |", cells.join(" | "), sides.join(" | "));
            }
        }
    }
    text
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Gained => "Gained",
        Kind::Lost => "Lost",
        Kind::Changed => "Decided otherwise",
    }
}

fn side(outcome: &Outcome) -> String {
    code(&outcome.to_string())
}

/// A text as code in a cell of a table, where a `|` would end the cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|").replace('`', "'"))
}
