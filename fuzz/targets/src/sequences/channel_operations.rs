//! A channel of four members and two who come later: whatever they do, and whatever a relay makes
//! of it, in any order.
//!
//! What holds throughout: nothing panics; an item without effect leaves no trace; honest members
//! that handled the same log hold the same epoch, policy and fence, and judge every commit alike.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use enlace_channel::channel::{Command, Culprit, Event, Outgoing, Standing};
use enlace_channel::mls::{Changes, LeafIndex};
use enlace_channel::policy::Role;
use enlace_log::{Envelope, ItemKind, PayloadHash, Sealed, Seq};

use crate::Outcome;
use crate::decoders::mls_messages::assert_no_trace;
use crate::scene::{Group, alter};

/// The most operations of one input.
const MOST: usize = 24;

/// Runs the operations that the input tells.
pub fn run(data: &[u8]) -> Outcome {
    let mut input = Unstructured::new(data);
    let mut world = World::new();
    for _ in 0..MOST {
        if input.is_empty() || world.step(&mut input).is_err() {
            break;
        }
    }
    world.finish()
}

struct World {
    group: Group,
    /// Sealed and not yet ordered, with the place of its author.
    under_way: Vec<(usize, Outgoing)>,
    /// Ordered commits that admit: who comes, and by whom.
    admissions: Vec<(Seq, usize, usize, Outgoing)>,
    /// What the members say of each item that is void.
    verdicts: BTreeMap<Seq, (Culprit, String)>,
    accepted: usize,
}

impl World {
    fn new() -> Self {
        Self {
            group: Group::of_four(),
            under_way: Vec::new(),
            admissions: Vec::new(),
            verdicts: BTreeMap::new(),
            accepted: 0,
        }
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let who = input.int_in_range(0..=self.group.members.len() - 1)?;
        let operation = input.int_in_range(0..=14)?;
        if self.group.members[who].channel.is_none() {
            self.join(who);
            return Ok(());
        }
        match operation {
            0 | 1 => self.note(who),
            2..=4 => self.commit(who, input)?,
            5 => self.leave(who),
            6 => self.order(input, false)?,
            7 => self.order(input, true)?,
            8 => self.lose(input)?,
            9 => self.corrupt(input)?,
            10 => self.rogue(who, input)?,
            11 => self.abandon(who),
            12 => self.group.members[who].restart(),
            13 => self.altered(who, input)?,
            _ => self.deliver(who, input.int_in_range(1..=3)?),
        }
        Ok(())
    }

    fn note(&mut self, who: usize) {
        if let Ok(outgoing) = self.group.members[who].note("what happened") {
            self.under_way.push((who, outgoing));
        }
    }

    fn command(&self, input: &mut Unstructured<'_>) -> arbitrary::Result<(Command, Option<usize>)> {
        let other = input.int_in_range(0..=self.group.members.len() - 1)?;
        let name = self.group.members[other].name().clone();
        let role = *input.choose(&[Role::Member, Role::Lead, Role::Observer, Role::Owner])?;
        Ok(match input.int_in_range(0..=5)? {
            0 | 1 => (Command::SelfUpdate, None),
            2 => {
                let admission = self.group.admission(other, role);
                (Command::Admit(vec![admission]), Some(other))
            }
            3 => (Command::Remove(name.officer().clone()), None),
            4 => (Command::SetRole(name.officer().clone(), role), None),
            _ => (Command::CarryOutLeave(name), None),
        })
    }

    fn commit(&mut self, who: usize, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let (command, admits) = self.command(input)?;
        let Ok(outgoing) = self.group.members[who].commit(&command) else { return Ok(()) };
        if input.ratio(3, 4)? {
            self.accept(who, outgoing, admits);
        } else {
            self.under_way.push((who, outgoing));
        }
        Ok(())
    }

