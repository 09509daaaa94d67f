//! libFuzzer's program for the target of this name.
#![no_main]

use enlace_fuzz_targets::decoders::client_inbound;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    client_inbound::run(data);
});
