//! Each rule holds for those it entitles, and stops those it does not.

mod addresses;
mod closing;
mod consents;
mod devices;
mod evidence;
mod forum;
mod front;
mod leaves;
mod members;
mod moving;
mod policy;
mod put_back;
mod revocation;
mod roles;
mod scene;
mod stand_in;
mod succession;
mod suspension;
mod version;
mod welcome;

use super::Rule;

#[test]
fn every_rule_has_one_name_and_stands_in_the_protocol() {
    let page = include_str!("../../../../docs/PROTOCOL.md");
    let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    for name in &names {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}
