//! Which statements could be about this action and this resource?
//!
//! Statements are found by what their action patterns begin with: the whole name where there is no wildcard, else the text
//! before the first one. Where many statements share an action, those that begin their resources alike are told apart in
//! the same way. Text is compared by its hash: what is found *could* match, and the walk over its elements decides.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::action::ActionPattern;
use crate::policy::{ResourceElement, Statement};
use crate::request::Request;

/// How many statements are looked through rather than looked up.
pub const WORTHWHILE: usize = 16;

/// How often statements are looked through before they are indexed, which costs about as much.
const PAYS: u32 = 32;

/// An index that is made once it has been asked for often enough. What it finds is the same either way.
#[derive(Debug)]
pub struct InTime<T> {
    made: OnceLock<T>,
    asked: AtomicU32,
}

impl<T> Clone for InTime<T> {
    /// A copy may be changed, so that it gets an index of its own.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> Default for InTime<T> {
    fn default() -> Self {
        Self { made: OnceLock::new(), asked: AtomicU32::new(0) }
    }
}

impl<T> InTime<T> {
    /// The index, if it pays by now.
    #[inline]
    pub fn get(&self, make: impl FnOnce() -> T) -> Option<&T> {
        match self.made.get() {
            Some(made) => Some(made),
            None if self.asked.fetch_add(1, Ordering::Relaxed) < PAYS => None,
            None => Some(self.now(make)),
        }
    }

    /// The index, made if it was not.
    pub fn now(&self, make: impl FnOnce() -> T) -> &T {
        self.made.get_or_init(make)
    }
}

/// The longest start of an action's name that is told apart, in bytes.
const LONGEST: usize = 63;

/// Statements by what they are about, each under its number.
#[derive(Debug, Clone)]
pub struct Index {
    actions: HashMap<u64, Bucket, FxBuildHasher>,
    /// By service, the lengths of what patterns begin with: a bit each.
    starts: HashMap<u64, u64, FxBuildHasher>,
}

/// The statements that list one action, or actions that begin alike.
#[derive(Debug, Clone)]
struct Bucket {
    /// Those about any resource, or of which that could not be told.
    any: Box<[u32]>,
    resources: Option<Resources>,
}

/// Statements by what their resources begin with.
#[derive(Debug, Clone)]
struct Resources {
    /// The lengths there are, the shortest first.
    lengths: Box<[usize]>,
    statements: HashMap<u64, SmallVec<[u32; 2]>, FxBuildHasher>,
}

/// A hash that grows byte by byte (FNV-1a).
#[derive(Debug, Clone, Copy)]
struct Text(u64);

impl Text {
    const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    fn with(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    fn with_all(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |text, byte| text.with(*byte))
    }

    /// The service of an action, with its colon.
    fn service(service: &str) -> Self {
        Self::EMPTY.with_all(service.as_bytes()).with(b':')
    }

    /// The key of the actions of exactly this text. No name holds the byte added.
    fn whole(self) -> u64 {
        self.with(0).0
    }

    /// The key of the actions that begin with this text.
    fn start(self) -> u64 {
        self.with(1).0
    }
}

/// A statement, and the hash and length of what each of its resources begins with; none where one could be any.
struct About<'p> {
    statement: &'p Statement,
    starts: OnceCell<Option<ResourceStarts>>,
}

type ResourceStarts = SmallVec<[(u64, usize); 2]>;

impl About<'_> {
    fn starts(&self) -> Option<&ResourceStarts> {
        self.starts.get_or_init(|| resource_starts(self.statement)).as_ref()
    }
}

/// Numbers under keys, in the order they came, without a list for each key.
#[derive(Default)]
struct Grouped {
    /// The number of each key.
    keys: IndexMap<u64, Group, FxBuildHasher>,
    /// Numbers of keys, and what stands under them.
    entries: Vec<(usize, u32)>,
}

/// How much stands under a key, and the last of it.
#[derive(Clone, Copy)]
struct Group {
    length: usize,
    last: u32,
}

impl Grouped {
    /// Adds a number under a key, where it may stand last already.
    fn add(&mut self, key: u64, number: u32) {
        let entry = self.keys.entry(key);
        let place = entry.index();
        let group = entry.or_insert(Group { length: 0, last: number });
        if group.length == 0 || group.last != number {
            *group = Group { length: group.length + 1, last: number };
            self.entries.push((place, number));
        }
    }

    /// The keys, each with the place of its numbers in the list of all.
    fn finish(self) -> (Vec<(u64, Range<usize>)>, Vec<u32>) {
        let mut at = 0;
        let mut groups = Vec::with_capacity(self.keys.len());
        for (key, group) in &self.keys {
            groups.push((*key, at..at));
            at += group.length;
        }
        let mut numbers = vec![0; at];
        for (group, number) in self.entries {
            if let Some((_, place)) = groups.get_mut(group)
                && let Some(slot) = numbers.get_mut(place.end)
            {
                *slot = number;
                place.end += 1;
            }
        }
        (groups, numbers)
    }
}

