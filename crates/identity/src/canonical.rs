//! The one encoding of everything that is hashed or signed (PROTOCOL.md §3).
//!
//! A structure is its label followed by its fields; [`Writer`] builds one, [`Reader`] takes one
//! apart and refuses whatever `Writer` would not have written.

use sha2::{Digest, Sha256};

/// Builds a canonical byte string.
#[derive(Clone, Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Starts a structure with its label, a fixed ASCII string.
    #[must_use]
    pub fn new(label: &'static str) -> Self {
        Self(Vec::with_capacity(256)).bytes(label.as_bytes())
    }

    /// A big-endian integer.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Bytes of a length that the structure fixes.
    #[must_use]
    pub fn fixed<const N: usize>(mut self, value: &[u8; N]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// Bytes behind their length.
    ///
    /// # Panics
    /// When `value` is 4 GiB or longer; every caller holds far lower limits.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        let length = u32::try_from(value.len()).expect("canonical fields are shorter than 4 GiB");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// A count, then each element as `write` puts it.
    #[must_use]
    pub fn list<T>(self, items: &[T], write: impl FnMut(Self, &T) -> Self) -> Self {
        items.iter().fold(self.u64(items.len() as u64), write)
    }

    /// The finished byte string.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// SHA-256 of the finished byte string.
    #[must_use]
    pub fn hash(self) -> [u8; 32] {
        sha256(&self.0)
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What is wrong with a canonical byte string: always the fault of whoever sent it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// It does not start with the expected label.
    #[error("this is no {0}")]
    Label(&'static str),
    /// It ends before its fields do.
    #[error("it ends too early")]
    Truncated,
    /// Bytes follow its last field.
    #[error("it is longer than its fields")]
    Trailing,
    /// A text field is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A field holds a value that the structure does not allow; the name of the field.
    #[error("the field {0} holds a value that is not allowed")]
    Value(&'static str),
}

/// Takes a canonical byte string apart, without copying.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts reading a structure and checks its label.
    ///
    /// # Errors
    /// [`DecodeError::Label`] when `bytes` begins with anything else.
    pub fn new(label: &'static str, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Self(bytes);
        match reader.bytes() {
            Ok(found) if found == label.as_bytes() => Ok(reader),
            _ => Err(DecodeError::Label(label)),
        }
    }

    /// A big-endian integer.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// Bytes of a fixed length.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    /// Bytes behind their length.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = u32::from_be_bytes(self.fixed()?) as usize;
        let (head, tail) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    /// Text behind its length.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::Text`].
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| DecodeError::Text)
    }

    /// A list of at most `limit` elements, each read by `read`. Nothing is allocated ahead of
    /// the bytes that are really there.
    ///
    /// # Errors
    /// What `read` returns; [`DecodeError::Value`] with `field` above the limit.
    pub fn list<T>(
        &mut self,
        field: &'static str,
        limit: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u64()?;
        if count > limit as u64 {
            return Err(DecodeError::Value(field));
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`].
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_was_written_and_nothing_else() {
        let bytes = Writer::new("enlace test v1")
            .u64(7)
            .fixed(&[1; 4])
            .bytes(b"ab")
            .list(&["x", "y"], |w, item| w.bytes(item.as_bytes()))
            .finish();
        let read = |bytes: &[u8]| -> Result<_, DecodeError> {
            let mut r = Reader::new("enlace test v1", bytes)?;
            let value = (r.u64()?, r.fixed::<4>()?, r.text()?.to_owned());
            let list = r.list("list", 2, |r| r.text().map(str::to_owned))?;
            r.finish()?;
            Ok((value, list))
        };
        assert_eq!(read(&bytes), Ok(((7, [1; 4], "ab".into()), vec!["x".into(), "y".into()])));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err());
        }
        assert_eq!(read(&[&bytes[..], b"z"].concat()), Err(DecodeError::Trailing));
        assert!(matches!(
            Reader::new("enlace other v1", &bytes),
            Err(DecodeError::Label("enlace other v1"))
        ));
    }

    #[test]
    fn a_long_list_is_refused_before_anything_is_allocated() {
        let bytes = Writer::new("t").u64(u64::MAX).finish();
        let mut r = Reader::new("t", &bytes).expect("label");
        assert_eq!(r.list("list", 10, Reader::u64), Err(DecodeError::Value("list")));
    }
}
