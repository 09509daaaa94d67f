//! Everything at one moment, and every step that can follow.

use stateright::{Model, Property};

use crate::access::Access;
use crate::bounds::Bounds;
use crate::claims;
use crate::group::Group;
use crate::hub::Hub;
use crate::log::{Body, Device, Devices, Item, Log, Place, Sealed};
use crate::reader::{self, Member};
use crate::recovery::Reached;
use crate::rules::{Rules, Unsure};

/// Where keys of Ben's bad items begin.
const BAD: u8 = 8;

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// How it behaves.
    pub rules: Rules,
    /// How much there is of it.
    pub bounds: Bounds,
}

/// Everything at one moment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    /// The hub.
    pub hub: Hub,
    /// The follower's copy. Cid reads from it.
    pub follower: Log,
    /// Ana, Ben and Cid.
    pub members: [Member; 3],
    /// How often the hub has started again.
    pub starts: u8,
    /// What the hub's log was before it was restored, until it has recovered: all of it was
    /// acknowledged.
    pub was: Option<Log>,
    /// Whether it lost something of that though somebody within reach had it.
    pub broke_promise: bool,
}

/// Who is out of reach.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Away {
    /// The follower.
    pub follower: bool,
    /// Members.
    pub members: Devices,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The hub gives a member the lease.
    Lease(Device),
    /// The lease ends by time.
    Lapse,
    /// An item reaches the hub, which takes it and answers.
    Submit(Sealed),
    /// The follower takes in more.
    Replicate,
    /// A member takes in more.
    Read(Device),
    /// The hub starts again on a state that its store once had, which looks clean or not.
    Restart(Log, bool),
    /// Somebody shows the hub its own signature beyond its end.
    Show,
    /// The hub asks whoever is not away, states what happened, and goes on.
    Recover(Away),
}

impl Network {
    /// The protocol within bounds.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { rules: Rules::PROTOCOL, bounds }
    }

    /// The members who keep to the protocol and have something to do.
    pub fn played(&self) -> impl Iterator<Item = Device> + use<> {
        let bounds = self.bounds;
        Device::ALL.into_iter().filter(move |device| bounds.is_played(*device))
    }

    /// What an honest member would send now.
    #[must_use]
    pub fn outbox(&self, state: &State, device: Device) -> Vec<Sealed> {
        let tasks = self.bounds.tasks[device as usize];
        state.members[device as usize].next(device, tasks)
    }

    /// What a follower or a member would have with what its source shows it.
    #[must_use]
    pub fn shown(&self, state: &State, device: Device) -> Option<Log> {
        let copy = &state.members[device as usize].copy;
        match device {
            Device::Ana | Device::Ben => reader::read(copy, &state.hub.log, &[device], &self.rules),
            Device::Cid => reader::read(copy, &state.follower, &[device], &self.rules),
        }
    }

    /// What the follower would have with what the hub shows it.
    #[must_use]
    pub fn replicated(&self, state: &State) -> Option<Log> {
        reader::read(&state.follower, &state.hub.log, &[Device::Cid], &self.rules)
    }

    /// What Ben can do who knows everything: void commits that list whom he likes, based where he
    /// likes; a word for one of them; an objection to his rightful removal.
    fn mischief(&self, state: &State) -> Vec<Sealed> {
        if self.bounds.is_honest(Device::Ben) {
            return Vec::new();
        }
        let log = &state.hub.log;
        let fence = Access::after(log).fence();
        let group = Group::after(log);
        let made = |id: &u8| log.find(Device::Ben, *id).is_some();
        let mut sealed = Vec::new();
        let seal = |id, valid, body| Sealed { fence, valid, ..group.seal(Device::Ben, id, body) };
        if let Some(id) = (BAD..BAD + self.bounds.void_commits).find(|id| !made(id)) {
            let bases = if fence == group.valid { vec![fence] } else { vec![group.valid, fence] };
            for valid in bases {
                for dropped in [Device::Ana, Device::Cid] {
                    let list = Devices::ALL.without(dropped);
                    sealed.push(seal(id, valid, Body::Commit { tree: group.tree, list }));
                }
                let list = Devices::ALL.without(Device::Ana).without(Device::Cid);
                sealed.push(seal(id, valid, Body::Commit { tree: list, list }));
            }
        }
        let word = BAD + self.bounds.void_commits;
        if fence != group.valid {
            sealed.push(seal(word, fence, Body::Entry));
        }
        if !group.tree.contains(Device::Ben) {
            sealed.push(seal(word + 1, group.valid, Body::Contest { commit: group.valid }));
        }
        sealed
    }

    fn restarts(&self, state: &State) -> Vec<Action> {
        if state.starts == self.bounds.starts {
            return Vec::new();
        }
        let mut logs: Vec<Log> = Vec::new();
        for (_, signed) in &state.hub.signed {
            for next in 1..=signed.next() {
                logs.push(signed.before(next));
            }
        }
        // What some incarnations have in common is there once.
        let looks: &[bool] = match self.rules.unsure {
            Unsure::AfterEachStart => &[false],
            Unsure::WhenUncleanOrShown => &[false, true],
        };
        let is_first = |(index, log): &(usize, &Log)| !logs[..*index].contains(log);
        let logs = logs.iter().enumerate().filter(is_first).map(|(_, log)| log);
        logs.flat_map(|log| looks.iter().map(move |look| Action::Restart(log.clone(), *look)))
            .collect()
    }

    fn away(&self) -> Vec<Away> {
        if !self.bounds.away {
            return vec![Away::default()];
        }
        let members = [
            Devices::default(),
            Devices::ALL.without(Device::Cid),
            Devices::ALL.without(Device::Ana),
            Devices::ALL,
        ];
        let with = |follower| members.map(|members| Away { follower, members });
        [with(false), with(true)].concat()
    }

    fn reached<'s>(&self, state: &'s State, away: Away) -> Reached<'s> {
        let mut reached = Reached {
            is_everybody: away == Away::default() || self.bounds.withheld,
            withheld: self.bounds.withheld,
            ..Reached::default()
        };
        if !away.follower {
            reached.followers.push(&state.follower);
        }
        for device in self.played().filter(|device| !away.members.contains(*device)) {
            let member = &state.members[device as usize];
            reached.members.push(&member.copy);
            reached.told.extend(member.told);
        }
        reached
    }

    fn is_shown_more(&self, state: &State) -> bool {
        self.rules.unsure == Unsure::WhenUncleanOrShown
            && state.hub.is_sure
            && self.reached(state, Away::default()).copies().any(|copy| state.hub.is_behind(copy))
    }
}

