//! How are the facts of services written, and where in the text do those of one service stand?
//!
//! `data/services.txt` has a line for each fact, in order of name, case ignored:
//!
//! | line | holds |
//! |---|---|
//! | `key NAME TYPE` | a condition key; before the first service a global one. A `*` in its name is a part to fill |
//! | `short WORD NAME` | a word that stands for a key in lists of keys |
//! | `prefix PREFIX SERVICE…` | services with condition keys of another prefix than their own |
//! | `rcp SERVICE` | a service whose resources RCPs reach |
//! | `service BYTES PREFIX NAME` | a service: all that is in the `BYTES` from its prefix on |
//! | `key NAME TYPE anywhere` | a key of which nobody says with which actions of the service it comes |
//! | `type NAME: PATTERN…` | a resource type and its ARNs, without `arn:${Partition}:` |
//! | ` NAME LEVEL TYPE, TYPE?` | an action, its access level (`L`, `R`, `W`, `T`, `P`) and resource types, `?` if optional |
//! | `  with KEY…` | the condition keys of the action or type above |
//! | `  as NAME` | the action above has the keys of another |
//! | `  on TYPE: KEY…` | keys the action above has for a resource type, beside the type's own |
//! | `  needs ACTION…` | actions the caller of the action above needs too |
//!
//! Nothing is read before it is asked for: the first question goes from `service` line to `service` line, and reads
//! the block of the one service it is about.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use super::AccessLevel;
use crate::catalog::KeyType;
use crate::glob::fold;

/// The catalog inside the program.
pub(super) static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::new(include_str!("../../../data/services.txt")));

/// Where the facts of each service stand.
#[derive(Debug)]
pub(super) struct Catalog {
    head: &'static str,
    general: OnceLock<General>,
    services: Vec<ServiceLine>,
    /// The number of each service by its prefix, in lower case.
    by_prefix: HashMap<SmolStr, usize, FxBuildHasher>,
}

/// The facts that belong to no one service.
#[derive(Debug, Default)]
pub(super) struct General {
    pub(super) keys: Keys,
    pub(super) shorts: Vec<(&'static str, &'static str)>,
    pub(super) prefixes: Vec<(&'static str, &'static str)>,
    pub(super) rcp: Vec<&'static str>,
}

/// A service, and its block once it was read.
#[derive(Debug)]
pub(super) struct ServiceLine {
    prefix: &'static str,
    text: &'static str,
    block: OnceLock<Box<Block>>,
}

/// The facts of one service.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) keys: Keys,
    pub(super) types: Vec<TypeLine>,
    pub(super) actions: Vec<ActionLine>,
}

/// Condition keys: those with a whole name in order, and those with a part to fill.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) whole: Vec<KeyLine>,
    pub(super) families: Vec<KeyLine>,
}

/// A condition key.
#[derive(Debug, Clone)]
pub(super) struct KeyLine {
    pub(super) name: &'static str,
    /// The name, in lower case.
    folded: SmolStr,
    pub(super) kind: KeyType,
    pub(super) is_anywhere: bool,
}

/// A resource type.
#[derive(Debug)]
pub(super) struct TypeLine {
    pub(super) name: &'static str,
    pub(super) patterns: &'static str,
    pub(super) keys: &'static str,
}

/// An action.
#[derive(Debug)]
pub(super) struct ActionLine {
    pub(super) name: &'static str,
    pub(super) access: AccessLevel,
    pub(super) resources: &'static str,
    details: &'static str,
}

impl Catalog {
    fn new(text: &'static str) -> Self {
        let (head, mut rest) =
            text.split_at_checked(text.find("\nservice ").map_or(text.len(), |at| at + 1)).unwrap_or_default();
        let mut services = Vec::new();
        while let Some((service, after)) = ServiceLine::read(rest) {
            services.push(service);
            rest = after;
        }
        let by_prefix = services.iter().enumerate().map(|(number, line)| (fold(line.prefix), number)).collect();
        Self { head, general: OnceLock::new(), services, by_prefix }
    }

    pub(super) fn general(&self) -> &General {
        self.general.get_or_init(|| General::read(self.head))
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &ServiceLine> + Clone {
        self.services.iter()
    }

    pub(super) fn service(&self, prefix: &str) -> Option<&ServiceLine> {
        let number = self.by_prefix.get(prefix).or_else(|| self.by_prefix.get(&fold(prefix)))?;
        self.services.get(*number)
    }
}

impl General {
    fn read(head: &'static str) -> Self {
        let mut general = Self::default();
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("key", rest)) => general.keys.read(rest),
                Some(("short", rest)) => general.shorts.extend(rest.split_once(' ')),
                Some(("prefix", rest)) => general.prefixes.extend(rest.split_once(' ')),
                Some(("rcp", service)) => general.rcp.push(service),
                Some(_) | None => {}
            }
        }
        general
    }
}

