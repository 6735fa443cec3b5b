//! What do reading, deciding and explaining cost?
//!
//! Each bench asserts its answers, in every round.

#![expect(clippy::expect_used, reason = "a bench that cannot run is a bug")]

mod bulk;
mod decide;
mod explain;
mod pattern;
mod prove;
mod read;
mod world;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

/// Ten samples within a second or so: the workloads differ by orders of magnitude, and the spread is printed.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = speed;
    config = short();
    targets = read::parse, read::compile, decide::warm, decide::cold, explain::explain, bulk::bulk, world::world,
        pattern::longest, prove::prove
}
criterion_main!(speed);
