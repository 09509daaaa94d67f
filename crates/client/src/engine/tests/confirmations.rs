//! Relays' confirmations: which count, and what a false one is shown as.

use enlace_channel::confirmations::Confirmations;
use enlace_channel::consent::Answer;
use enlace_channel::entry::{HandlingCode, NoteDraft, Salt, TimeZone};
use enlace_channel::policy::Role;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::Domain;
use enlace_log::{
    ChannelId, ClientId, ErasureConfirmation, Generation, HeadSigner, PayloadHash, Seq,
    SignedConfirmation,
};

use super::withdrawals::place;
use super::world::World;
use crate::client::{ErasedView, RelayErasureState, erased_of};
use crate::engine::{EngineError, Inquiry, NewNote, NextInquiry, Wish};
use crate::notice::Notice;
use crate::store::OutboxRow;
use crate::task::Task;

const SECRET: &str = "la testigo vive en la calle Ocampo 14";

/// A case in which Ana has withdrawn an entry, the second of two, and had the relays erase it.
struct Scene {
    world: World,
    channel: ChannelId,
    /// Where the entry stands, and the tombstone.
    entry: Seq,
    tombstone: Seq,
    /// An entry that nobody withdrew.
    other: Seq,
}

impl Scene {
    fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// With what happens before she withdraws it.
    fn with(meanwhile: impl FnOnce(&mut World, ChannelId)) -> Self {
        let mut world = World::new();
        let channel = world.case();
        world.post("ana", channel, "sigue en pie");
        world.post("ana", channel, SECRET);
        world.settle();
        let other = place(&mut world, "ana", channel, "sigue en pie");
        let entry = place(&mut world, "ana", channel, SECRET);
        meanwhile(&mut world, channel);
        let why = NewNote {
            text: String::new(),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        };
        world.engine("ana").withdraw(channel, entry, why).unwrap();
        world.settle();
        let rows = world.engine("ana").read(|tx| tx.tombstones(channel)).unwrap();
        let tombstone = rows[0].by_seq;
        Self { world, channel, entry, tombstone, other }
    }

    fn hash_at(&mut self, seq: Seq) -> PayloadHash {
        let channel = self.channel;
        let item = self.world.engine("ana").read(|tx| tx.item(channel, seq)).unwrap().unwrap();
        item.item.sealed.envelope().payload_hash
    }

    /// What an honest relay says, before it is signed.
    fn said(&mut self) -> ErasureConfirmation {
        ErasureConfirmation {
            channel: self.channel,
            tombstone: self.tombstone,
            chain: self.world.hub.chain_at(self.channel, self.tombstone),
            erased: vec![(self.entry, self.hash_at(self.entry))],
            at: enlace_transport::Clock::now(&*self.world.clock),
            signer: HeadSigner([0; 32]),
        }
    }

    fn head_of(&self, authority: &str) -> (SigningKey, UnverifiedChain) {
        let network = &self.world.network;
        let authority = match authority {
            "fge" => &network.fge,
            "mp" => &network.mp,
            _ => &network.ucc,
        };
        (authority.head_key.clone(), authority.head_certificates())
    }

    fn confirmation(&mut self, authority: &str) -> SignedConfirmation {
        let said = self.said();
        sign(said, &self.head_of(authority))
    }

    /// Puts confirmations on the record, whatever they are worth.
    fn record(&mut self, author: &str, confirmations: Vec<SignedConfirmation>) {
        let channel = self.channel;
        let sent = self.world.engine(author).write::<_, EngineError>(|work| {
            let mut confirmations = confirmations;
            let draft = NoteDraft {
                channel,
                generation: Generation(0),
                author: work.me(),
                client_id: ClientId::new(Seq(0), work.random()),
                local_time: work.now(),
                time_zone: TimeZone::utc(),
                handling: HandlingCode::H0,
                restriction: None,
                parent: None,
                known_head: None,
                text: "",
            };
            let client_id = draft.client_id;
            let all = Confirmations::take_from(&mut confirmations);
            let key = &work.ctx.device.key;
            let entry = draft.sign_confirmations(&all, key, || Salt::from_bytes(work.random()));
            let signed = Some(entry.encode());
            work.tx.put_outbox(&OutboxRow {
                signed,
                ..work.new_row(channel, client_id, Task::Entry)
            })?;
            Ok(())
        });
        sent.unwrap();
        self.world.settle();
    }