impl ServiceLine {
    /// The service whose line a text begins with, and what follows its block.
    fn read(text: &'static str) -> Option<(Self, &'static str)> {
        let (bytes, rest) = text.strip_prefix("service ")?.split_once(' ')?;
        let (text, after) = rest.split_at_checked(bytes.parse().ok()?)?;
        let (prefix, _) = text.split_once(' ')?;
        Some((Self { prefix, text, block: OnceLock::new() }, after))
    }

    pub(super) fn prefix(&self) -> &'static str {
        self.prefix
    }

    pub(super) fn name(&self) -> &'static str {
        let line = self.text.split_once('\n').and_then(|(line, _)| line.split_once(' '));
        line.map_or("", |(_, name)| name)
    }

    pub(super) fn block(&self) -> &Block {
        let lines = || self.text.split_once('\n').map_or("", |(_, lines)| lines);
        self.block.get_or_init(|| Box::new(Block::read(lines())))
    }
}

impl Block {
    fn read(text: &'static str) -> Self {
        let mut block = Self::default();
        for (line, details) in items(text) {
            if let Some(key) = line.strip_prefix("key ") {
                block.keys.read(key);
            } else if let Some(kind) = line.strip_prefix("type ") {
                block.types.extend(TypeLine::read(kind, details));
            } else {
                block.actions.extend(line.strip_prefix(' ').and_then(|action| ActionLine::read(action, details)));
            }
        }
        block
    }
}

impl Keys {
    fn read(&mut self, line: &'static str) {
        let Some((name, rest)) = line.split_once(' ') else { return };
        let (kind, anywhere) = rest.split_once(' ').unwrap_or((rest, ""));
        let Some(kind) = key_type(kind) else { return };
        let list = if name.contains('*') { &mut self.families } else { &mut self.whole };
        list.push(KeyLine { name, folded: fold(name), kind, is_anywhere: !anywhere.is_empty() });
    }

    /// The key of a name in lower case.
    pub(super) fn find(&self, folded: &str) -> Option<&KeyLine> {
        let whole = find_folded(&self.whole, folded, |line| &line.folded);
        whole.or_else(|| self.families.iter().find(|line| covers_folded(&line.folded, folded)))
    }
}

impl TypeLine {
    fn read(line: &'static str, details: &'static str) -> Option<Self> {
        let (name, patterns) = line.split_once(": ")?;
        Some(Self { name, patterns, keys: detail(details, "with ").unwrap_or_default() })
    }
}

impl ActionLine {
    fn read(line: &'static str, details: &'static str) -> Option<Self> {
        let (name, rest) = line.split_once(' ')?;
        let (level, resources) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self { name, access: access(level)?, resources, details })
    }

    /// What stands after a word in a line of its own.
    pub(super) fn detail(&self, word: &str) -> Option<&'static str> {
        detail(self.details, word)
    }

    /// The keys the action has for a resource type.
    pub(super) fn resource_keys(&self, kind: &str) -> Option<&'static str> {
        let lines = self.details.lines().filter_map(|line| line.trim_start().strip_prefix("on "));
        lines.filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == kind).map(|(_, keys)| keys)
    }
}

/// The lines of a block, each with the indented ones below it.
fn items(mut rest: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::from_fn(move || {
        let (line, tail) = rest.split_once('\n')?;
        let (details, after) = tail.split_at_checked(indented(tail))?;
        rest = after;
        Some((line, details))
    })
}

/// How many bytes of a text are indented lines.
fn indented(text: &str) -> usize {
    let mut end = 0;
    while let Some(line) = text.get(end..).filter(|rest| rest.starts_with("  ")) {
        end += line.find('\n').map_or(line.len(), |at| at + 1);
    }
    end
}

