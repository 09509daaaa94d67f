//! A modified client whose items don't fit together: what a hub can see it refuses, and what it
//! can't see every member refuses alike, naming the author. Nothing of it is shown as said.

use enlace_channel::channel::{Channel, Command};
use enlace_channel::entry::{EntryKind, SignedEntry};
use enlace_client::notice::Notice;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, ClientId, Commitment, DeviceList, Envelope, Seq};
use enlace_proto::relay::v1::{ErrorCode, ListChange, SubmitRequest, Welcome};
use enlace_test_rogue::{Rogue as Hand, in_another_envelope};
use enlace_tests::rogue::random;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue};
use enlace_transport::Connection;

const LIE: &str = "nobody must read this as said";

struct Scene {
    case: Case,
    rogue: Rogue,
    hub: Connection,
}

impl Scene {
    async fn new() -> Self {
        let case = Case::with_four().await;
        let rogue = Rogue::of(&case.network, &case.officers[BEN]).await;
        let hub = rogue.connect(&case.target(0)).await;
        Self { case, rogue, hub }
    }

    fn device(&self, who: usize) -> DeviceName {
        self.case.officers[who].device().clone()
    }

    /// Everybody refuses the item at `seq`, and nobody shows it.
    async fn assert_refused(&self, seq: Seq, by_relays_word: bool, what: &str) {
        let ben = self.device(BEN);
        for who in [ANA, CID, DORA] {
            let officer = &self.case.officers[who];
            officer
                .is_told(self.case.channel, what, |row| match &row.notice {
                    Notice::Unreadable { author, .. } if row.seq == Some(seq) => {
                        assert_eq!(author.device, ben, "{what}");
                        assert_eq!(author.by_relays_word, by_relays_word, "{what}");
                        Some(())
                    }
                    _ => None,
                })
                .await;
            assert!(!officer.texts(self.case.channel).iter().any(|text| text == LIE), "{what}");
        }
    }

    /// The hub refuses a request, and nothing has changed.
    async fn refuses(&self, request: &SubmitRequest, code: ErrorCode, what: &str) {
        let before = self.next();
        let refusal = Rogue::submit(&self.hub, request).await.unwrap_err();
        assert_eq!(refusal.code, code, "{what}: {refusal}");
        assert_eq!(self.next(), before, "{what}");
    }

