//! Control items: wishes to leave and objections, in clear and signed by their author.

use enlace_identity::names::DeviceName;
use enlace_log::Item;
use enlace_log::Tombstone;
use enlace_log::control::{Contest, Leave, Stranded};

use super::{Refused, unreadable};
use crate::channel::roster::Seat;
use crate::channel::state::{ControlEvidence, Standing};
use crate::channel::{Channel, Context, Event};
use crate::credential::VerifiedDevice;
use crate::mls::validate_key_package;

impl Channel {
    pub(super) fn handle_leave(&mut self, item: &Item, author: &DeviceName) -> Vec<Event> {
        let wish = self.verified_control(item, author).and_then(|(seat, payload)| {
            let leave = Leave::decode(payload).map_err(Refused::signed)?;
            let fits = leave.channel == self.id()
                && leave.generation == self.state.generation()
                && leave.device == *author
                && leave.leaf == seat.leaf_hash;
            if fits { Ok(()) } else { Err(Refused::signed("it does not fit its author")) }
        });
        if let Err(refused) = wish {
            return self.refuse_control(author, refused);
        }
        self.state.leaving.insert(author.to_string(), ControlEvidence::of(item));
        vec![Event::LeaveRequested(author.clone())]
    }

    /// Relays erase what it names; what members hold is theirs to judge.
    pub(super) fn handle_tombstone(&mut self, item: &Item, author: &DeviceName) -> Vec<Event> {
        let tombstone = self.verified_control(item, author).and_then(|(_, payload)| {
            let tombstone = Tombstone::decode(payload).map_err(Refused::signed)?;
            let fits = tombstone.channel == self.id()
                && tombstone.generation == self.state.generation()
                && tombstone.erased.iter().all(|(seq, _)| *seq < item.seq);
            if fits { Ok(tombstone) } else { Err(Refused::signed("it does not fit the channel")) }
        });
        match tombstone {
            Ok(tombstone) => {
                vec![Event::ErasedAtRelays { by: author.clone(), erased: tombstone.erased }]
            }
            Err(refused) => self.refuse_control(author, refused),
        }
    }

    /// Whoever carries it out needs what is in it: so it is checked here, by everybody alike. Who is
    /// stranded cannot tell which group goes on, and asks in each: what is not for this one, by this
    /// leaf, says nothing.
    pub(super) fn handle_stranded(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Vec<Event> {
        if self.is_own_word(ctx, item)
            && item.sealed.payload().is_some_and(|payload| !self.state.knows_request(payload))
        {
            self.state.lose_leaf(item.seq);
        }
        let request = self.verified_control(item, author).and_then(|(seat, payload)| {
            let stranded = Stranded::decode(payload).map_err(Refused::signed)?;
            let fits = stranded.channel == self.id()
                && stranded.device == *author
                && stranded.since < item.seq;
            if !fits {
                return Err(Refused::signed("it does not fit its author"));
            }
            let is_here = stranded.generation == self.state.generation();
            let is_present = match stranded.leaf {
                Some(leaf) => leaf == seat.leaf_hash,
                None => {
                    let good = self.state.last_valid()..=self.state.fence();
                    good.contains(&item.sealed.envelope().fence)
                }
            };
            if !is_here || !is_present {
                return Ok(None);
            }
            let suite = self.group.suite();
            let package = validate_key_package(ctx.backend, &stranded.key_package, suite);
            let package = package.map_err(Refused::signed)?;
            // It was put back by this one, and did not know it yet when it asked again.
            if stranded.leaf.is_none() && package.leaf() == seat.leaf_hash {
                return Ok(None);
            }
            let key = package.signature_key();
            let bundle = self.present_bundle(ctx).map_err(Refused::signed)?;
            let device = VerifiedDevice::verify(package.chain(), key, bundle, item.received_at)
                .map_err(Refused::signed)?;
            if device.name() != author || package.leaf() == seat.leaf_hash {
                return Err(Refused::signed("its key package does not put its author back"));
            }
            Ok(Some(stranded))
        });
        match request {
            Ok(None) => Vec::new(),
            Ok(Some(Stranded { device, since, .. })) => {
                self.state.stranded.insert(author.to_string(), ControlEvidence::of(item));
                vec![Event::BackRequested { device, since }]
            }
            Err(refused) => self.refuse_control(author, refused),
        }
    }

    pub(super) fn handle_contest(&mut self, item: &Item, author: &DeviceName) -> Vec<Event> {
        // Whom a next group leaves out cannot judge it, and objects: only relays look at that.
        if self.roster.seat(author).is_none() {
            return Vec::new();
        }
        let contest = self.verified_control(item, author).and_then(|(_, payload)| {
            let contest = Contest::decode(payload).map_err(Refused::signed)?;
            let fits = contest.channel == self.id()
                && contest.generation == self.state.generation()
                && contest.commit < item.seq;
            if fits { Ok(contest) } else { Err(Refused::signed("it does not fit the channel")) }
        });
        match contest {
            Ok(contest) => vec![Event::Contested { by: author.clone(), commit: contest.commit }],
            Err(refused) => self.refuse_control(author, refused),
        }
    }

    /// A stranded device knows members as they were when it could still follow: whoever has another leaf
    /// since then is not to blame.
    fn refuse_control(&self, author: &DeviceName, refused: Refused) -> Vec<Event> {
        if self.state.standing == Standing::Stranded {
            return Vec::new();
        }
        vec![unreadable(author, refused)]
    }

    /// Whether this device has signed the envelope of an item.
    pub(super) fn is_own_word(&self, ctx: &Context<'_>, item: &Item) -> bool {
        let (envelope, bytes) = (item.sealed.envelope(), item.sealed.envelope_bytes());
        envelope.device() == Some(&ctx.device.name)
            && item.sealed.outer_signature().verify(bytes, &ctx.device.key.public())
    }

    /// A control item whose outer signature is a present member's.
    fn verified_control<'i>(
        &self,
        item: &'i Item,
        author: &DeviceName,
    ) -> Result<(Seat, &'i [u8]), Refused> {
        let seat = self.roster.seat(author);
        let seat = seat.ok_or_else(|| Refused::unsigned("no member wrote it"))?;
        let bytes = item.sealed.envelope_bytes();
        if !item.sealed.outer_signature().verify(bytes, &seat.key) {
            return Err(Refused::unsigned("the signature round it is not its author's"));
        }
        let payload = item.sealed.payload();
        let payload = payload.ok_or_else(|| Refused::signed("its content was erased"))?;
        Ok((seat.clone(), payload))
    }
}
