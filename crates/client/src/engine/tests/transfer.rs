//! What passes between two devices of one officer: a relay between them, or a colleague, can put
//! nothing in and take nothing out.

use enlace_channel::transfer::{
    SignedTransferRequest, TransferHeader, TransferKey, TransferRefused,
};
use enlace_identity::chain::LeafUsage;
use enlace_identity::keys::Passphrase;
use enlace_log::{ChannelId, Seq};

use super::world::World;
use crate::engine::{Outgoing, Restored, TransferError};

/// Eva has a phone that is in the case, and missed what was said before.
fn with_phone() -> (World, ChannelId) {
    let mut world = World::new();
    world.enroll_device("phone", "phone", "eva", "fge");
    let channel = world.case();
    world.post("ana", channel, "antes");
    world.settle();
    let phone = world.device("phone");
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    assert!(world.texts("phone", channel).is_empty());
    let lists = world.network.fge.crls(9, None);
    for name in ["eva", "phone"] {
        world.engine(name).take_crls(&lists).unwrap();
    }
    (world, channel)
}

#[test]
fn what_one_device_packs_the_one_that_asked_restores() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    let (parcel, scratch) = (world.dir.path().join("parcel"), world.dir.path().join("scratch"));
    let asking = world.engine("phone").ask_for_history().unwrap();
    let outgoing = world.engine("eva").pack_history(&phone, &asking.request, &parcel).unwrap();
    let header = &outgoing.header;
    let announced = world.engine("phone").verify_history(&asking, header).unwrap();
    assert_eq!(announced.length, std::fs::metadata(&parcel).unwrap().len());
    let restored = world.engine("phone").restore(&parcel, &announced.passphrase, &scratch);
    assert_eq!(restored.unwrap().entries, 1);
    assert_eq!(world.texts("phone", channel), ["antes"]);
    let views = world.engine("phone").entries(channel, Seq(0), 10).unwrap();
    assert!(views[0].restored, "it is shown as what it is");

    // Nobody else opens it, and no other request is answered by it.
    let other = world.engine("phone").ask_for_history().unwrap();
    let refused = world.engine("phone").verify_history(&other, header);
    assert!(matches!(refused, Err(TransferError::Refused(TransferRefused::OtherRequest))));
}

#[test]
fn only_the_device_that_was_sent_a_history_says_that_it_has_it() {
    let (mut world, _) = with_phone();
    let (phone, parcel) = (world.device("phone"), world.dir.path().join("parcel"));
    let asking = world.engine("phone").ask_for_history().unwrap();
    let outgoing = world.engine("eva").pack_history(&phone, &asking.request, &parcel).unwrap();
    let announced = world.engine("phone").verify_history(&asking, &outgoing.header).unwrap();
    let restored = Restored { channels: 1, entries: 2, refused: 3, ..Restored::default() };
    world.enroll_device("thief", "phone", "eva", "fge");
    let receipts = ["phone", "thief", "eva", "ana"]
        .map(|name| world.engine(name).acknowledge_history(&asking, &announced, &restored));
    let [theirs, others @ ..] = receipts;
    let receipt = world.engine("eva").verify_receipt(&outgoing, &theirs).unwrap();
    assert_eq!((receipt.channels, receipt.entries, receipt.refused), (1, 2, 3));
    for other in others {
        let refused = world.engine("eva").verify_receipt(&outgoing, &other).unwrap_err();
        let is_refused = matches!(refused, TransferError::Refused(TransferRefused::Signature));
        assert!(is_refused, "{refused}");
    }
    for at in (0..theirs.len()).step_by(61) {
        let mut altered = theirs.clone();
        altered[at] ^= 1;
        assert!(world.engine("eva").verify_receipt(&outgoing, &altered).is_err(), "{at}");
    }
    // That of an earlier transfer, or of another backup, says nothing of this one.
    for (request, backup) in [([9; 32], outgoing.backup), (outgoing.request, [9; 32])] {
        let other = Outgoing { request, backup, ..copy(&outgoing) };
        let refused = world.engine("eva").verify_receipt(&other, &theirs).unwrap_err();
        assert!(matches!(refused, TransferError::Refused(TransferRefused::OtherRequest)));
    }
}

fn copy(outgoing: &Outgoing) -> Outgoing {
    let Outgoing { header, device, key, request, backup } = outgoing;
    let (header, device) = (header.clone(), device.clone());
    Outgoing { header, device, key: *key, request: *request, backup: *backup }
}

