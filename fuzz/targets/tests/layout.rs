//! Each target has its program for the fuzzer.

use std::fs;
use std::path::Path;

use enlace_fuzz_targets::TARGETS;

#[test]
fn each_target_has_its_program() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for target in TARGETS {
        let program = fs::read_to_string(fuzz.join(format!("fuzz_targets/{}.rs", target.name)));
        assert!(program.is_ok_and(|text| text.contains(&format!("{}::run(data)", target.name))));
        assert!(manifest.contains(&format!("name = \"{}\"\n", target.name)), "{}", target.name);
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
