//! What became of an input.

/// Whether a target could make something of its input. Only the tests of the corpora ask: a corpus
/// of which nothing can be read is out of date.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The decoder's checks let it through.
    Read,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// Read if something was read.
    pub(crate) fn of<T, E>(result: &Result<T, E>) -> Self {
        Self::when(result.is_ok())
    }

    /// Read if that holds.
    pub(crate) fn when(read: bool) -> Self {
        if read { Self::Read } else { Self::Refused }
    }

    /// Read if one of both was.
    pub(crate) fn or(self, other: Self) -> Self {
        Self::when(self == Self::Read || other == Self::Read)
    }
}
