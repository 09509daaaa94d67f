//! libFuzzer's program for the target of this name.
#![no_main]

use enlace_fuzz_targets::decoders::suspensions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    suspensions::run(data);
});