/// The key of statements about every action, or about all but some.
const EVERY: u64 = Text::EMPTY.0;

impl Index {
    /// Indexes statements under their numbers, from 0.
    pub fn new<'p>(statements: impl Iterator<Item = &'p Statement>) -> Self {
        let mut starts: HashMap<u64, u64, FxBuildHasher> = HashMap::default();
        let mut about: Vec<About<'_>> = Vec::new();
        let mut by_action = Grouped::default();
        for (number, statement) in (0_u32..).zip(statements) {
            for key in keys(statement, &mut starts) {
                by_action.add(key, number);
            }
            about.push(About { statement, starts: OnceCell::new() });
        }
        let (groups, numbers) = by_action.finish();
        let bucket =
            |(key, group): (u64, Range<usize>)| (key, Bucket::new(numbers.get(group).unwrap_or_default(), &about));
        Self { actions: groups.into_iter().map(bucket).collect(), starts }
    }

    /// The numbers of the statements that could match, in order.
    pub fn candidates(&self, request: &Request) -> SmallVec<[u32; 64]> {
        let resource = request.resource.arn.as_str().as_bytes();
        let mut found: SmallVec<[u32; 64]> = SmallVec::new();
        let mut look = |key: u64| {
            if let Some(bucket) = self.actions.get(&key) {
                bucket.candidates(resource, &mut |number| found.push(number));
            }
        };
        look(EVERY);
        let mut text = Text::service(request.action.service());
        let lengths = self.starts.get(&text.0).copied().unwrap_or(0);
        let is_start = |length: usize| length <= LONGEST && lengths >> length & 1 == 1;
        if is_start(0) {
            look(text.start());
        }
        for (before, byte) in request.action.folded_name().bytes().enumerate() {
            text = text.with(byte);
            if is_start(before + 1) {
                look(text.start());
            }
        }
        look(text.whole());
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The keys under which a statement is found.
fn keys(statement: &Statement, starts: &mut HashMap<u64, u64, FxBuildHasher>) -> SmallVec<[u64; 8]> {
    if statement.action.negated {
        return SmallVec::from_slice(&[EVERY]);
    }
    let key = |pattern: &ActionPattern| {
        let Some(service) = pattern.service() else { return EVERY };
        let service = Text::service(service);
        let (start, is_whole) = pattern.start();
        if is_whole {
            return service.with_all(start.as_bytes()).whole();
        }
        let start = start.as_bytes();
        let start = start.get(..LONGEST).unwrap_or(start);
        *starts.entry(service.0).or_default() |= 1 << start.len();
        service.with_all(start).start()
    };
    statement.action.patterns.iter().map(|pattern| &pattern.value).map(key).collect()
}

impl Bucket {
    fn new(numbers: &[u32], about: &[About<'_>]) -> Self {
        if numbers.len() <= WORTHWHILE {
            return Self { any: numbers.into(), resources: None };
        }
        let mut any = Vec::new();
        let mut lengths = Vec::with_capacity(numbers.len());
        let mut found: HashMap<u64, SmallVec<[u32; 2]>, FxBuildHasher> =
            HashMap::with_capacity_and_hasher(numbers.len(), FxBuildHasher);
        for number in numbers {
            let Some(starts) = about.get(*number as usize).and_then(About::starts) else {
                any.push(*number);
                continue;
            };
            for (start, length) in starts {
                lengths.push(*length);
                let numbers = found.entry(*start).or_default();
                if numbers.last() != Some(number) {
                    numbers.push(*number);
                }
            }
        }
        lengths.sort_unstable();
        lengths.dedup();
        Self { any: any.into(), resources: Some(Resources { lengths: lengths.into(), statements: found }) }
    }

    #[inline]
    fn candidates(&self, resource: &[u8], visit: &mut impl FnMut(u32)) {
        self.any.iter().for_each(|number| visit(*number));
        let Some(resources) = &self.resources else { return };
        let (mut text, mut rest, mut read) = (Text::EMPTY, resource, 0);
        for length in &resources.lengths {
            let Some((part, after)) = rest.split_at_checked(length - read) else { return };
            (text, rest, read) = (text.with_all(part), after, *length);
            resources.statements.get(&text.0).into_iter().flatten().for_each(|number| visit(*number));
        }
    }
}

/// What each resource of a statement begins with; `None` where one could be any.
fn resource_starts(statement: &Statement) -> Option<ResourceStarts> {
    match &statement.resource {
        ResourceElement::Listed { negated: false, patterns, .. } => {
            let start = |start: &[u8]| (!start.is_empty()).then(|| (Text::EMPTY.with_all(start).0, start.len()));
            patterns.iter().map(|pattern| start(pattern.value.prefix().as_bytes())).collect()
        }
        ResourceElement::Listed { negated: true, .. } | ResourceElement::Missing | ResourceElement::Own => None,
    }
}