#[test]
fn a_history_goes_only_to_a_device_that_the_officer_has_added() {
    let (mut world, _) = with_phone();
    world.enroll_device("tablet", "tablet", "eva", "fge");
    let parcel = world.dir.path().join("parcel");
    let mut pack = |asks: &str, named: &str| {
        let (named, asking) = (world.device(named), world.engine(asks).ask_for_history().unwrap());
        let refused = world.engine("eva").pack_history(&named, &asking.request, &parcel);
        assert!(!parcel.exists(), "nothing is written");
        refused.err().unwrap()
    };
    assert!(matches!(pack("tablet", "tablet"), TransferError::NotAdded(_)));
    assert!(matches!(pack("ana", "ana"), TransferError::Others(_)));
    assert!(matches!(pack("eva", "eva"), TransferError::Others(_)));
    // A request that is another device's, whatever it names.
    let forged = TransferError::Refused(TransferRefused::Signature);
    assert_eq!(pack("tablet", "phone").to_string(), forged.to_string());
    let ana = world.device("phone");
    let key = TransferKey::generate(&world.engine("ana").backend, &ana).unwrap();
    let (ring, chain) = (world.engine("ana").device.key.clone(), world.chain_of("ana"));
    let signed = key.request().sign(&ring, chain).encode();
    let refused = world.engine("eva").pack_history(&ana, &signed, &parcel).err().unwrap();
    assert_eq!(refused.to_string(), forged.to_string());
}

/// A registrar can issue a second certificate under a name that the officer has added.
#[test]
fn a_second_certificate_of_a_name_gets_no_history() {
    let (mut world, channel) = with_phone();
    world.enroll_device("thief", "phone", "eva", "fge");
    let (phone, parcel) = (world.device("phone"), world.dir.path().join("parcel"));
    let stolen = world.engine("thief").ask_for_history().unwrap().request;
    let refused = world.engine("eva").pack_history(&phone, &stolen, &parcel).err().unwrap();
    assert!(refused.to_string().contains("another key"), "{refused}");
    assert!(!parcel.exists(), "nothing is written");
    // Nor does it where it got into a case of its own with her, as long as her own stands in another.
    world.officers.remove("phone").unwrap();
    let pool = world.hub.pools.get_mut(phone.officer()).unwrap();
    pool.retain(|(device, _)| *device != phone);
    world.publish("thief");
    let theirs = world.case();
    world.settle();
    let is_in = |world: &mut World, id| world.engine("thief").read(|tx| tx.channel(id)).unwrap();
    assert!(is_in(&mut world, theirs).is_some() && is_in(&mut world, channel).is_none());
    let refused = world.engine("eva").pack_history(&phone, &stolen, &parcel).err().unwrap();
    assert!(refused.to_string().contains("another key"), "{refused}");
}

#[test]
fn a_device_that_is_in_no_channel_yet_gets_no_history() {
    let mut world = World::new();
    world.enroll_device("phone", "phone", "eva", "fge");
    let phone = world.device("phone");
    world.engine("eva").add_device(&phone).unwrap();
    let channel = world.create("eva");
    world.settle();
    world.enroll_device("tablet", "tablet", "eva", "fge");
    let tablet = world.device("tablet");
    world.engine("eva").add_device(&tablet).unwrap();
    let lists = world.network.fge.crls(9, None);
    world.engine("eva").take_crls(&lists).unwrap();
    let parcel = world.dir.path().join("parcel");
    let asked = world.engine("tablet").ask_for_history().unwrap().request;
    let refused = world.engine("eva").pack_history(&tablet, &asked, &parcel).err().unwrap();
    assert!(refused.to_string().contains("none of the channels"), "{refused}");
    world.settle();
    assert!(world.engine("eva").pack_history(&tablet, &asked, &parcel).is_ok());
    assert!(world.engine("phone").read(|tx| tx.channel(channel)).unwrap().is_some());
}

#[test]
fn a_revoked_device_gets_no_history_and_is_believed_none() {
    let (mut world, _) = with_phone();
    let (phone, parcel) = (world.device("phone"), world.dir.path().join("parcel"));
    let asking = world.engine("phone").ask_for_history().unwrap();
    let header = world.engine("eva").pack_history(&phone, &asking.request, &parcel).unwrap().header;
    std::fs::remove_file(&parcel).unwrap();
    for (revoked, told) in [("phone", "eva"), ("eva", "phone")] {
        let chain = world.chain_of(revoked);
        let usages = [LeafUsage::Device];
        let leaf = world.engine(told).trust().verify_chain(&chain, &usages).unwrap();
        let lists = world.network.fge.crls(10, Some(leaf.serial()));
        world.engine(told).take_crls(&lists).unwrap();
    }
    let packed = world.engine("eva").pack_history(&phone, &asking.request, &parcel);
    assert!(matches!(packed, Err(TransferError::Untrusted(_))));
    let verified = world.engine("phone").verify_history(&asking, &header);
    assert!(matches!(verified, Err(TransferError::Untrusted(_))));
}

