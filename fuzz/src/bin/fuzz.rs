//! The coverage-guided run of one target, named by the variable `PERMITLAB_FUZZ_TARGET`.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use permitlab_fuzz::{Target, target};

fn named() -> &'static Target {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("PERMITLAB_FUZZ_TARGET").unwrap_or_default();
        target(&name).unwrap_or(&permitlab_fuzz::TARGETS[0])
    })
}

fuzz_target!(|input: &[u8]| (named().run)(input));