    fn next(&self) -> Seq {
        self.case.officers[ANA].client().show(self.case.channel).unwrap().unwrap().next
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_does_not_fit_is_refused_by_all_and_its_author_named() {
    let mut scene = Scene::new().await;
    let channel = scene.case.channel;
    let (ana, ben) = (scene.device(ANA), scene.device(BEN));
    let honest = |entry: &SignedEntry| entry.header().client_id;
    let another = |_: &SignedEntry| ClientId(random());
    type Id = fn(&SignedEntry) -> ClientId;
    let lies: [(&str, &DeviceName, ChannelId, Id); 3] = [
        ("another author", &ana, channel, honest),
        ("another channel", &ben, ChannelId([7; 32]), honest),
        ("another client id", &ben, channel, another),
    ];
    for (what, author, of, id) in lies {
        let lie = |rogue: &Hand, channel: &Channel| rogue.sign_note_as(channel, LIE, author, of);
        let entry = scene.rogue.read(channel, lie);
        let id = id(&entry);
        let outgoing = scene.rogue.act(channel, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
        let seq = Rogue::submit(&scene.hub, &outgoing.request).await.unwrap();
        scene.assert_refused(seq, false, what).await;
    }
    scene.case.assert_healthy().await;
}

/// Ben says that the hub signed what it never did: his word is read, and he is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_quoted_head_that_the_hub_never_signed_accuses_its_quoter_alone() {
    let mut scene = Scene::new().await;
    let channel = scene.case.channel;
    let entry = scene.rogue.read(channel, |rogue, channel| {
        rogue.sign_note_quoting(channel, "the hub lies", rogue.false_quote(channel))
    });
    let id = entry.header().client_id;
    let outgoing = scene.rogue.act(channel, |c, ctx| c.seal_entry(ctx, &entry, id)).unwrap();
    let seq = Rogue::submit(&scene.hub, &outgoing.request).await.unwrap();
    let ben = scene.device(BEN);
    for who in [ANA, CID, DORA] {
        let officer = &scene.case.officers[who];
        officer
            .is_told(channel, "a false quote", |row| match &row.notice {
                Notice::FalseQuote { by } => (row.seq == Some(seq) && *by == ben).then_some(()),
                _ => None,
            })
            .await;
        officer.reads(channel, "the hub lies").await;
        let is_alarm = |notice: &Notice| matches!(notice, Notice::Fork(_));
        assert!(!officer.notices(channel).iter().any(is_alarm));
    }
    scene.case.assert_healthy().await;
}

/// Ben's program is newer than the others': they keep what they can't show, and say so.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_an_unknown_kind_is_kept_and_shown_as_such() {
    const KIND: u64 = 1_000;
    let mut scene = Scene::new().await;
    let channel = scene.case.channel;
    let entry = scene.rogue.read(channel, |rogue, channel| {
        rogue.sign_as(channel, EntryKind::from_code(KIND), "of a later version", None)
    });
    let id = entry.header().client_id;
    let outgoing = scene.rogue.act(channel, |c, ctx| c.dangerous_seal_entry(ctx, &entry, id));
    let seq = Rogue::submit(&scene.hub, &outgoing.unwrap().request).await.unwrap();
    for who in [ANA, CID, DORA] {
        let officer = &scene.case.officers[who];
        officer
            .is_told(channel, "that a newer version is needed", |row| {
                let newer = row.notice == Notice::NeedsNewerVersion;
                (newer && row.seq == Some(seq)).then_some(())
            })
            .await;
        let shown = officer.client().read(channel, seq, 1).unwrap().pop().unwrap();
        assert_eq!((shown.kind, shown.is_supported), (KIND, false));
        assert_eq!((shown.author, shown.client_id), (scene.device(BEN), id));
    }
    scene.case.assert_healthy().await;
}

/// The envelope is not what was encrypted: nobody can tell the author's doing from the relay's.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_in_another_envelope_is_refused_by_all() {
    let mut scene = Scene::new().await;
    let channel = scene.case.channel;
    let commitment = scene.rogue.build_note(channel, LIE);
    let commitment = in_another_envelope(&commitment, |envelope| {
        envelope.commitment = Commitment(random());
    });
    let counter = scene.rogue.build_note(channel, LIE);
    let counter = in_another_envelope(&counter, |envelope| envelope.submit_counter.0 += 1);
    // Dora's words under Ben's name.
    let mut doras = Rogue::of(&scene.case.network, &scene.case.officers[DORA]).await;
    let stolen = doras.build_note(channel, LIE);
    let ben = scene.device(BEN);
    let stolen = in_another_envelope(&stolen, |envelope| envelope.author = ben.into());
    for (what, request) in
        [("another commitment", commitment), ("another counter", counter), ("stolen", stolen)]
    {
        let seq = Rogue::submit(&scene.hub, &request).await.unwrap();
        scene.assert_refused(seq, true, what).await;
    }
    scene.case.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_can_see_is_refused_and_changes_nothing() {
    let mut scene = Scene::new().await;
    let channel = scene.case.channel;
    let note = scene.rogue.build_note(channel, LIE);
    let ana = scene.device(ANA);
    let as_ana = in_another_envelope(&note, |envelope| envelope.author = ana.into());
    scene.refuses(&as_ana, ErrorCode::NotAllowed, "in another's name").await;
    let mut hash = note.request.clone();
    hash.envelope.as_mut().unwrap().payload_hash = note.envelope.payload_hash.0.to_vec().into();
    scene.refuses(&hash, ErrorCode::BadEnvelope, "the hash of a payload that is there").await;

    let commit = scene.rogue.build_commit(channel, &Command::SelfUpdate, None).unwrap();
    scene.refuses(&commit.request, ErrorCode::LeaseMissing, "a commit without a lease").await;
    scene.rogue.lease(&scene.hub, channel).await.unwrap();
    let mut payload = commit.request.clone();
    payload.payload = b"something else".to_vec().into();
    scene.refuses(&payload, ErrorCode::BadEnvelope, "another payload").await;
    let mut signature = commit.request.clone();
    signature.outer_signature[3] ^= 1;
    scene.refuses(&signature, ErrorCode::BadEnvelope, "another signature").await;
    let mut list = commit.request.clone();
    let removed = vec![scene.device(DORA).to_string()];
    list.list_change = Some(ListChange { added: Vec::new(), removed });
    scene.refuses(&list, ErrorCode::BadEnvelope, "another list").await;
    let mut welcome = commit.request.clone();
    let devices = vec![scene.device(DORA).to_string()];
    welcome.welcomes.push(Welcome { devices, message: vec![1].into(), bundle: Vec::new() });
    scene.refuses(&welcome, ErrorCode::BadEnvelope, "a welcome too many").await;
    let mut certificates = commit.request.clone();
    let other = scene.case.network.authorities[0].device("ana").1;
    certificates.certificates = other.chain.ders();
    scene.refuses(&certificates, ErrorCode::BadEnvelope, "another's certificate").await;
    let others: DeviceList = [ANA, CID, DORA].iter().map(|who| scene.device(*who)).collect();
    let envelope = Envelope { list_hash: others.hash(), ..commit.envelope.clone() };
    let removed = vec![scene.device(BEN).to_string()];
    let gone = SubmitRequest {
        outer_signature: scene.rogue.sign(&envelope).as_bytes().to_vec(),
        channel: Some(envelope.channel.to_wire()),
        envelope: Some(envelope.to_wire(true)),
        list_change: Some(ListChange { added: Vec::new(), removed }),
        ..commit.request.clone()
    };
    scene.refuses(&gone, ErrorCode::BadEnvelope, "a list without its author").await;

    let seq = Rogue::submit(&scene.hub, &commit.request).await.unwrap();
    let is_there = |client: &enlace_client::Client| {
        (client.show(channel).unwrap().unwrap().fence == Some(seq)).then_some(())
    };
    scene.case.officers[ANA].until("the genuine commit", is_there).await;
    scene.case.assert_healthy().await;
}

/// Whoever was removed has a genuine certificate, and every key of the past.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_neither_reads_nor_writes_at_any_relay() {
    let mut scene = Scene::new().await;
    let channel = scene.case.channel;
    let note = scene.rogue.build_note(channel, LIE);
    let (ana, ben) = (&scene.case.officers[ANA], scene.case.officers[BEN].address());
    let removal = ana.client().remove_member(channel, ben).unwrap();
    let fence = ana.accepted(removal).await.unwrap();
    let other = scene.rogue.connect(&scene.case.target(1)).await;
    for connection in [&scene.hub, &other] {
        for request in [
            note.request.clone(),
            in_another_envelope(&note, |envelope| {
                envelope.fence = Some(fence);
                envelope.last_valid_commit = Some(fence);
            }),
        ] {
            let refusal = Rogue::submit(connection, &request).await.unwrap_err();
            let codes = [ErrorCode::NotAMember, ErrorCode::StaleFence, ErrorCode::NotAllowed];
            assert!(codes.contains(&refusal.code), "{refusal}");
        }
    }
    scene.case.assert_healthy().await;
    let before = scene.case.officers[BEN].texts(channel);
    assert!(!before.iter().any(|text| text == LIE));
}
