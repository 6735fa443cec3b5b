//! Evaluates IAM and KMS policies the way AWS does: offline, deterministic, with reasons that point at the line.
//!
//! The engine is pure: it reads no files, clock, environment or randomness. A caller hands it text and facts,
//! and gets values back: diagnostics, decisions, explanations.

pub mod account;
pub mod action;
pub mod arn;
pub mod catalog;
pub mod condition;
pub mod context;
pub mod diagnostic;
pub mod glob;
pub mod json;
pub mod policy;
pub mod principal;
pub mod request;
pub mod source;
pub mod truth;
