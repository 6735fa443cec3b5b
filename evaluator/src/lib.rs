//! Evaluates IAM and KMS policies the way AWS does: offline, deterministic, with reasons that point at the line.
//!
//! The engine is pure: it reads no files, clock, environment or randomness. A caller hands it text and facts,
//! and gets values back: diagnostics, decisions, explanations.

pub mod account;
pub mod action;
pub mod arn;
pub mod authorize;
pub mod catalog;
#[cfg(feature = "cedar")]
pub mod cedar;
pub mod condition;
pub mod context;
pub mod decision;
pub mod derive;
pub mod diagnostic;
pub mod eval;
pub mod explain;
pub mod gather;
pub mod glob;
pub mod json;
pub mod layer;
pub mod lint;
pub mod policy;
pub mod principal;
pub mod prove;
pub mod request;
pub mod service;
pub mod source;
pub mod truth;
pub mod world;
