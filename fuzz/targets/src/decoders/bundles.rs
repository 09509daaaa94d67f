//! Network bundles.
//!
//! Input: a signed bundle; or, behind a byte 1, a content that both roots sign here, which is
//! how far a fuzzer gets no other way.

use enlace_identity::bundle::SignedBundle;
use enlace_identity::canonical::Writer;

use crate::Outcome;
use crate::check::canonical;
use crate::scene::network;

/// Reads and opens a bundle.
pub fn run(data: &[u8]) -> Outcome {
    match data {
        [1, content @ ..] => open(&signed(content)),
        signed => open(signed),
    }
}

fn open(bytes: &[u8]) -> Outcome {
    let Ok(signed) = canonical(bytes, SignedBundle::decode, SignedBundle::encode) else {
        return Outcome::Refused;
    };
    let content = signed.unverified_content();
    if let Ok(content) = &content {
        assert_eq!(content.hash(), signed.hash(), "another encoding of the same content was read");
    }
    match signed.open(&signed.hash()) {
        Ok(bundle) => {
            assert_eq!(Ok(bundle.content()), content.as_ref());
            let domains: Vec<_> = bundle.authorities().iter().map(|a| a.domain()).collect();
            assert!(domains.is_sorted_by(|a, b| a < b && !a.nests_with(b)));
            assert!(bundle.signers().iter().all(|signer| bundle.contains(signer)));
            Outcome::Read
        }
        Err(_) => Outcome::Refused,
    }
}

/// A content as both authorities would have signed it.
fn signed(content: &[u8]) -> Vec<u8> {
    let authorities = [&network().a, &network().b];
    Writer::new("enlace signed bundle v1")
        .bytes(content)
        .list(&authorities, |w, authority| {
            let share = authority.root_key.sign(content);
            w.bytes(authority.domain.as_str().as_bytes()).fixed(share.as_bytes())
        })
        .finish()
}
