//! The suspended go and come back by what honest clients seal.

use std::time::Duration;

use enlace_channel::channel::Command;
use enlace_channel::policy::Role;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};

use crate::support::{ANA, Authority, BEN, CID, Case, Member, NOW, channel_id, validity};

const WEEK: Duration = Duration::from_secs(7 * 86_400);

fn duty(of: &Authority) -> (SigningKey, UnverifiedChain) {
    let key = SigningKey::generate();
    let name = format!("d1.duty.{}", of.domain).parse().unwrap();
    let chain = of.issue(name, &key.public(), validity());
    (key, chain)
}

impl Case {
    /// The statement of B's duty officer that suspends those members.
    fn suspending(&self, serial: u64, who: &[usize]) -> Vec<u8> {
        let (key, chain) = duty(&self.network.b);
        let names = who.iter().map(|who| self.members[*who].name().as_str().parse().unwrap());
        let statement = SuspensionStatement {
            domain: self.network.b.domain.clone(),
            serial,
            issued_at: NOW,
            not_after: NOW.plus(WEEK),
            suspended: names.collect(),
        };
        SignedSuspensions::sign(&statement, &key, chain).unwrap().encode()
    }

    /// One of A's members removes those of B.
    pub(crate) fn suspend(&mut self, by: usize, who: &[usize]) {
        let statement = self.suspending(5, who);
        for who in who {
            let device = self.members[*who].name().clone();
            let statement = statement.clone();
            self.commit(by, &Command::RemoveSuspended { device, statement });
        }
    }
}

#[test]
fn a_suspended_stand_in_goes_and_comes_back_as_one() {
    let mut case = Case::with_four();
    case.commit(CID, &Command::SetRole(case.members[CID].officer(), Role::Member));
    case.members.push(Member::new(case.network.b.device("sub")));
    let sub = case.members.len() - 1;
    let officer = case.members[sub].officer();
    let (key, chain) = duty(&case.network.b);
    let not_after = NOW.plus(2 * WEEK);
    let mandate =
        Mandate { channel: channel_id().0, officer: officer.clone(), serial: 1, not_after };
    let mandate = SignedMandate::sign(&mandate, &key, chain).encode();
    let admission = case.admission(sub, Role::Lead);
    case.commit(ANA, &Command::AdmitStandIn { admission, mandate });

    case.suspend(BEN, &[sub]);
    let policy = case.members[ANA].channel().policy();
    assert_eq!(policy.role_of(&officer), None);
    assert_eq!(policy.stand_ins().get(&officer), Some(&not_after));

    let (device, key_package) = (case.members[sub].name().clone(), case.members[sub].key_package());
    let statement = Some(case.suspending(6, &[]));
    case.commit(BEN, &Command::Readmit { device, key_package, statement });
    let policy = case.members[ANA].channel().policy();
    assert_eq!(policy.role_of(&officer), Some(Role::Lead));
    assert_eq!(policy.stand_ins().get(&officer), Some(&not_after));
    case.assert_healthy();
}
