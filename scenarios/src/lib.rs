//! Worlds, flows, scenario files and the harness that replays them.
//!
//! The files come first: [`root`] finds and reads them, [`mod@file`] turns them into values that know their place,
//! [`placeholders`] fills `{{name}}` and `[[name]]`, [`schema`] describes them to editors, and [`render`] draws what
//! is wrong with them. Then their meaning: [`facts`] merges worlds, [`change`] edits them, [`grants`] reads
//! what KMS keys carry, [`mod@reference`] finds what
//! names stand for, [`judge`] asks the evaluator. [`replay`] does all of it for a scenario file, [`question`] for
//! one call; [`suggest`] finds what would let a denied call pass, [`diff`] compares two replays, and [`report`] says what came of it.
//!
//! [`lint`] says what policies say that nobody meant, without any of this; [`measure`] finds what to ask of policies, so that
//! the cost of deciding by them is measured.
//!
//! [`harness`] makes a test of a scenario file: [`check`] and [`assert_scenario!`] are what a policy repository calls;
//! [`World`] and [`Call`] ask the same from Rust, without a file.
//! [`table`] lists who may do what with the keys of a world, and what two versions of it differ in.
//!
//! [`mod@prove`] compares two versions over all calls, [`access`] says who may make one, and [`invariant`] whether one that must
//! never be is.
//!
//! [`coverage`] says which parts of the policies no check exercises, [`mutate`] which faults no check would catch.
//!
//! [`decide`] needs none of these files: each of its lines brings everything along.

pub mod access;
#[cfg(feature = "cedar")]
pub mod cedar;
pub mod change;
pub mod coverage;
pub mod decide;
pub mod diff;
pub mod facts;
pub mod file;
pub mod grants;
pub mod harness;
pub mod invariant;
pub mod judge;
pub mod lint;
pub mod measure;
pub mod mutate;
pub mod oracle;
pub mod placeholders;
pub mod prove;
pub mod question;
pub mod reference;
pub mod render;
pub mod replay;
pub mod report;
pub mod root;
pub mod schema;
pub mod suggest;
pub mod table;
pub mod today;
pub mod world;

pub use harness::check;
pub use world::{Call, World};