fn detail(details: &'static str, word: &str) -> Option<&'static str> {
    details.lines().find_map(|line| line.trim_start().strip_prefix(word))
}

/// The keys of a list, each in full.
pub(super) fn keys(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_ascii_whitespace().map(|word| {
        let shorts = if word.contains(':') { &[] } else { &*CATALOG.general().shorts };
        shorts.iter().find(|(short, _)| *short == word).map_or(word, |(_, key)| key)
    })
}

/// Whether a key of the catalog is a key, or the family of a key, whose name is folded.
pub(super) fn covers(pattern: &str, folded: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return compare_folded(pattern, folded) == Ordering::Equal;
    };
    let filled = folded.len().checked_sub(before.len() + after.len()).is_some_and(|filled| filled > 0);
    let ends = folded.get(..before.len()).zip(folded.len().checked_sub(after.len()).and_then(|at| folded.get(at..)));
    filled && ends.is_some_and(|(head, tail)| head.eq_ignore_ascii_case(before) && tail.eq_ignore_ascii_case(after))
}

/// Whether a key of the catalog, in lower case, is the family of a key in lower case.
fn covers_folded(pattern: &str, folded: &str) -> bool {
    let filled = pattern.split_once('*').and_then(|(before, after)| folded.strip_prefix(before)?.strip_suffix(after));
    filled.is_some_and(|filled| !filled.is_empty())
}

/// The entry of a name in lower case, in a list in order of names.
fn find_folded<'l, T>(list: &'l [T], folded: &str, folded_of: impl Fn(&T) -> &str) -> Option<&'l T> {
    let at = list.binary_search_by(|entry| folded_of(entry).cmp(folded)).ok()?;
    list.get(at)
}

/// The entry of a name, whose case does not matter, in a list in order of names.
pub(super) fn find<'l, T>(list: &'l [T], name: &str, name_of: impl Fn(&T) -> &str) -> Option<&'l T> {
    let at = list.binary_search_by(|entry| compare_folded(name_of(entry), name)).ok()?;
    list.get(at)
}

/// Compares two names without their case and without allocating.
fn compare_folded(left: &str, right: &str) -> Ordering {
    let right = right.bytes().map(|byte| byte.to_ascii_lowercase());
    left.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(right)
}

fn access(letter: &str) -> Option<AccessLevel> {
    Some(match letter {
        "L" => AccessLevel::List,
        "R" => AccessLevel::Read,
        "W" => AccessLevel::Write,
        "T" => AccessLevel::Tagging,
        "P" => AccessLevel::PermissionsManagement,
        _ => return None,
    })
}

