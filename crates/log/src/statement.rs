//! What a hub states of itself when it begins a new incarnation, and which incarnation ordered
//! which part of a log (PROTOCOL.md §3.10, §6.5).

use std::collections::BTreeMap;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::Domain;

use crate::head::{HeadSigner, QuotedHead};
use crate::hub_vote::SignedHubVote;
use crate::ids::{Incarnation, Seq, seq_from_u64, seq_to_u64};

const LABEL: &str = "enlace hub statement v1";
const TAKE_OVER_LABEL: &str = "enlace hub statement v2";

/// The most authorities of a network (PROTOCOL.md §7.6).
const MAX_UNHEARD: usize = 512;

/// A hub does not know whether it holds all that it once signed: it begins anew, and says so. The
/// payload of an item of kind `HubStatement`, in clear.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HubStatement {
    /// The incarnation that begins with this item: greater than any before.
    pub incarnation: Incarnation,
    /// The last position that the hub's store held when it was opened; what lies between it and
    /// this item was brought back by others.
    pub held: Option<Seq>,
    /// The newest head that the hub was shown, by its own signature, and whose items nobody
    /// brought back. What lies between this item and that head is lost; a head before this item is
    /// of another history, which goes on no further.
    pub lost: Option<QuotedHead>,
    /// The authorities whose relay or devices could not be asked whether they hold more, sorted.
    pub unheard: Vec<Domain>,
    /// Whose signature is round this item: SHA-256 of the head key's certificate (DER).
    pub signer: HeadSigner,
    /// Where another hub ordered what lies before: by what right this one goes on.
    pub taken_over: Option<TakeOver>,
}

/// That a channel has moved: the hub from the statement on, and the votes that made it that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TakeOver {
    /// The authority whose relay orders the log from here on.
    pub hub: Domain,
    /// Nobody has verified them yet.
    pub votes: Vec<SignedHubVote>,
}

impl TakeOver {
    /// The most votes of one.
    pub const MAX_VOTES: usize = 512;
    /// The most bytes that they take together: a statement has to fit into an item.
    pub const MAX_BYTES: usize = 2 << 20;
}

impl HubStatement {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let lost = self.lost.as_ref().map(QuotedHead::encode).unwrap_or_default();
        let label = if self.taken_over.is_some() { TAKE_OVER_LABEL } else { LABEL };
        let w = Writer::new(label)
            .u64(self.incarnation.0)
            .u64(seq_to_u64(self.held))
            .bytes(&lost)
            .list(&self.unheard, |w, domain| w.bytes(domain.as_str().as_bytes()))
            .fixed(&self.signer.0);
        let w = match &self.taken_over {
            Some(TakeOver { hub, votes }) => {
                w.bytes(hub.as_str().as_bytes()).list(votes, |w, vote| w.bytes(&vote.encode()))
            }
            None => w,
        };
        w.finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest hub would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (mut r, is_take_over) = match Reader::new(TAKE_OVER_LABEL, bytes) {
            Ok(r) => (r, true),
            Err(_) => (Reader::new(LABEL, bytes)?, false),
        };
        let incarnation = Incarnation(r.u64()?);
        let held = seq_from_u64("held", r.u64()?)?;
        let lost = r.bytes()?;
        let lost = (!lost.is_empty()).then(|| QuotedHead::decode(lost)).transpose()?;
        let unheard = r.list("unheard", MAX_UNHEARD, |r| {
            r.text()?.parse().map_err(|_| DecodeError::Value("unheard"))
        })?;
        let signer = HeadSigner(r.fixed()?);
        let taken_over = is_take_over.then(|| read_take_over(&mut r)).transpose()?;
        r.finish()?;
        let statement = Self { incarnation, held, lost, unheard, signer, taken_over };
        if !statement.unheard.is_sorted_by(|a: &Domain, b| a < b) {
            return Err(DecodeError::Value("unheard"));
        }
        Ok(statement)
    }
}

