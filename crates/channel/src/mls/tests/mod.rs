//! Members of a group, each with a store of its own, and what they do to each other.

mod adversary;
mod commits;
mod joining;
mod messages;
mod repeating;
mod void;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use zeroize::Zeroizing;

use super::{
    Backend, Changes, CommitDetails, Group, GroupId, ProcessError, Processed, Provider,
    StagedCommit, Suite, generate_key_package, stage_welcome,
};
use crate::state_store::{MemoryStore, StateStore};

pub(super) const POLICY: &[u8] = b"the first policy";
pub(super) const GROUP: GroupId = GroupId([7; 32]);

/// A device with its key, certificates and store.
pub(super) struct Device {
    pub(super) key: SigningKey,
    pub(super) chain: UnverifiedChain,
    pub(super) store: MemoryStore,
    pub(super) backend: Backend,
}

impl Device {
    pub(super) fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_seed(Zeroizing::new([seed; 32])),
            chain: chain(seed),
            store: MemoryStore::new(),
            backend: Backend::new().unwrap(),
        }
    }

    pub(super) fn provider(&self) -> Provider<'_> {
        self.backend.on(&self.store)
    }

    pub(super) fn create(&self, suite: Suite) -> Group {
        Group::create(&self.provider(), GROUP, &self.key, &self.chain, suite, POLICY).unwrap()
    }

    pub(super) fn key_package(&self, suite: Suite) -> Vec<u8> {
        generate_key_package(&self.provider(), &self.key, &self.chain, suite, false)
            .unwrap()
            .message
    }

    pub(super) fn load(&self) -> Group {
        Group::load(&self.provider(), GROUP).unwrap().unwrap()
    }

    pub(super) fn join(&self, welcome: &[u8]) -> Group {
        let provider = self.provider();
        stage_welcome(&provider, welcome).unwrap().into_group(&provider).unwrap()
    }

    pub(super) fn process(
        &self,
        group: &mut Group,
        message: &[u8],
    ) -> Result<Processed, ProcessError> {
        group.process(&self.provider(), message)
    }

    pub(super) fn stage(&self, group: &mut Group, commit: &[u8]) -> Box<StagedCommit> {
        match self.process(group, commit) {
            Ok(Processed::Commit(staged)) => staged,
            Ok(_) => panic!("not a commit"),
            Err(error) => panic!("{error:?}"),
        }
    }

    pub(super) fn follow(&self, group: &mut Group, commit: &[u8]) -> CommitDetails {
        let staged = self.stage(group, commit);
        let details = staged.details.clone();
        group.merge_staged(&self.provider(), *staged).unwrap();
        details
    }

    pub(super) fn read(&self, group: &mut Group, message: &[u8]) -> Vec<u8> {
        match self.process(group, message) {
            Ok(Processed::Application { plaintext, .. }) => plaintext,
            Ok(_) => panic!("not an entry"),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Processes in a savepoint and, since the message is void, rolls back.
    pub(super) fn refuse(&self, group: &mut Group, message: &[u8]) -> ProcessError {
        self.store.savepoint().unwrap();
        let error = match self.process(group, message) {
            Ok(_) => panic!("accepted"),
            Err(error) => error,
        };
        self.store.rollback().unwrap();
        group.reload(&self.provider()).unwrap();
        error
    }
}

/// Two devices in one group: the second was added by the first.
pub(super) struct Pair {
    pub(super) ana: Device,
    pub(super) ana_group: Group,
    pub(super) rui: Device,
    pub(super) rui_group: Group,
}

impl Pair {
    pub(super) fn new(suite: Suite) -> Self {
        let (ana, rui) = (Device::new(1), Device::new(2));
        let mut ana_group = ana.create(suite);
        let rui_group = add(&ana, &mut ana_group, &rui);
        Self { ana, ana_group, rui, rui_group }
    }

    pub(super) fn assert_agreed(&self) {
        assert_agreed(&[&self.ana_group, &self.rui_group]);
    }
}

/// Three devices in one group.
pub(super) struct Trio {
    pub(super) ana: Device,
    pub(super) ana_group: Group,
    pub(super) rui: Device,
    pub(super) rui_group: Group,
    pub(super) eva: Device,
    pub(super) eva_group: Group,
}

impl Trio {
    pub(super) fn new(suite: Suite) -> Self {
        let Pair { ana, mut ana_group, rui, mut rui_group } = Pair::new(suite);
        let eva = Device::new(3);
        let adds = Changes { add: vec![eva.key_package(suite)], ..Changes::default() };
        let pending = ana_group.commit(&ana.provider(), &ana.key, b"", adds).unwrap();
        ana_group.merge_pending(&ana.provider()).unwrap();
        rui.follow(&mut rui_group, &pending.commit);
        let eva_group = eva.join(&pending.welcome.unwrap());
        Self { ana, ana_group, rui, rui_group, eva, eva_group }
    }

    pub(super) fn assert_agreed(&self) {
        assert_agreed(&[&self.ana_group, &self.rui_group, &self.eva_group]);
    }
}

/// `by` adds `whom`, in a group where nobody else has to follow.
pub(super) fn add(by: &Device, group: &mut Group, whom: &Device) -> Group {
    let adds = Changes { add: vec![whom.key_package(group.suite())], ..Changes::default() };
    let pending = group.commit(&by.provider(), &by.key, b"", adds).unwrap();
    group.merge_pending(&by.provider()).unwrap();
    whom.join(&pending.welcome.unwrap())
}

/// A chain that no authority issued: this module doesn't look inside.
pub(super) fn chain(seed: u8) -> UnverifiedChain {
    UnverifiedChain::from_ders(&[vec![seed; 700], vec![seed ^ 0x80; 600]]).unwrap()
}

pub(super) fn assert_agreed(groups: &[&Group]) {
    let view = groups[0].view().unwrap();
    for group in groups {
        assert_eq!(group.view().unwrap(), view);
        assert_eq!(group.epoch_authenticator(), groups[0].epoch_authenticator());
    }
}
