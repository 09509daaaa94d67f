//! Key packages as a modified client makes them: taken apart and signed anew (RFC 9420 §7.2, §10).

use enlace_identity::keys::SigningKey;

/// The same key package with another lifetime, with both signatures made anew.
#[must_use]
pub fn with_lifetime(message: &[u8], not_before: u64, not_after: u64, key: &SigningKey) -> Vec<u8> {
    let mut rest = Parser(message);
    // MLSMessage: version, wire format. KeyPackage: version, cipher suite, init key.
    let envelope = rest.take(4);
    let head = rest.spanning(|r| {
        r.take(4);
        r.vector();
    });
    let leaf = rest.spanning(|r| {
        r.vector(); // encryption key
        r.vector(); // signature key
        r.take(2); // credential type
        r.vector(); // certificates
        for _ in 0..5 {
            r.vector(); // capabilities
        }
        assert_eq!(r.take(1), [1], "a leaf of a key package");
    });
    rest.take(16);
    let leaf_extensions = rest.spanning(|r| r.vector());
    rest.vector();
    let extensions = rest.spanning(|r| r.vector());
    rest.vector();
    assert!(rest.0.is_empty());

    let lifetime = [not_before.to_be_bytes(), not_after.to_be_bytes()].concat();
    let leaf = [leaf, &lifetime, leaf_extensions].concat();
    let leaf = [&leaf[..], &signature(key, "LeafNodeTBS", &leaf)].concat();
    let package = [head, &leaf, extensions].concat();
    [envelope, &package, &signature(key, "KeyPackageTBS", &package)].concat()
}

/// `SignWithLabel` (RFC 9420 §5.1.2), as a vector.
fn signature(key: &SigningKey, label: &str, content: &[u8]) -> Vec<u8> {
    let label = format!("MLS 1.0 {label}");
    let signed = [vector(label.as_bytes()), vector(content)].concat();
    vector(key.sign(&signed).as_bytes())
}

/// A variable-size vector (RFC 9420 §2.1.2).
fn vector(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    assert!(length < 1 << 14);
    let length = match u8::try_from(length) {
        Ok(short) if short < 64 => vec![short],
        _ => (length | 0x4000).to_be_bytes().to_vec(),
    };
    [&length, content].concat()
}

struct Parser<'a>(&'a [u8]);

impl<'a> Parser<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn vector(&mut self) {
        let first = self.0[0];
        let bytes = 1 << (first >> 6);
        let prefix = self.take(bytes);
        let length = prefix.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.take(length & !(3 << (8 * bytes - 2)));
    }

    /// Everything that `read` reads.
    fn spanning(&mut self, read: impl FnOnce(&mut Self)) -> &'a [u8] {
        let before = self.0;
        read(self);
        &before[..before.len() - self.0.len()]
    }
}