fn read_take_over(r: &mut Reader<'_>) -> Result<TakeOver, DecodeError> {
    let hub = r.text()?.parse().map_err(|_| DecodeError::Value("hub"))?;
    let mut bytes = 0;
    let votes = r.list("votes", TakeOver::MAX_VOTES, |r| {
        let vote = r.bytes()?;
        bytes += vote.len();
        if bytes > TakeOver::MAX_BYTES {
            return Err(DecodeError::Value("votes"));
        }
        SignedHubVote::decode(vote)
    })?;
    Ok(TakeOver { hub, votes })
}

/// The positions at which a hub began a new incarnation: each is that of its statement.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Incarnations(BTreeMap<Seq, Incarnation>);

impl Incarnations {
    /// Which one ordered a position.
    #[must_use]
    pub fn at(&self, seq: Seq) -> Incarnation {
        self.0.range(..=seq).next_back().map_or_else(Incarnation::default, |(_, i)| *i)
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Incarnation {
        self.0.values().next_back().copied().unwrap_or_default()
    }

    /// Whether one begins at a position.
    #[must_use]
    pub fn begins_at(&self, seq: Seq) -> bool {
        self.0.contains_key(&seq)
    }

    /// Where the first one begins that is newer than `known`.
    #[must_use]
    pub fn first_after(&self, known: Incarnation) -> Option<Seq> {
        self.0.iter().find(|(_, incarnation)| **incarnation > known).map(|(seq, _)| *seq)
    }

    /// Whether the hub began it, as far as this says. Each log begins in the one of number 0.
    #[must_use]
    pub fn knows(&self, incarnation: Incarnation) -> bool {
        incarnation == Incarnation::default() || self.0.values().any(|known| *known == incarnation)
    }

    /// The first position at which this log, which goes on at `next`, is another one than a copy
    /// that goes on at `copy_next`: one of the two has begun an incarnation there that the other
    /// does not know. Of the copy, `copy` begins with its first position and what ordered that.
    #[must_use]
    pub fn departs_from(&self, next: Seq, copy: &Self, copy_next: Seq) -> Option<Seq> {
        let oldest = copy.0.values().next().copied().unwrap_or_default();
        let ours = self.iter().filter(|(seq, incarnation)| {
            *seq < copy_next && *incarnation > oldest && !copy.knows(*incarnation)
        });
        let theirs = copy.iter().filter(|(seq, i)| *seq < next && !self.knows(*i));
        ours.chain(theirs).map(|(seq, _)| seq).min()
    }

    /// One begins.
    pub fn begin(&mut self, seq: Seq, incarnation: Incarnation) {
        self.0.insert(seq, incarnation);
    }

    /// Forgets those that began at `from` or later.
    pub fn rewind(&mut self, from: Seq) {
        self.0.split_off(&from);
    }

    /// Each with the position at which it began, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Seq, Incarnation)> {
        self.0.iter().map(|(seq, incarnation)| (*seq, *incarnation))
    }
}

