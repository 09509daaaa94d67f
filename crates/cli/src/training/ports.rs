//! UDP ports for relays.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};

use crate::failure::Failure;

/// Below the ports that systems give to sockets that name none: nobody gets one of these by chance
/// while its relay is down.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

const ATTEMPTS: usize = 1000;

/// `count` ports of 127.0.0.1 that nobody uses now.
pub(super) fn free_ports(count: usize) -> Result<Vec<u16>, Failure> {
    let mut free = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        let port = FIRST + random()? % COUNT;
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            free.insert(port);
        }
        if free.len() == count {
            return Ok(free.into_iter().collect());
        }
    }
    Err(Failure::new("no UDP port of 127.0.0.1 is free"))
}

fn random() -> Result<u16, Failure> {
    let mut bytes = [0; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(u16::from_ne_bytes(bytes)),
        Err(error) => Err(Failure::new(format!("the system gives no random bytes: {error}"))),
    }
}
