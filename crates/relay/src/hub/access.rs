//! Which positions of one channel somebody may read, as a snapshot that readers share.

use std::collections::BTreeMap;

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::membership::ReadRange;
use enlace_log::{Membership, Seq};

/// Who reads: the verified identity of a connection.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Reader {
    /// A device, for itself.
    Device(DeviceName),
    /// A relay, for its authority's devices.
    Relay(Domain),
}

/// Every reader of a channel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access(BTreeMap<DeviceName, ReadRange>);

/// What a reader may do at a position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Window {
    /// Read from there on, to the position given or as far as the log goes.
    Open(Option<Seq>),
    /// Nothing more: its last position lies before.
    Ended(Seq),
    /// Nothing.
    Closed,
}

impl Access {
    /// What a channel's membership says.
    #[must_use]
    pub fn of(membership: &Membership) -> Self {
        membership.readers().map(|(device, range)| (device.clone(), range)).collect()
    }

    /// What a device may read; `None` when it never was a member.
    #[must_use]
    pub fn of_device(&self, device: &DeviceName) -> Option<ReadRange> {
        self.0.get(device).copied()
    }

    /// What somebody may read: ranges that do not touch, in order.
    #[must_use]
    pub fn ranges(&self, reader: &Reader) -> Vec<ReadRange> {
        match reader {
            Reader::Device(device) => self.of_device(device).into_iter().collect(),
            Reader::Relay(domain) => {
                let theirs = self.0.iter().filter(|(device, _)| device.domain() == domain);
                merge(theirs.map(|(_, range)| *range).collect())
            }
        }
    }

    pub(crate) fn window(&self, reader: &Reader, from: Seq) -> Window {
        let ranges = self.ranges(reader);
        if let Some(range) = ranges.iter().find(|range| range.contains(from)) {
            return Window::Open(range.to);
        }
        let ended = ranges.iter().filter_map(|range| range.to).filter(|to| *to < from).max();
        ended.map_or(Window::Closed, Window::Ended)
    }
}

impl FromIterator<(DeviceName, ReadRange)> for Access {
    fn from_iter<I: IntoIterator<Item = (DeviceName, ReadRange)>>(readers: I) -> Self {
        Self(readers.into_iter().collect())
    }
}

fn merge(mut ranges: Vec<ReadRange>) -> Vec<ReadRange> {
    ranges.sort_by_key(|range| range.from);
    let mut merged: Vec<ReadRange> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.to.is_none_or(|to| range.from <= to.next()) => {
                last.to = last.to.zip(range.to).map(|(a, b)| a.max(b));
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: u64, to: Option<u64>) -> ReadRange {
        ReadRange { from: Seq(from), to: to.map(Seq) }
    }

    #[test]
    fn a_relay_reads_what_its_devices_may() {
        let access: Access = [
            ("a.ana.officer.a.example".parse().unwrap(), range(3, Some(5))),
            ("a.ben.officer.a.example".parse().unwrap(), range(6, Some(8))),
            ("a.cid.officer.a.example".parse().unwrap(), range(20, None)),
            ("a.dora.officer.b.example".parse().unwrap(), range(0, None)),
        ]
        .into_iter()
        .collect();
        let relay = Reader::Relay("a.example".parse().unwrap());
        assert_eq!(access.ranges(&relay), vec![range(3, Some(8)), range(20, None)]);
        let window = |from| access.window(&relay, Seq(from));
        assert_eq!((window(2), window(3)), (Window::Closed, Window::Open(Some(Seq(8)))));
        assert_eq!((window(9), window(30)), (Window::Ended(Seq(8)), Window::Open(None)));
        let ana = Reader::Device("a.ana.officer.a.example".parse().unwrap());
        assert_eq!(access.window(&ana, Seq(6)), Window::Ended(Seq(5)));
        let eve = Reader::Device("a.eve.officer.a.example".parse().unwrap());
        assert_eq!(access.window(&eve, Seq(0)), Window::Closed);
    }
}