    fn view(&mut self, name: &str) -> ErasedView {
        let erased = erased_of(self.world.engine(name), self.channel).unwrap();
        let entry = self.entry;
        erased.into_iter().find(|view| view.seq == entry).unwrap()
    }

    /// The authorities whose relays count as having confirmed, and those that were told.
    fn states(&mut self, name: &str) -> (Vec<String>, Vec<String>) {
        let (mut confirmed, mut told) = (Vec::new(), Vec::new());
        for at in self.view(name).at_relays {
            match at.state {
                RelayErasureState::Confirmed { .. } => confirmed.push(at.authority.to_string()),
                RelayErasureState::Told => told.push(at.authority.to_string()),
                other => panic!("{other:?}"),
            }
        }
        (confirmed, told)
    }

    fn false_ones(&mut self, name: &str) -> Vec<(String, String)> {
        let channel = self.channel;
        let notices = self.world.notices(name, channel).into_iter();
        let told = notices.filter_map(|notice| match notice {
            Notice::FalseConfirmation { by, reason } => Some((by.officer().to_string(), reason)),
            _ => None,
        });
        told.collect()
    }
}

fn sign(
    said: ErasureConfirmation,
    (key, chain): &(SigningKey, UnverifiedChain),
) -> SignedConfirmation {
    let signer = HeadSigner(*chain.leaf().fingerprint().as_bytes());
    ErasureConfirmation { signer, ..said }.sign(key, chain.clone())
}

fn both() -> Vec<String> {
    vec!["fge.example".to_owned(), "mp.example".to_owned()]
}

#[test]
fn relays_are_asked_and_what_they_sign_is_on_the_record() {
    let mut scene = Scene::new();
    assert_eq!(scene.states("bruno"), (vec![], both()));
    let NextInquiry::Now(inquiry) = scene.world.engine("ana").next_inquiry().unwrap() else {
        panic!("nobody is asked")
    };
    let asked: Vec<String> = inquiry.authorities.iter().map(ToString::to_string).collect();
    assert_eq!((inquiry.tombstone, asked), (scene.tombstone, both()));
    assert_eq!(scene.world.engine("bruno").next_inquiry().unwrap(), NextInquiry::Nothing);
    // One is out of reach.
    let one = scene.confirmation("fge").encode();
    let fge: Domain = "fge.example".parse().unwrap();
    scene.world.engine("ana").take_confirmations(&inquiry, &[(fge.clone(), one)]).unwrap();
    assert_eq!(scene.states("ana"), (vec!["fge.example".into()], vec!["mp.example".into()]));
    // It is asked again, alone, until it has confirmed.
    assert!(matches!(scene.world.engine("ana").next_inquiry().unwrap(), NextInquiry::At(_)));
    scene.world.clock.advance(std::time::Duration::from_secs(3));
    let NextInquiry::Now(again) = scene.world.engine("ana").next_inquiry().unwrap() else {
        panic!("nobody is asked again")
    };
    let mp: Domain = "mp.example".parse().unwrap();
    assert_eq!(again.authorities, std::slice::from_ref(&mp));
    let other = scene.confirmation("mp").encode();
    scene.world.engine("ana").take_confirmations(&again, &[(mp, other)]).unwrap();
    assert_eq!(scene.world.engine("ana").next_inquiry().unwrap(), NextInquiry::Nothing);
    scene.world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(scene.states(name), (both(), vec![]), "{name}");
        let view = scene.view(name);
        let recorded = view
            .at_relays
            .iter()
            .all(|at| matches!(at.state, RelayErasureState::Confirmed { recorded: Some(_), .. }));
        assert!(recorded, "{name}");
        assert_eq!(scene.false_ones(name), []);
    }
    // It says nothing: nobody reads it as a note.
    let texts = scene.world.texts("bruno", scene.channel);
    assert_eq!(texts.len(), 3, "{texts:?}");
    let channel = scene.channel;
    scene.world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// A device believes its relay no confirmation that is not what it asked for.
#[test]
fn a_relay_answers_for_itself_and_for_what_it_was_asked() {
    let mut scene = Scene::new();
    let NextInquiry::Now(inquiry) = scene.world.engine("ana").next_inquiry().unwrap() else {
        panic!("nobody is asked")
    };
    let (fge, mp): (Domain, Domain) =
        ("fge.example".parse().unwrap(), "mp.example".parse().unwrap());
    let said = scene.said();
    let forged = sign(said, &(SigningKey::generate(), scene.head_of("mp").1));
    let answers = [
        (mp.clone(), scene.confirmation("fge").encode()),
        (mp.clone(), forged.encode()),
        (fge.clone(), b"nothing".to_vec()),
        (fge, Vec::new()),
    ];
    scene.world.engine("ana").take_confirmations(&inquiry, &answers).unwrap();
    assert_eq!(scene.states("ana"), (vec![], both()));
    let stranger = Inquiry { channel: ChannelId([9; 32]), ..inquiry };
    scene.world.engine("ana").take_confirmations(&stranger, &answers).unwrap();
}