impl FromIterator<(Seq, Incarnation)> for Incarnations {
    fn from_iter<I: IntoIterator<Item = (Seq, Incarnation)>>(beginnings: I) -> Self {
        Self(beginnings.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use enlace_identity::certificate::UnverifiedChain;
    use enlace_identity::keys::SigningKey;

    use super::*;
    use crate::{ChannelId, HubVote};

    fn statement() -> HubStatement {
        HubStatement {
            incarnation: Incarnation(1_790_000_000),
            held: Some(Seq(7)),
            lost: None,
            unheard: vec!["a.example".parse().unwrap(), "b.example".parse().unwrap()],
            signer: HeadSigner([5; 32]),
            taken_over: None,
        }
    }

    fn taken_over() -> HubStatement {
        let vote = HubVote {
            channel: ChannelId([7; 32]),
            from: "a.example".parse().unwrap(),
            to: "b.example".parse().unwrap(),
            fence: Seq(5),
        };
        let chain = UnverifiedChain::from_ders(&[vec![1; 9], vec![2; 9]]).unwrap();
        let vote = SignedHubVote::sign(vote, &SigningKey::generate(), chain);
        let hub = "b.example".parse().unwrap();
        HubStatement { taken_over: Some(TakeOver { hub, votes: vec![vote; 3] }), ..statement() }
    }

    #[test]
    fn it_comes_back_as_it_went() {
        for held in [None, Some(Seq(0)), Some(Seq(7))] {
            let statement = HubStatement { held, ..statement() };
            assert_eq!(HubStatement::decode(&statement.encode()), Ok(statement));
        }
    }

    #[test]
    fn one_that_takes_over_names_the_hub_and_its_votes() {
        let statement = taken_over();
        let bytes = statement.encode();
        assert_eq!(HubStatement::decode(&bytes), Ok(statement.clone()));
        for cut in 0..bytes.len() {
            assert!(HubStatement::decode(&bytes[..cut]).is_err());
        }
        let plain = HubStatement { taken_over: None, ..statement.clone() };
        let relabelled = |label: &[u8], bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[4..4 + label.len()].copy_from_slice(label);
            HubStatement::decode(&bytes)
        };
        assert!(relabelled(LABEL.as_bytes(), &bytes).is_err(), "votes behind a plain one");
        assert!(relabelled(TAKE_OVER_LABEL.as_bytes(), &plain.encode()).is_err(), "none at all");
        let mut many = statement;
        let votes = &mut many.taken_over.as_mut().unwrap().votes;
        votes.resize(TakeOver::MAX_VOTES + 1, votes[0].clone());
        assert_eq!(HubStatement::decode(&many.encode()), Err(DecodeError::Value("votes")));
    }

    #[test]
    fn two_logs_depart_where_one_began_what_the_other_does_not_know() {
        let of = |list: &[(u64, u64)]| -> Incarnations {
            list.iter().map(|(seq, i)| (Seq(*seq), Incarnation(*i))).collect()
        };
        let departs = |hub: &[(u64, u64)], next: u64, copy: &[(u64, u64)], copy_next: u64| {
            of(hub).departs_from(Seq(next), &of(copy), Seq(copy_next)).map(|seq| seq.0)
        };
        assert_eq!(departs(&[], 9, &[], 20), None, "the hub lacks what follows");
        assert_eq!(departs(&[(5, 7)], 9, &[], 5), None, "the copy lacks what follows");
        assert_eq!(departs(&[(5, 7)], 9, &[], 6), Some(5), "the hub went on without");
        assert_eq!(departs(&[], 5, &[(5, 7)], 6), None, "the hub lacks its own statement");
        assert_eq!(departs(&[], 9, &[(5, 7)], 6), Some(5), "the copy is of another history");
        assert_eq!(departs(&[(9, 8)], 12, &[(5, 7)], 6), Some(5), "and the hub stated that");
        assert_eq!(departs(&[(3, 8)], 12, &[(5, 7)], 6), Some(3), "both began anew");
        assert_eq!(departs(&[(3, 6), (5, 7)], 9, &[(7, 7)], 20), None, "the copy begins later");
        assert_eq!(departs(&[(3, 6)], 9, &[(7, 7)], 20), Some(7), "in what the hub never began");
        assert_eq!(departs(&[(3, 6)], 9, &[(1, 0), (7, 9)], 20), Some(3));
    }

    #[test]
    fn another_order_or_anything_after_it_is_refused() {
        let mut unsorted = statement();
        unsorted.unheard.reverse();
        assert_eq!(HubStatement::decode(&unsorted.encode()), Err(DecodeError::Value("unheard")));
        let mut longer = statement().encode();
        longer.push(0);
        assert!(HubStatement::decode(&longer).is_err());
        assert!(HubStatement::decode(&statement().encode()[1..]).is_err());
    }

    #[test]
    fn each_position_is_of_one_incarnation() {
        let mut all = Incarnations::default();
        assert_eq!((all.at(Seq(9)), all.newest()), (Incarnation(0), Incarnation(0)));
        all.begin(Seq(4), Incarnation(10));
        all.begin(Seq(8), Incarnation(20));
        let at = |seq| all.at(Seq(seq)).0;
        assert_eq!([at(0), at(3), at(4), at(7), at(8), at(99)], [0, 0, 10, 10, 20, 20]);
        assert_eq!(all.first_after(Incarnation(0)), Some(Seq(4)));
        assert_eq!(all.first_after(Incarnation(10)), Some(Seq(8)));
        assert_eq!(all.first_after(Incarnation(20)), None);
        all.rewind(Seq(8));
        assert_eq!(all.newest(), Incarnation(10));
    }
}