fn key_type(name: &str) -> Option<KeyType> {
    Some(match name {
        "String" => KeyType::String,
        "ARN" => KeyType::Arn,
        "Bool" => KeyType::Bool,
        "Date" => KeyType::Date,
        "Numeric" => KeyType::Numeric,
        "IPAddress" => KeyType::Ip,
        "ArrayOfString" => KeyType::Strings,
        "ArrayOfARN" => KeyType::Arns,
        "ArrayOfBool" => KeyType::Bools,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# A head, which may speak of a thing.
key aws:SourceIp IPAddress
key aws:RequestTag/* String
short request-tag aws:RequestTag/*
prefix saml sts
rcp sts
service 13 s3 Amazon S3
service 299 sts AWS STS
key sts:A Bool
key sts:Lost Date anywhere
type role: iam::${Account}:role/${R} iam::${Account}:r/${R}
  with sts:Own
type a user: iam::${Account}:user/${U}
 assume P role, a user?
  with request-tag sts:A
  on role: sts:C
  on a user: sts:D sts:E
  needs iam:PassRole
 Zip R
  as assume
";

    fn catalog() -> Catalog {
        Catalog::new(TEXT)
    }

    #[test]
    fn the_head_is_read() {
        let catalog = catalog();
        let general = catalog.general();
        assert_eq!(general.keys.find("aws:sourceip").unwrap().kind, KeyType::Ip);
        assert_eq!(general.keys.find("aws:requesttag/team").unwrap().kind, KeyType::String);
        assert!(general.keys.find("aws:requesttag/").is_none());
        assert_eq!(general.shorts, [("request-tag", "aws:RequestTag/*")]);
        assert_eq!(general.prefixes, [("saml", "sts")]);
        assert_eq!(general.rcp, ["sts"]);
    }

    #[test]
    fn a_block_is_read_line_by_line() {
        let catalog = catalog();
        assert_eq!(catalog.services().map(ServiceLine::prefix).collect::<Vec<_>>(), ["s3", "sts"]);
        assert!(catalog.service("S3").unwrap().block().actions.is_empty());
        let sts = catalog.service("STS").unwrap();
        assert_eq!(sts.name(), "AWS STS");
        let block = sts.block();
        assert!(block.keys.find("sts:lost").unwrap().is_anywhere && !block.keys.find("sts:a").unwrap().is_anywhere);
        let types: Vec<_> = block.types.iter().map(|line| (line.name, line.patterns, line.keys)).collect();
        assert_eq!(
            types,
            [
                ("role", "iam::${Account}:role/${R} iam::${Account}:r/${R}", "sts:Own"),
                ("a user", "iam::${Account}:user/${U}", "")
            ]
        );
        let [assume, zip] = &*block.actions else { panic!("{:?}", block.actions) };
        assert_eq!((assume.name, assume.access), ("assume", AccessLevel::PermissionsManagement));
        assert_eq!(assume.resources, "role, a user?");
        assert_eq!((assume.detail("with "), assume.detail("as ")), (Some("request-tag sts:A"), None));
        assert_eq!(
            (assume.resource_keys("role"), assume.resource_keys("a user")),
            (Some("sts:C"), Some("sts:D sts:E"))
        );
        assert_eq!((assume.resource_keys("user"), assume.detail("needs ")), (None, Some("iam:PassRole")));
        assert_eq!((zip.name, zip.resources, zip.detail("as ")), ("Zip", "", Some("assume")));
    }

    #[test]
    fn a_list_of_keys_is_spelt_out() {
        assert_eq!(keys("request-tag kms:ViaService").collect::<Vec<_>>(), ["aws:RequestTag/*", "kms:ViaService"]);
    }

    #[test]
    fn families_cover_what_fills_them() {
        for (pattern, key, expected) in [
            ("kms:ViaService", "kms:viaservice", true),
            ("kms:EncryptionContext:*", "kms:encryptioncontext:aws:s3:arn", true),
            ("kms:EncryptionContext:*", "kms:encryptioncontext:", false),
            ("events:Metadata/*/Matcher", "events:metadata/a/matcher", true),
            ("events:Metadata/*/Matcher", "events:metadata//matcher", false),
            ("events:Metadata/*/Matcher", "events:metadata/matcher", false),
            ("aws:RequestTag/*", "aws:requesttag/ü", true),
            ("aws:RequestTag/*", "ü", false),
        ] {
            assert_eq!(covers(pattern, key), expected, "{pattern} {key}");
        }
    }

    /// Counts what the text has against what was read of it: a line that nobody understood would be missing.
    #[test]
    fn every_line_of_the_catalog_is_read() {
        let text = include_str!("../../../data/services.txt");
        let lines = |begins: &str| text.lines().filter(|line| line.starts_with(begins)).count();
        let general = CATALOG.general();
        let blocks = || CATALOG.services().map(ServiceLine::block);
        let keys = |keys: &Keys| keys.whole.len() + keys.families.len();
        assert_eq!(lines("key "), keys(&general.keys) + blocks().map(|block| keys(&block.keys)).sum::<usize>());
        assert_eq!(lines("short "), general.shorts.len());
        assert_eq!(lines("prefix "), general.prefixes.len());
        assert_eq!(lines("rcp "), general.rcp.len());
        assert_eq!(lines("service "), CATALOG.services().count());
        assert_eq!(lines("type "), blocks().map(|block| block.types.len()).sum::<usize>());
        let actions = text.lines().filter(|line| line.starts_with(' ') && !line.starts_with("  ")).count();
        assert_eq!(actions, blocks().map(|block| block.actions.len()).sum::<usize>());
        let details = ["  with ", "  as ", "  on ", "  needs "].map(lines).iter().sum::<usize>();
        assert_eq!(details, lines("  "));
    }

    #[test]
    fn the_catalog_is_in_order_and_refers_to_what_it_has() {
        let folded = |name: &str| name.to_lowercase();
        assert!(CATALOG.services().is_sorted_by_key(ServiceLine::prefix));
        for service in CATALOG.services() {
            let block = service.block();
            assert!(block.keys.whole.is_sorted_by_key(|line| folded(line.name)), "{}", service.prefix());
            assert!(block.types.is_sorted_by_key(|line| folded(line.name)), "{}", service.prefix());
            assert!(block.actions.is_sorted_by_key(|line| folded(line.name)), "{}", service.prefix());
            for action in &block.actions {
                let names = action.resources.split(", ").filter(|name| !name.is_empty());
                let known = |name: &str| find(&block.types, name.trim_end_matches('?'), |line| line.name).is_some();
                assert!(names.into_iter().all(known), "{}:{}", service.prefix(), action.name);
                let same = action.detail("as ").map(|name| find(&block.actions, name, |line| line.name));
                assert!(same.is_none_or(|found| found.is_some_and(|found| found.detail("with ").is_some())));
            }
        }
    }
}
