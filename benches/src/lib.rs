//! Large policy sets for the benches.
