//! The work the benches measure, and the one door through which they reach the engine.
//!
//! [`workload`] makes policy sets of any size, as policy JSON, and the call that each is asked; [`organization`] a world
//! of roles and keys; [`lines`] the input of `permitlab decide`. What they make depends on their arguments and on nothing
//! else. [`subject`] alone knows how the engine is called.

pub mod counts;
pub mod lines;
pub mod organization;
mod seeded;
mod services;
pub mod statement;
pub mod subject;
pub mod workload;
