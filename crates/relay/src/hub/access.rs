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
pub struct Access(BTreeMap<DeviceName, Vec<ReadRange>>);

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

    /// What somebody may read: ranges that do not touch, in order.
    #[must_use]
    pub fn ranges(&self, reader: &Reader) -> Vec<ReadRange> {
        match reader {
            Reader::Device(device) => merge(self.0.get(device).cloned().unwrap_or_default()),
            Reader::Relay(domain) => {
                let theirs = self.0.iter().filter(|(device, _)| device.domain() == domain);
                merge(theirs.flat_map(|(_, ranges)| ranges.iter().copied()).collect())
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
        let mut access = Self::default();
        for (device, range) in readers {
            access.0.entry(device).or_default().push(range);
        }
        access
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
            ("a.ana.officer.a.example".parse().unwrap(), range(9, Some(9))),
            ("a.ben.officer.a.example".parse().unwrap(), range(6, Some(8))),
            ("a.cid.officer.a.example".parse().unwrap(), range(20, None)),
            ("a.dora.officer.b.example".parse().unwrap(), range(0, None)),
        ]
        .into_iter()
        .collect();
        let relay = Reader::Relay("a.example".parse().unwrap());
        assert_eq!(access.ranges(&relay), vec![range(3, Some(9)), range(20, None)]);
        let window = |from| access.window(&relay, Seq(from));
        assert_eq!((window(2), window(3)), (Window::Closed, Window::Open(Some(Seq(9)))));
        assert_eq!((window(10), window(30)), (Window::Ended(Seq(9)), Window::Open(None)));
        let ana = Reader::Device("a.ana.officer.a.example".parse().unwrap());
        let window = |from| access.window(&ana, Seq(from));
        assert_eq!((window(3), window(6)), (Window::Open(Some(Seq(5))), Window::Ended(Seq(5))));
        assert_eq!((window(9), window(10)), (Window::Open(Some(Seq(9))), Window::Ended(Seq(9))));
        let eve = Reader::Device("a.eve.officer.a.example".parse().unwrap());
        assert_eq!(access.window(&eve, Seq(0)), Window::Closed);
    }
}
