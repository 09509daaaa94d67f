//! The answers of a submit stream: gathered by whoever gives them, and taken apart again.

use enlace_proto::relay::v1::{AcceptedItems, Error, RefusedItem, SubmitAnswers, SubmitResponse};

use crate::refusal::Refusal;

/// Each answer with the index of the frame that it answers, by ascending index.
#[must_use]
pub fn answers_by_index(answers: SubmitAnswers) -> Vec<(u64, Result<SubmitResponse, Refusal>)> {
    let mut by_index = Vec::new();
    for run in answers.accepted {
        for (offset, seq) in (0..).zip(&run.seqs) {
            let (received_at_ms, head) = (run.received_at_ms, run.head.clone());
            let response = SubmitResponse { seq: *seq, received_at_ms, head };
            by_index.push((run.first_index.saturating_add(offset), Ok(response)));
        }
    }
    for refused in answers.refused {
        let refusal = Refusal::from(refused.error.unwrap_or_default());
        by_index.push((refused.index, Err(refusal)));
    }
    by_index.sort_by_key(|(index, _)| *index);
    by_index
}

/// Runs and refusals in one message; with another portion it is still within its limit.
const FULL: usize = 64;

/// The answers of one message: what follows each other and was accepted together has one head.
#[derive(Debug, Default)]
pub struct Answers(SubmitAnswers);

impl Answers {
    /// Adds the next answer.
    pub fn push(&mut self, index: u64, answer: Result<SubmitResponse, Refusal>) {
        let SubmitResponse { seq, received_at_ms, head } = match answer {
            Ok(response) => response,
            Err(refusal) => {
                let error = Some(Error::from(refusal));
                self.0.refused.push(RefusedItem { index, error });
                return;
            }
        };
        if let Some(run) = self.0.accepted.last_mut()
            && run.first_index + run.seqs.len() as u64 == index
            && run.received_at_ms == received_at_ms
            && run.head == head
        {
            run.seqs.push(seq);
            return;
        }
        let run = AcceptedItems { first_index: index, seqs: vec![seq], received_at_ms, head };
        self.0.accepted.push(run);
    }

    /// Whether no further portion should be added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.accepted.len() + self.0.refused.len() >= FULL
    }

    /// As it travels.
    #[must_use]
    pub fn into_wire(self) -> SubmitAnswers {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use enlace_proto::method::Method;
    use enlace_proto::relay::v1::{ErrorCode, SignedHead};
    use prost::Message as _;

    use super::*;

    fn response(seq: u64, head: u8) -> SubmitResponse {
        let head = Some(SignedHead { chain: vec![head; 32], ..SignedHead::default() });
        SubmitResponse { seq, received_at_ms: 5, head }
    }

    #[test]
    fn answers_come_back_one_for_each_frame() {
        let no = || Refusal::new(ErrorCode::StaleFence, "no");
        let given = [
            (7, Ok(response(3, 1))),
            (8, Ok(response(5, 1))),
            (9, Err(no())),
            (10, Ok(response(6, 1))),
            (11, Ok(response(0, 2))),
        ];
        let mut answers = Answers::default();
        for (index, answer) in given.clone() {
            answers.push(index, answer);
        }
        let wire = answers.into_wire();
        assert_eq!((wire.accepted.len(), wire.refused.len()), (3, 1));
        assert_eq!(answers_by_index(wire), given);
    }

    #[test]
    fn a_full_message_is_within_its_limit() {
        let mut answers = Answers::default();
        let mut index = 0;
        while !answers.is_full() {
            for _ in 0..FULL {
                answers.push(index, Ok(response(index, (index % 250) as u8)));
                index += 1;
            }
        }
        let limit = Method::SubmitStream.response_limit() as usize;
        assert!(answers.into_wire().encoded_len() < limit / 2);
    }
}