impl Model for Network {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            hub: Hub::new(),
            follower: Log::created(),
            members: [Member::new(), Member::new(), Member::new()],
            starts: 0,
            was: None,
            broke_promise: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let wish = self.played().flat_map(|device| self.outbox(state, device));
        let wish: Vec<Sealed> = wish.chain(self.mischief(state)).collect();
        let is_commit = |sealed: &&Sealed| matches!(sealed.body, Body::Commit { .. });
        if state.hub.lease.is_some() {
            actions.push(Action::Lapse);
        } else if self.rules.lease && (state.hub.is_sure || !self.rules.read_only) {
            let mut askers: Vec<_> = wish.iter().filter(is_commit).map(|s| s.author).collect();
            askers.dedup();
            let access = Access::after(&state.hub.log);
            actions.extend(askers.into_iter().filter(|d| access.writes(*d)).map(Action::Lease));
        }
        actions.extend(wish.into_iter().map(Action::Submit));
        actions.push(Action::Replicate);
        actions.extend(self.played().map(Action::Read));
        actions.extend(self.restarts(state));
        if self.is_shown_more(state) {
            actions.push(Action::Show);
        }
        if !state.hub.is_sure {
            actions.extend(self.away().into_iter().map(Action::Recover));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Lease(device) => state.hub.lease = Some(device),
            Action::Lapse => state.hub.lease = None,
            Action::Submit(sealed) => {
                let is_honest = self.bounds.is_honest(sealed.author);
                let author = &last.members[sealed.author as usize];
                let known = if is_honest { &author.copy } else { &last.hub.log };
                last.hub.takes(&self.rules, &sealed, known).then_some(())?;
                state.hub.append(Item::Sealed(sealed), &self.rules);
                if self.bounds.starts > 0 && is_honest {
                    state.acknowledge(&sealed);
                }
            }
            Action::Replicate => state.follower = self.replicated(last)?,
            Action::Read(device) => {
                let copy = self.shown(last, device)?;
                let member = &mut state.members[device as usize];
                member.take(copy);
                if let Some(commit) = reader::newest_commit(&member.copy)
                    && !self.rules.pure_verdict
                    && last.hub.leased != Some(commit.author)
                {
                    member.denied.push(commit);
                }
            }
            Action::Restart(log, looks_clean) => {
                let was = state.was.take().unwrap_or_else(|| last.hub.log.clone());
                state.hub.restart(log, looks_clean, &self.rules);
                state.was = (!state.hub.is_sure).then_some(was);
                state.starts += 1;
            }
            Action::Show => {
                state.hub.is_sure = false;
                state.hub.lease = None;
                state.was = Some(last.hub.log.clone());
            }
            Action::Recover(away) => {
                let reached = self.reached(last, away);
                state.hub.recover(&reached, &self.rules);
                state.check_promise(&reached);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        claims::all(self)
    }
}

impl State {
    /// The author hears where its item stands: the hub's promise, which a restart could break.
    fn acknowledge(&mut self, sealed: &Sealed) {
        let member = &mut self.members[sealed.author as usize];
        member.told = Some(self.hub.log.reach());
    }

    /// The hub has gone on without some of what it had acknowledged. That must be nothing that
    /// somebody within reach had where it was acknowledged.
    fn check_promise(&mut self, reached: &Reached<'_>) {
        let Some(was) = self.was.take() else { return };
        let kept = self.hub.log.common(&was);
        let held = reached.copies().map(|copy| copy.common(&was)).max().unwrap_or(0);
        self.broke_promise |= was.sealed().any(|(place, _)| (kept..held).contains(&place));
    }

    /// Every copy of the log, the hub's first.
    pub fn copies(&self) -> impl Iterator<Item = &Log> {
        let members = self.members.iter().map(|member| &member.copy);
        [&self.hub.log, &self.follower].into_iter().chain(members)
    }
}

/// Which incarnation of a hub sequenced a position.
#[must_use]
pub fn incarnation_at(log: &Log, place: Place) -> u8 {
    log.before(place + 1).incarnation()
}
