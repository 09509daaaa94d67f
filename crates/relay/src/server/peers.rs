//! Who is connected: how many in all, and how many of each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use enlace_identity::names::LeafName;
use enlace_transport::{CloseCode, Connection};

use crate::config::Limits;

/// The live connections that others opened here.
#[derive(Debug)]
pub(crate) struct Peers {
    limit: usize,
    limit_per_peer: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    connections: HashMap<LeafName, VecDeque<Connection>>,
    count: usize,
}

/// A connection's place in the table; it is given up with this value.
#[derive(Debug)]
pub(crate) struct Place {
    peers: Arc<Peers>,
    connection: Connection,
}

impl Peers {
    /// Nobody is connected.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.connections,
            limit_per_peer: limits.connections_per_peer,
            table: Mutex::default(),
        }
    }

    /// Whether one more may come.
    pub(crate) fn has_room(&self) -> bool {
        self.locked(|table| table.count < self.limit)
    }

    /// Takes a connection in. A peer with too many loses its oldest: of a device that changes
    /// networks, that is the dead one.
    pub(crate) fn enter(self: &Arc<Self>, connection: Connection) -> Place {
        let oldest = self.locked(|table| {
            let own = table.connections.entry(connection.peer().name().clone()).or_default();
            own.push_back(connection.clone());
            table.count += 1;
            (own.len() > self.limit_per_peer).then(|| own.front().cloned()).flatten()
        });
        if let Some(oldest) = oldest {
            oldest.close(CloseCode::Limit);
        }
        Place { peers: self.clone(), connection }
    }

    /// How many are connected.
    pub(crate) fn count(&self) -> usize {
        self.locked(|table| table.count)
    }

    fn locked<R>(&self, act: impl FnOnce(&mut Table) -> R) -> R {
        act(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let id = self.connection.id();
        self.peers.locked(|table| {
            let name = self.connection.peer().name();
            if let Some(own) = table.connections.get_mut(name) {
                let before = own.len();
                own.retain(|connection| connection.id() != id);
                table.count -= before - own.len();
                if own.is_empty() {
                    table.connections.remove(name);
                }
            }
        });
    }
}