/// As for the device that asks: a certificate names a device, its key alone says which it is.
#[test]
fn a_history_is_taken_only_from_the_key_that_is_in_a_channel() {
    let (mut world, _) = with_phone();
    world.enroll_device("thief", "pc", "eva", "fge");
    world.enroll_device("tablet", "tablet", "eva", "fge");
    world.enroll_device("pad", "pad", "eva", "fge");
    let lists = world.network.fge.crls(9, None);
    world.engine("pad").take_crls(&lists).unwrap();
    let answer_of = |world: &mut World, from: &str, to: &str, length| {
        let asking = world.engine(to).ask_for_history().unwrap();
        let signed = SignedTransferRequest::decode(&asking.request).unwrap();
        let chain = world.chain_of(to);
        let trust = world.engine(to).trust().clone();
        let leaf = trust.verify_chain(&chain, &[LeafUsage::Device]).unwrap();
        let request = signed.verify(&leaf).unwrap();
        let (device, chain) = (world.device(from), world.chain_of(from));
        let sealed = TransferHeader::seal(
            &world.engine(from).backend,
            &request,
            &device,
            (length, [0; 32]),
            &Passphrase::new("mine"),
        );
        let key = world.engine(from).device.key.clone();
        let header = sealed.unwrap().sign(&key, chain).encode();
        world.engine(to).verify_history(&asking, &header).map(drop)
    };
    let answer = |world: &mut World, from: &str, to: &str| answer_of(world, from, to, 9);
    assert!(answer(&mut world, "eva", "phone").is_ok());
    for (length, is_taken) in [(16 << 30, true), ((16 << 30) + 1, false), (u64::MAX, false)] {
        let answered = answer_of(&mut world, "eva", "phone", length);
        assert_eq!(answered.is_ok(), is_taken, "{length}");
    }
    let refused = answer(&mut world, "thief", "phone").unwrap_err();
    assert!(refused.to_string().contains("another key"), "{refused}");
    let refused = answer(&mut world, "tablet", "phone").unwrap_err();
    assert!(refused.to_string().contains("none of the channels"), "{refused}");
    // Where there is no channel yet to say it, the officer does.
    let refused = answer(&mut world, "eva", "pad").unwrap_err();
    assert!(matches!(refused, TransferError::NotAdded(_)), "{refused}");
    let laptop = world.device("eva");
    world.engine("pad").add_device(&laptop).unwrap();
    assert!(answer(&mut world, "eva", "pad").is_ok());
}

#[test]
fn a_history_is_taken_only_from_a_device_of_the_officer() {
    let (mut world, _) = with_phone();
    let asking = world.engine("phone").ask_for_history().unwrap();
    let request = SignedTransferRequest::decode(&asking.request).unwrap();
    let leaf = |world: &mut World, name: &str| {
        let chain = world.chain_of(name);
        let trust = world.engine("phone").trust().clone();
        trust.verify_chain(&chain, &[LeafUsage::Device]).unwrap()
    };
    let phone = leaf(&mut world, "phone");
    let request = request.verify(&phone).unwrap();
    // Ana, whom everything reaches on its way, answers in her own name, and in that of Eva's device.
    let passphrase = Passphrase::new("mine");
    for (named, expected) in [("ana", "somebody else"), ("eva", "signature")] {
        let named = world.device(named);
        let (ring, chain) = (world.engine("ana").device.key.clone(), world.chain_of("ana"));
        let backend = &world.engine("ana").backend;
        let header =
            TransferHeader::seal(backend, &request, &named, (9, [0; 32]), &passphrase).unwrap();
        let header = header.sign(&ring, chain).encode();
        let refused = world.engine("phone").verify_history(&asking, &header);
        let refused = refused.err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    // An altered header, and an altered backup.
    let parcel = world.dir.path().join("parcel");
    let device = world.device("phone");
    let packed = world.engine("eva").pack_history(&device, &asking.request, &parcel);
    let header = packed.unwrap().header;
    for at in (0..header.len()).step_by(97) {
        let mut altered = header.clone();
        altered[at] ^= 1;
        assert!(world.engine("phone").verify_history(&asking, &altered).is_err(), "{at}");
    }
    let announced = world.engine("phone").verify_history(&asking, &header).unwrap();
    let whole = std::fs::read(&parcel).unwrap();
    assert!(announced.check(&parcel).is_ok());
    for at in [5, 2000, whole.len() / 2, whole.len() - 100] {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        std::fs::write(&parcel, altered).unwrap();
        assert!(matches!(announced.check(&parcel), Err(TransferError::Altered)), "{at}");
    }
}
