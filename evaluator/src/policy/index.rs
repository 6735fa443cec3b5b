//! Which statements could be about this action and this resource?
//!
//! Statements are found by what their action patterns begin with: the whole name where there is no wildcard, else the text
//! before the first one. Where many statements share an action, those that begin their resources alike are told apart in
//! the same way. Text is compared by its hash: what is found *could* match, and the walk over its elements decides.

use std::collections::HashMap;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::action::ActionPattern;
use crate::policy::{ResourceElement, Statement};
use crate::request::Request;

/// How many statements are looked through rather than looked up.
pub const WORTHWHILE: usize = 16;

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

/// The key of statements about every action, or about all but some.
const EVERY: u64 = Text::EMPTY.0;

impl Index {
    /// Indexes statements under their numbers, from 0.
    pub fn new<'p>(statements: impl Iterator<Item = &'p Statement>) -> Self {
        let mut actions: IndexMap<u64, Vec<u32>, FxBuildHasher> = IndexMap::default();
        let mut starts: HashMap<u64, u64, FxBuildHasher> = HashMap::default();
        let statements: Vec<&Statement> = statements.collect();
        for (number, statement) in (0_u32..).zip(&statements) {
            for key in keys(statement, &mut starts) {
                let bucket = actions.entry(key).or_default();
                if bucket.last() != Some(&number) {
                    bucket.push(number);
                }
            }
        }
        let bucket = |(key, numbers)| (key, Bucket::new(numbers, &statements));
        Self { actions: actions.into_iter().map(bucket).collect(), starts }
    }

    /// Hands over the numbers of the statements that could match; some may come twice.
    #[inline]
    pub fn candidates(&self, request: &Request, mut visit: impl FnMut(u32)) {
        let resource = request.resource.arn.as_str().as_bytes();
        let mut look = |key: u64| {
            if let Some(bucket) = self.actions.get(&key) {
                bucket.candidates(resource, &mut visit);
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
    fn new(numbers: Vec<u32>, statements: &[&Statement]) -> Self {
        if numbers.len() <= WORTHWHILE {
            return Self { any: numbers.into(), resources: None };
        }
        let mut any = Vec::new();
        let mut lengths = Vec::new();
        let mut found: HashMap<u64, SmallVec<[u32; 2]>, FxBuildHasher> = HashMap::default();
        for number in numbers {
            let statement = statements.get(number as usize);
            let Some(starts) = statement.and_then(|statement| resource_starts(statement)) else {
                any.push(number);
                continue;
            };
            for start in starts {
                lengths.push(start.len());
                let numbers = found.entry(Text::EMPTY.with_all(start.as_bytes()).0).or_default();
                if numbers.last() != Some(&number) {
                    numbers.push(number);
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
fn resource_starts(statement: &Statement) -> Option<SmallVec<[String; 2]>> {
    match &statement.resource {
        ResourceElement::Listed { negated: false, patterns, .. } => {
            let start = |start: String| (!start.is_empty()).then_some(start);
            patterns.iter().map(|pattern| start(pattern.value.prefix())).collect()
        }
        ResourceElement::Listed { negated: true, .. } | ResourceElement::Missing | ResourceElement::Own => None,
    }
}
