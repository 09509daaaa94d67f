//! A relay on what its caller brings: no file, no thread, and a crash at any moment.

use enlace_relay::storage::MemoryDisk;

use crate::support::{Device, Network, RelayPlace, TestChannel, soon};

#[tokio::test]
async fn what_was_accepted_outlives_a_relay_that_is_killed() {
    let network = Network::new(&["a.example"]);
    let (place, disk) = (RelayPlace::new(&network, 0), MemoryDisk::default());
    let mut relay = place.start_in_memory(&network, &disk).await;
    let mut ana = Device::new(&network, 0, "ana");
    let mut connection = ana.connect(&relay.target).await;
    let mut channel = TestChannel::new(1, &network.authorities[0].domain);
    channel.create(&mut ana, &connection, &[]).await;
    let mut last = 0;
    for _ in 0..3 {
        let accepted = channel.post(&mut ana, &connection).await;
        assert!(accepted.seq > last, "the fence is known, and the log goes on");
        last = accepted.seq;
        soon(relay.kill()).await;
        soon(connection.closed()).await;
        relay = place.start_in_memory(&network, &disk).await;
        connection = ana.connect(&relay.target).await;
    }
}

#[tokio::test]
async fn a_relay_in_memory_stops_in_good_order_too() {
    let network = Network::new(&["a.example"]);
    let (place, disk) = (RelayPlace::new(&network, 0), MemoryDisk::default());
    let relay = place.start_in_memory(&network, &disk).await;
    assert!(disk.open().is_err(), "one process at a time");
    relay.stop().await;
    disk.open().unwrap();
}
