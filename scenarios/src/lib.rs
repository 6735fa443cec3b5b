//! Worlds, flows, scenario files and the harness that replays them.
