//! A relay that dies without a word and comes back: its peers hear of it at once.

use std::net::SocketAddr;
use std::sync::Arc;

use enlace_transport::{Expected, Lost, Target, watch};
use tokio::net::UdpSocket;

use crate::support::{Authority, DAY, Device, Relay, TestClock, loopback, soon, trust};

/// Passes packets between one device and the relay that is alive.
struct Wire {
    target: Target,
    alive: watch::Sender<SocketAddr>,
}

impl Wire {
    async fn to(relay: &Relay) -> Self {
        let near = Arc::new(UdpSocket::bind(loopback()).await.unwrap());
        let far = Arc::new(UdpSocket::bind(loopback()).await.unwrap());
        let (alive, seen) = watch::channel(address(relay));
        let mut target = relay.target.clone();
        target.addresses = vec![("127.0.0.1".into(), near.local_addr().unwrap().port())];
        tokio::spawn(pass(near, far, seen));
        Self { target, alive }
    }

    /// From now on the packets go to that relay, and nothing comes from the other any more.
    fn lead_to(&self, relay: &Relay) {
        self.alive.send_replace(address(relay));
    }
}

fn address(relay: &Relay) -> SocketAddr {
    relay.endpoint.local_address().unwrap()
}

async fn pass(near: Arc<UdpSocket>, far: Arc<UdpSocket>, alive: watch::Receiver<SocketAddr>) {
    let mut device = None;
    let (mut there, mut back) = ([0; 65_536], [0; 65_536]);
    loop {
        tokio::select! {
            Ok((length, from)) = near.recv_from(&mut there) => {
                device = Some(from);
                let relay = *alive.borrow();
                far.send_to(&there[..length], relay).await.unwrap();
            }
            Ok((length, from)) = far.recv_from(&mut back) => {
                let relay = *alive.borrow();
                if let Some(device) = device.filter(|_| from == relay) {
                    near.send_to(&back[..length], device).await.unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_peer_of_a_restarted_relay_learns_of_it_with_its_next_packet() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let credential = a.relay("r1");
    let relay = || Relay::start_as(&credential, Expected::Relay(a.relay_name("r1")), &all);
    let before = relay();
    let wire = Wire::to(&before).await;
    let device = Device::new(&a.device("laptop", DAY), &all);
    let connection = device.connected(&wire.target).await;

    wire.lead_to(&relay());
    let request = enlace_proto::relay::v1::FetchDirectoryRequest {};
    let call = connection.call(&request, std::time::Duration::from_secs(30));
    assert!(soon(call).await.is_err());
    assert_eq!(soon(connection.closed()).await, Lost::Reset);
    device.connected(&wire.target).await;
}
