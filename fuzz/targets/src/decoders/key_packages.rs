//! Key packages, as whoever admits a device reads them.
//!
//! Input: a key package; or, behind a byte 1 to 3, steps that alter a good one: as it travels, or
//! its leaf or all of it before its device signs it. What is good enough to be admitted is.

use std::sync::OnceLock;

use enlace_channel::channel::{Admission, Command, Event};
use enlace_channel::mls::{Suite, validate_key_package};
use enlace_channel::policy::Role;
use enlace_identity::chain::LeafUsage;

use crate::Outcome;
use crate::scene::{Group, NOW, alter, backend, network, signature, vector};

/// Validates a key package for both suites.
pub fn run(data: &[u8]) -> Outcome {
    match data {
        [1, script @ ..] => {
            let altered = alter(genuine(), script);
            let read = validate(&altered);
            assert!(!read || altered == genuine(), "a key package that its device did not sign");
            Outcome::when(read)
        }
        [2, script @ ..] => admit(Package::genuine().with_leaf(script)),
        [3, script @ ..] => admit(Package::genuine().with_all(script)),
        package => Outcome::when(validate(package)),
    }
}

fn validate(package: &[u8]) -> bool {
    let backend = backend("whoever admits");
    let suites = [Suite::PostQuantum, Suite::Classic];
    let read = suites.map(|suite| validate_key_package(&backend, package, suite).ok());
    assert!(read.iter().flatten().count() <= 1, "a key package of two suites");
    let Some(read) = read.into_iter().flatten().next() else { return false };
    assert_eq!(read.message(), package);
    if let Ok(leaf) = network().bundle.verify(read.chain(), NOW, LeafUsage::Device) {
        assert!(network().chains.contains(&leaf.to_unverified()));
    }
    true
}

/// An honest member admits the device if it can: then everybody else finds that it could.
fn admit(package: Vec<u8>) -> Outcome {
    if !validate(&package) {
        return Outcome::Refused;
    }
    let mut group = Group::of_four();
    let officer = group.members[COMES].name().officer().clone();
    let admission = Admission { officer, role: Role::Member, key_package: package };
    let command = Command::Admit(vec![admission]);
    let Ok(commit) = group.members[ADMITS].commit(&command) else { return Outcome::Refused };
    let seq = group.accept(&commit);
    group.deliver();
    let epoch = group.members[ADMITS].channel().epoch_authenticator();
    for member in &group.members[..Group::MEMBERS] {
        let changed =
            |(at, event): &(_, Event)| *at == seq && matches!(event, Event::Changed { .. });
        assert!(member.events.iter().any(changed), "an honest commit is void: {:?}", member.events);
        assert!(member.channel().epoch_authenticator() == epoch, "members differ");
    }
    Outcome::Read
}

/// Who admits, and who is admitted.
const ADMITS: usize = 0;
const COMES: usize = 4;

/// A good one, made once in a process.
pub(crate) fn genuine() -> &'static [u8] {
    static GENUINE: OnceLock<Vec<u8>> = OnceLock::new();
    GENUINE.get_or_init(|| Group::of_four().members[COMES].key_package())
}

/// A key package in its pieces (RFC 9420 §10), without signatures.
struct Package<'a> {
    /// Version and format of the message.
    head: &'a [u8],
    /// Version, suite, initial key.
    before_leaf: &'a [u8],
    leaf: &'a [u8],
    extensions: &'a [u8],
}

impl Package<'static> {
    fn genuine() -> Self {
        Self::of(genuine()).expect("a good key package")
    }
}

impl<'a> Package<'a> {
    fn of(package: &'a [u8]) -> Option<Self> {
        const VERSION_AND_SUITE: usize = 4;
        const CREDENTIAL_TYPE: usize = 2;
        const SOURCE_AND_LIFETIME: usize = 1 + 16;
        let (head, all) = package.split_at_checked(4)?;
        let mut rest = all.get(VERSION_AND_SUITE..)?;
        vector(&mut rest)?;
        let (before_leaf, from_leaf) = all.split_at(all.len() - rest.len());
        let _keys = (vector(&mut rest)?, vector(&mut rest)?);
        rest = rest.get(CREDENTIAL_TYPE..)?;
        let _credential_and_capabilities: Vec<_> =
            (0..6).map(|_| vector(&mut rest)).collect::<Option<_>>()?;
        rest = rest.get(SOURCE_AND_LIFETIME..)?;
        vector(&mut rest)?;
        let leaf = &from_leaf[..from_leaf.len() - rest.len()];
        vector(&mut rest)?;
        let from_extensions = rest;
        vector(&mut rest)?;
        let extensions = &from_extensions[..from_extensions.len() - rest.len()];
        Some(Self { head, before_leaf, leaf, extensions })
    }

    fn with_leaf(&self, script: &[u8]) -> Vec<u8> {
        self.sign(
            &[self.before_leaf, &sign_leaf(&alter(self.leaf, script)), self.extensions].concat(),
        )
    }

    fn with_all(&self, script: &[u8]) -> Vec<u8> {
        let all = [self.before_leaf, &sign_leaf(self.leaf), self.extensions].concat();
        self.sign(&alter(&all, script))
    }

    fn sign(&self, all: &[u8]) -> Vec<u8> {
        let key = network().a.device("eva").key;
        [self.head, all, &signature(&key, "MLS 1.0 KeyPackageTBS", all)].concat()
    }
}

fn sign_leaf(leaf: &[u8]) -> Vec<u8> {
    let key = network().a.device("eva").key;
    [leaf, &signature(&key, "MLS 1.0 LeafNodeTBS", leaf)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_signed_again_is_the_same() {
        assert_eq!(Package::genuine().with_leaf(&[]), genuine());
        assert_eq!(Package::genuine().with_all(&[]), genuine());
    }
}
