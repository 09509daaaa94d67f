//! A forwarder of UDP datagrams that counts them: what goes over the wire, all protocols in it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Bytes of the IPv4 and UDP headers before each datagram's payload.
const HEADERS: u64 = 20 + 8;
const LARGEST: usize = 65_536;

/// What has passed in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    /// Datagrams.
    pub(crate) datagrams: u64,
    /// Bytes, IP and UDP headers included.
    pub(crate) bytes: u64,
    /// Bytes of the largest datagram's payload.
    pub(crate) largest: u64,
}

/// Stands between clients and one server. It ends with this value.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    passed: Passed,
    _forwarding: JoinSet<()>,
}

type Passed = Arc<Mutex<Both>>;

#[derive(Clone, Copy, Debug, Default)]
struct Both {
    to_server: Traffic,
    to_client: Traffic,
}

impl Proxy {
    /// Forwards to that server.
    pub(crate) async fn start(server: SocketAddr) -> Result<Self> {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let port = socket.local_addr()?.port();
        let passed = Passed::default();
        let mut forwarding = JoinSet::new();
        let own = passed.clone();
        forwarding.spawn(async move {
            // It fails only when the machine has no socket left; then nothing comes any more.
            let _ = forward(&socket, server, &own).await;
        });
        Ok(Self { port, passed, _forwarding: forwarding })
    }

    /// Where clients find it.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What has passed since the last time: to the server, and to the client.
    pub(crate) fn take(&self) -> (Traffic, Traffic) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let Both { to_server, to_client } = std::mem::take(&mut *passed);
        (to_server, to_client)
    }
}

/// Each client gets a socket of its own, so that the server can tell them apart.
async fn forward(socket: &Arc<UdpSocket>, server: SocketAddr, passed: &Passed) -> Result<()> {
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut returning = JoinSet::new();
    let mut buffer = vec![0; LARGEST];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await?;
        note(passed, |passed| &mut passed.to_server, length);
        let own = match clients.get(&client) {
            Some(own) => own.clone(),
            None => {
                let own = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
                own.connect(server).await?;
                returning.spawn(bring_back(own.clone(), socket.clone(), client, passed.clone()));
                clients.insert(client, own.clone());
                own
            }
        };
        // As on any network, a datagram may get lost.
        let _ = own.send(&buffer[..length]).await;
    }
}

async fn bring_back(
    own: Arc<UdpSocket>,
    socket: Arc<UdpSocket>,
    client: SocketAddr,
    passed: Passed,
) {
    let mut buffer = vec![0; LARGEST];
    while let Ok(length) = own.recv(&mut buffer).await {
        note(&passed, |passed| &mut passed.to_client, length);
        // As on any network, a datagram may get lost.
        let _ = socket.send_to(&buffer[..length], client).await;
    }
}

fn note(passed: &Passed, direction: fn(&mut Both) -> &mut Traffic, length: usize) {
    let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
    let traffic = direction(&mut passed);
    traffic.datagrams += 1;
    traffic.bytes += length as u64 + HEADERS;
    traffic.largest = traffic.largest.max(length as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_directions_are_counted() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap()).await.unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        client.connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        let mut buffer = [0; 100];
        for length in [7, 9] {
            client.send(&buffer[..length]).await.unwrap();
            let (got, from) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!(got, length);
            server.send_to(&[1; 50], from).await.unwrap();
            assert_eq!(client.recv(&mut buffer).await.unwrap(), 50);
        }
        let (there, back) = proxy.take();
        assert_eq!((there.datagrams, there.bytes, there.largest), (2, 16 + 56, 9));
        assert_eq!((back.datagrams, back.bytes, back.largest), (2, 100 + 56, 50));
        assert_eq!(proxy.take().0.datagrams, 0);
    }
}
