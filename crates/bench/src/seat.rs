//! A member's place in a workload: what it submits on, if it writes, and what it reads.

use anyhow::Result;
use enlace_proto::relay::v1::Cursor;

use crate::member::{Member, Reader, Submitter};

/// The streams of one member.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Of those who write.
    pub(crate) submitter: Option<Submitter>,
    /// Everybody reads.
    pub(crate) reader: Reader,
}

impl Seat {
    /// Subscribes for each member; the first `writers` of them write, too.
    pub(crate) async fn take_all(
        members: &[Member],
        writers: usize,
        cursors: &[Cursor],
    ) -> Result<Vec<Self>> {
        let mut seats = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            let submitter = if index < writers { Some(member.submitter().await?) } else { None };
            let reader = member.subscribe(cursors.to_vec()).await?;
            seats.push(Self { submitter, reader });
        }
        Ok(seats)
    }
}