    /// What a modified client commits: not judged before it is sent, with a list of its own.
    fn rogue(&mut self, who: usize, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let (command, admits) = self.command(input)?;
        let other = input.int_in_range(0..=self.group.members.len() - 1)?;
        let skipped = self.group.members[other].name().clone();
        let list = self.group.members[who].channel().devices();
        let list = list.iter().filter(|device| **device != skipped).cloned().collect();
        let claimed = input.arbitrary::<bool>()?.then_some(list);
        let member = &mut self.group.members[who];
        let id = member.client_id();
        let made =
            member.make(|channel, ctx| channel.dangerous_seal_commit(ctx, &command, claimed, id));
        if let Ok(outgoing) = made {
            self.accept(who, outgoing, admits);
        }
        Ok(())
    }

    /// What a modified client commits that rewrites its own changes, as the input tells.
    fn altered(&mut self, who: usize, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let (command, admits) = self.command(input)?;
        let what = input.int_in_range(0..=2)?;
        let script = input.bytes(8)?;
        let member = &mut self.group.members[who];
        let id = member.client_id();
        let policy = member.channel().policy().encode().to_vec();
        let rewrite = |changes: &mut Changes<'_>| match what {
            0 => {
                let policy = changes.policy.take().unwrap_or(policy);
                changes.policy = Some(alter(&policy, script));
            }
            1 => match changes.evidence.first_mut() {
                Some(evidence) => *evidence = alter(evidence, script),
                None => changes.evidence.push(script.to_vec()),
            },
            _ => changes.remove.push(LeafIndex(u32::from(script[0] % 8))),
        };
        let made =
            member.make(|channel, ctx| channel.dangerous_seal_altered(ctx, &command, rewrite, id));
        if let Ok(outgoing) = made {
            self.accept(who, outgoing, admits);
        }
        Ok(())
    }

    fn leave(&mut self, who: usize) {
        let member = &mut self.group.members[who];
        let id = member.client_id();
        if let Ok(outgoing) = member.make(|channel, ctx| channel.seal_leave(ctx, id)) {
            self.under_way.push((who, outgoing));
        }
    }

    /// A transaction that fails at its end: as if nothing had been done.
    fn abandon(&mut self, who: usize) {
        let member = &mut self.group.members[who];
        let before = (member.store.entries(), member.channel().epoch_authenticator());
        let id = member.client_id();
        member.abandon(|channel, ctx| drop(channel.seal_commit(ctx, &Command::SelfUpdate, id)));
        assert!(member.store.entries() == before.0, "an abandoned transaction left something");
        assert!(member.channel().epoch_authenticator() == before.1);
    }

    /// Something that is under way gets its place; `twice` if a relay repeats it.
    fn order(&mut self, input: &mut Unstructured<'_>, twice: bool) -> arbitrary::Result<()> {
        if self.under_way.is_empty() {
            return Ok(());
        }
        let at = input.int_in_range(0..=self.under_way.len() - 1)?;
        let (author, outgoing) = match twice {
            true => self.under_way[at].clone(),
            false => self.under_way.swap_remove(at),
        };
        self.accept(author, outgoing, None);
        Ok(())
    }

    /// The hub refuses what is under way, for good.
    fn lose(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        if self.under_way.is_empty() {
            return Ok(());
        }
        let at = input.int_in_range(0..=self.under_way.len() - 1)?;
        let (author, outgoing) = self.under_way.swap_remove(at);
        if outgoing.envelope.kind == ItemKind::Commit {
            let author = &mut self.group.members[author];
            author.make(|channel, ctx| channel.commit_refused(ctx)).unwrap();
        }
        Ok(())
    }

    /// A relay alters an item, or its author signs something else than it has encrypted.
    fn corrupt(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        if self.under_way.is_empty() {
            return Ok(());
        }
        let at = input.int_in_range(0..=self.under_way.len() - 1)?;
        let (author, outgoing) = self.under_way[at].clone();
        let mut payload = outgoing.request.payload.to_vec();
        let mut envelope: Envelope = outgoing.envelope.clone();
        match input.int_in_range(0..=2)? {
            0 => {
                let last = payload.len() - 1;
                payload[input.int_in_range(0..=last)?] ^= input.int_in_range(1..=255)?;
            }
            1 => {
                let other = input.int_in_range(0..=self.group.members.len() - 1)?;
                envelope.author = self.group.members[other].name().clone().into();
            }
            _ => envelope.submit_counter = envelope.submit_counter.next(),
        }
        envelope.payload_hash = PayloadHash::of(&payload);
        let by_author = input.arbitrary::<bool>()?;
        let signature = envelope.sign(&self.group.members[author].device.key);
        let signature = match (envelope.kind.is_outer_signed(), by_author) {
            (false, _) => &[][..],
            (true, true) => signature.as_bytes(),
            (true, false) => &outgoing.request.outer_signature,
        };
        let change = outgoing.request.list_change.as_ref();
        let bytes = envelope.encode().into();
        if let Ok(sealed) = Sealed::read(bytes, signature, payload.into(), change) {
            self.group.accept_sealed(sealed);
            self.accepted += 1;
        }
        Ok(())
    }

    fn accept(&mut self, author: usize, outgoing: Outgoing, admits: Option<usize>) {
        let seq = self.group.accept(&outgoing);
        self.accepted += 1;
        if let Some(who) = admits {
            self.admissions.push((seq, who, author, outgoing));
        }
    }

    /// A member handles some of what it has not handled yet.
    fn deliver(&mut self, to: usize, count: u64) {
        for _ in 0..count {
            let Some(next) = self.next(to) else { return };
            let member = &mut self.group.members[to];
            let had_pending = member.channel().has_pending_commit();
            let before = (member.store.entries(), member.channel().epoch_authenticator());
            member.events.clear();
            if !self.group.deliver_next(to) {
                return;
            }
            let member = &self.group.members[to];
            let without_effect = member
                .events
                .iter()
                .any(|(_, e)| matches!(e, Event::Void { .. } | Event::Unreadable { .. }));
            if without_effect && !had_pending {
                assert_no_trace(&before.0, &member.store.entries(), next);
                assert!(before.1 == member.channel().epoch_authenticator());
            }
            let events = member.events.clone();
            self.note_verdicts(&events);
        }
    }

    fn next(&self, to: usize) -> Option<Seq> {
        Some(self.group.members[to].channel.as_ref()?.replica().next_seq())
    }

    /// Every member says the same of a void commit.
    fn note_verdicts(&mut self, events: &[(Seq, Event)]) {
        for (seq, event) in events {
            if let Event::Void { author, reason } = event {
                let verdict = (author.clone(), reason.clone());
                let first = self.verdicts.entry(*seq).or_insert_with(|| verdict.clone());
                assert_eq!(first.0, verdict.0, "the item at {seq} is blamed on two");
            }
        }
    }

    /// Whoever was admitted by a commit that took effect joins.
    fn join(&mut self, who: usize) {
        let due = self.admissions.iter().filter(|(_, admitted, ..)| *admitted == who);
        let Some((seq, _, author, outgoing)) = due.last().cloned() else { return };
        while self.next(author).is_some_and(|next| next <= seq) {
            self.deliver(author, 1);
        }
        let author_now = self.group.members[author].channel();
        if author_now.last_valid_commit() != Some(seq) {
            return;
        }
        let offer = self.group.offer(seq, &outgoing, author);
        // Whether a rogue's admission was one, the joiner judges by itself.
        let _ = self.group.members[who].join(&offer);
    }

    /// Everybody gets everything: the honest end in one state.
    fn finish(&mut self) -> Outcome {
        for to in 0..self.group.members.len() {
            while self.next(to).is_some_and(|next| (next.0 as usize) < self.group.items.len()) {
                self.deliver(to, 1);
            }
        }
        let inside = self.group.members.iter().filter(|member| {
            member.channel.as_ref().is_some_and(|channel| {
                matches!(channel.standing(), Standing::Member | Standing::Provisional)
            })
        });
        let states: Vec<_> = inside
            .map(|member| {
                let channel = member.channel();
                let places = (channel.fence(), channel.last_valid_commit());
                (member.name(), channel.epoch_authenticator(), channel.policy().clone(), places)
            })
            .collect();
        for pair in states.windows(2) {
            let same = (pair[0].1 == pair[1].1, pair[0].2 == pair[1].2, pair[0].3 == pair[1].3);
            assert_eq!(same, (true, true, true), "{} and {} differ", pair[0].0, pair[1].0);
        }
        Outcome::when(self.accepted > 0)
    }
}
