//! What a former build left on disk and sent over the wire, in the hands of this one.

use std::path::Path;

use enlace_log::Item;
use enlace_proto::relay::v1::{
    FetchDirectoryResponse, FetchRangeRequest, FetchRangeResponse, HelloResponse,
};
use enlace_tests::kept::{Kept, TEXTS, range, record};
use enlace_tests::{call, soon};
use prost::Message as _;

fn place() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kept"))
}

/// `cargo xtask record-kept`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it makes the recording anew"]
async fn recording() {
    record(place()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_a_former_build_are_opened_read_and_written_on() {
    let kept = Kept::take(place());
    let channel = kept.channel();
    let mut officers = [kept.officer("ana").await, kept.officer("cid").await];
    for officer in &officers {
        assert_eq!(officer.texts(channel), TEXTS, "{}", officer.address());
        assert!(officer.client().show(channel).unwrap().unwrap().policy.is_closed());
    }
    let relays = [kept.relay("a").await, kept.relay("b").await];

    let (wire, target) = kept.wire_of("ana");
    let dialled = wire.dial(&target).await.unwrap();
    let request = FetchRangeRequest::decode(&kept.message("fetch-range.request")[..]).unwrap();
    assert_eq!(request, range(channel));
    let now = call(&dialled.connection, &request).await.unwrap();
    let then = FetchRangeResponse::decode(&kept.message("fetch-range.response")[..]).unwrap();
    assert_eq!(now.items[..then.items.len()], then.items[..], "the log is the same");
    drop(dialled);

    for officer in &mut officers {
        officer.go_online();
    }
    let [ana, cid] = &officers;
    ana.accepted(ana.client().set_closed(channel, false).unwrap()).await;
    cid.until("the case is open again", |client| {
        let details = client.show(channel).ok().flatten()?;
        (!details.policy.is_closed()).then_some(())
    })
    .await;
    for (author, reader, text) in [(cid, ana, "escrito por la versión nueva"), (ana, cid, "leído")]
    {
        author.accepted(author.post(channel, text)).await;
        reader.reads(channel, text).await;
    }
    for officer in &mut officers {
        officer.go_offline().await;
    }
    for relay in relays {
        soon("the relay stops", relay.stop()).await;
    }
}

#[test]
fn messages_of_a_former_build_are_read_whole() {
    let kept = Kept::take(place());
    let hello = kept.message("hello.response");
    assert_eq!(HelloResponse::decode(&hello[..]).unwrap().encode_to_vec(), hello);
    let directory = kept.message("fetch-directory.response");
    assert_eq!(FetchDirectoryResponse::decode(&directory[..]).unwrap().encode_to_vec(), directory);
    let range = kept.message("fetch-range.response");
    let response = FetchRangeResponse::decode(&range[..]).unwrap();
    assert_eq!(response.encode_to_vec(), range);
    assert!(!response.items.is_empty());
    for item in response.items {
        Item::from_wire(kept.channel(), item).unwrap();
    }
}
