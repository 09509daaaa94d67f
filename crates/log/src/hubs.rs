//! Which hub ordered which part of a log (PROTOCOL.md §6.9).

use std::collections::BTreeMap;

use enlace_identity::names::Domain;

use crate::ids::Seq;

/// The hubs of a channel: the one with which a log, or a copy of it, begins, and each to which it
/// moved, with the position of the statement by which it took over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hubs {
    first: Domain,
    moves: BTreeMap<Seq, Domain>,
}

impl Hubs {
    /// A log that begins at a hub.
    #[must_use]
    pub fn new(first: Domain) -> Self {
        Self { first, moves: BTreeMap::new() }
    }

    /// The one with which it begins.
    #[must_use]
    pub fn first(&self) -> &Domain {
        &self.first
    }

    /// The one that ordered a position.
    #[must_use]
    pub fn at(&self, seq: Seq) -> &Domain {
        self.moves.range(..=seq).next_back().map_or(&self.first, |(_, hub)| hub)
    }

    /// The one that ordered what lies before a position.
    #[must_use]
    pub fn before(&self, seq: Seq) -> &Domain {
        self.moves.range(..seq).next_back().map_or(&self.first, |(_, hub)| hub)
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> &Domain {
        self.moves.values().next_back().unwrap_or(&self.first)
    }

    /// Where it moved last.
    #[must_use]
    pub fn moved_at(&self) -> Option<Seq> {
        self.moves.keys().next_back().copied()
    }

    /// Whether a hub may sign a head at a position: it ordered that, or a later part of the log.
    #[must_use]
    pub fn may_sign(&self, hub: &Domain, seq: Seq) -> bool {
        self.signers(seq).any(|signer| signer == hub)
    }

    /// Whoever may sign a head at a position.
    pub fn signers(&self, seq: Seq) -> impl Iterator<Item = &Domain> {
        let later = self.moves.range(seq.next()..).map(|(_, hub)| hub);
        std::iter::once(self.at(seq)).chain(later)
    }

    /// The log moves to another hub with the item at `seq`.
    pub fn move_to(&mut self, seq: Seq, hub: Domain) {
        self.moves.insert(seq, hub);
    }

    /// Forgets the moves at `from` or later.
    pub fn rewind(&mut self, from: Seq) {
        self.moves.split_off(&from);
    }

    /// Each move, in order.
    pub fn moves(&self) -> impl Iterator<Item = (Seq, &Domain)> {
        self.moves.iter().map(|(seq, hub)| (*seq, hub))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str) -> Domain {
        format!("{name}.example").parse().unwrap()
    }

    #[test]
    fn each_position_is_of_one_hub_and_a_later_one_may_sign_it() {
        let mut hubs = Hubs::new(domain("a"));
        assert_eq!((hubs.at(Seq(9)), hubs.moved_at()), (&domain("a"), None));
        hubs.move_to(Seq(4), domain("b"));
        hubs.move_to(Seq(8), domain("c"));
        let at = |seq| hubs.at(Seq(seq)).as_str().to_owned();
        assert_eq!([at(3), at(4), at(7), at(8)].map(|d| d[..1].to_owned()), ["a", "b", "b", "c"]);
        assert_eq!((hubs.newest(), hubs.moved_at()), (&domain("c"), Some(Seq(8))));
        assert_eq!((hubs.before(Seq(4)), hubs.before(Seq(5))), (&domain("a"), &domain("b")));
        let may = |name, seq| hubs.may_sign(&domain(name), Seq(seq));
        assert!(may("a", 3) && may("b", 3) && may("c", 3));
        assert!(!may("a", 4), "a former hub signs nothing from the next one's statement on");
        assert!(may("b", 7) && !may("b", 8) && may("c", 8) && !may("x", 0));
    }

    #[test]
    fn going_back_restores_the_hub_of_before() {
        let mut hubs = Hubs::new(domain("a"));
        hubs.move_to(Seq(4), domain("b"));
        hubs.move_to(Seq(8), domain("a"));
        assert!(hubs.may_sign(&domain("a"), Seq(5)), "it came back");
        hubs.rewind(Seq(8));
        assert_eq!(hubs.newest(), &domain("b"));
        hubs.rewind(Seq(0));
        assert_eq!((hubs.newest(), hubs.moves().count()), (&domain("a"), 0));
    }
}
