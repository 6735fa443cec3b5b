//! What is said once of a policy in which it is wrong in many places, and how several names are named.

use super::Finding;

/// One finding for those of a policy that say the same, at the first of their places.
pub(super) fn once(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.diagnostic.span());
    let mut kept: Vec<(Finding, usize)> = Vec::new();
    for finding in findings {
        match kept.iter_mut().find(|(first, _)| first.diagnostic.message == finding.diagnostic.message) {
            Some((_, more)) => *more += 1,
            None => kept.push((finding, 0)),
        }
    }
    kept.into_iter().map(|(finding, more)| and_more(finding, more)).collect()
}

fn and_more(mut finding: Finding, more: usize) -> Finding {
    let places = match more {
        0 => return finding,
        1 => "one more place".to_owned(),
        _ => format!("{more} more places"),
    };
    finding.diagnostic.message = format!("{}, here and in {places}", finding.diagnostic.message);
    finding
}

/// Some names in a sentence: the first few of many.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.len() > 4 {
        let rest = names.split_off(3).len();
        return format!("{} and {rest} others", names.join(", "));
    }
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn few_names_are_all_named() {
        assert_eq!(listed([]), "");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b"]), "`a` and `b`");
        assert_eq!(listed(["a", "b", "c", "d"]), "`a`, `b`, `c` and `d`");
        assert_eq!(listed(["a", "b", "c", "d", "e"]), "`a`, `b`, `c` and 2 others");
    }
}