#[test]
fn a_false_confirmation_counts_for_nothing_and_names_its_author() {
    let mut scene = Scene::new();
    let good = scene.said();
    let (other, hash) = (scene.other, scene.hash_at(scene.other));
    let head = scene.head_of("mp");
    let elsewhere = scene.world.hub.chain_at(scene.channel, scene.entry);
    let service = SigningKey::generate();
    let relay = scene.world.network.mp.leaf("r1.relay", &service.public());
    let false_ones = vec![
        // Somebody else's signature under the relay's certificate; a relay's own key.
        sign(good.clone(), &(SigningKey::generate(), head.1.clone())),
        sign(good.clone(), &(service, relay)),
        // Of an authority that is not in the channel, and whose relay has no copy.
        sign(good.clone(), &scene.head_of("ucc")),
        // Of another channel, another place, another history; of what nobody had erased; too early.
        sign(ErasureConfirmation { channel: ChannelId([7; 32]), ..good.clone() }, &head),
        sign(ErasureConfirmation { tombstone: scene.entry, ..good.clone() }, &head),
        sign(ErasureConfirmation { chain: elsewhere, ..good.clone() }, &head),
        sign(ErasureConfirmation { erased: vec![(other, hash)], ..good.clone() }, &head),
        sign(
            ErasureConfirmation {
                at: good.at.minus(std::time::Duration::from_secs(3600)),
                ..good.clone()
            },
            &head,
        ),
    ];
    for (number, one) in false_ones.into_iter().enumerate() {
        scene.record("bruno", vec![one]);
        for name in ["ana", "eva"] {
            let told = scene.false_ones(name);
            assert_eq!(told.len(), number + 1, "{name} {number}");
            assert_eq!(told[number].0, "bruno@mp.example");
            assert_eq!(scene.states(name), (vec![], both()), "{name} {number}");
        }
    }
    // Beside a false one a true one counts, whoever brings it; and once, however often it is brought.
    let (fge, mp) = (scene.confirmation("fge"), scene.confirmation("mp"));
    let forged = sign(good, &(SigningKey::generate(), head.1));
    scene.record("bruno", vec![forged, fge.clone(), mp]);
    let before = scene.view("eva");
    assert_eq!(scene.states("eva"), (both(), vec![]));
    scene.record("bruno", vec![fge]);
    assert_eq!(scene.view("eva"), before);
    assert_eq!(scene.false_ones("eva").len(), 9);
    let channel = scene.channel;
    scene.world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// An authority that came in later never had it, and one that is gone is told nothing any more.
#[test]
fn only_who_had_a_copy_is_expected_to_confirm() {
    let mut scene = Scene::new();
    scene.world.enroll("carla", "ucc");
    let (channel, carla) = (scene.channel, scene.world.address("carla"));
    scene.world.wants("ana", channel, Wish::Add(carla, Role::Lead));
    scene.world.answers("bruno", channel, "carla", Answer::Yes);
    assert_eq!(scene.world.policy("ana", channel).authorities().len(), 3);
    assert_eq!(scene.states("ana"), (vec![], both()));
    let false_one = scene.confirmation("ucc");
    scene.record("bruno", vec![false_one]);
    assert_eq!(scene.states("ana"), (vec![], both()));
    assert_eq!(scene.false_ones("ana").len(), 1);
}

/// Whoever came in after the entry can't tell what stood there, and accuses nobody.
#[test]
fn who_came_in_later_takes_no_confirmation_for_a_false_one() {
    let mut scene = Scene::with(|world, channel| {
        world.enroll("gil", "fge");
        let gil = world.address("gil");
        world.wants("ana", channel, Wish::Add(gil, Role::Member));
    });
    let confirmation = scene.confirmation("mp");
    scene.record("bruno", vec![confirmation]);
    assert_eq!(scene.states("ana").0, ["mp.example"]);
    for name in ["ana", "gil"] {
        let false_ones = scene.false_ones(name);
        assert!(false_ones.is_empty(), "{name}: {false_ones:?}");
    }
}
