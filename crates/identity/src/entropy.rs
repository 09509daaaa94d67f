//! Where chance comes from: the operating system, or a seed in simulations.
//!
//! Whatever of ours draws something takes an [`Entropy`] from its caller: keys, salts, client ids,
//! nonces, jitter. A program hands in [`Entropy::system`] once, at its start. A simulation hands in
//! [`Entropy::dangerous_seeded`], and gives each of its devices and relays a [`fork`](Entropy::fork),
//! so that what one of them draws doesn't shift what the others do.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use zeroize::Zeroizing;

use crate::canonical::Writer;

const FORK: &str = "enlace entropy fork v1";
const POINT: &str = "enlace entropy point v1";

/// A source of randomness. Clones draw from the same one.
#[derive(Clone, Default)]
pub struct Entropy(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Seeded(Arc<Seeded>),
}

struct Seeded {
    seed: [u8; 32],
    generator: Mutex<ChaCha20Rng>,
}

impl Entropy {
    /// The operating system's randomness.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The same bytes for the same seed: for simulations. Whoever knows the seed knows every key.
    #[must_use]
    pub fn dangerous_seeded(seed: [u8; 32]) -> Self {
        let generator = Mutex::new(ChaCha20Rng::from_seed(seed));
        Self(Source::Seeded(Arc::new(Seeded { seed, generator })))
    }

    /// A source of its own: of a seeded one, what it gives depends on the seed and the label
    /// alone, not on what was drawn before.
    #[must_use]
    pub fn fork(&self, label: &str) -> Self {
        match self.at(FORK, &[label.as_bytes()]) {
            Some(seed) => Self::dangerous_seeded(seed),
            None => Self::system(),
        }
    }

    /// Of a seeded source, 32 bytes that depend on the seed and on `parts` alone, for what several
    /// threads do in an order that isn't told; `None` of the operating system's.
    #[must_use]
    pub fn point(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.at(POINT, parts)
    }

    /// Fills `bytes`.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::System => {
                getrandom::fill(bytes).expect("the operating system provides randomness");
            }
            Source::Seeded(seeded) => {
                let generator = seeded.generator.lock();
                generator.unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
            }
        }
    }

    /// Draws `N` bytes.
    ///
    /// # Panics
    /// As [`Self::fill`].
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Draws a secret that is wiped when dropped.
    ///
    /// # Panics
    /// As [`Self::fill`].
    #[must_use]
    pub fn secret<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let mut bytes = Zeroizing::new([0; N]);
        self.fill(bytes.as_mut());
        bytes
    }

    fn at(&self, label: &'static str, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let Source::Seeded(seeded) = &self.0 else { return None };
        let place = Writer::new(label).fixed(&seeded.seed);
        Some(place.list(parts, |writer, part| writer.bytes(part)).hash())
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Entropy(system)",
            Source::Seeded(_) => "Entropy(seeded)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;

    #[test]
    fn a_seed_gives_the_same_bytes_again() {
        let draw = |seed| Entropy::dangerous_seeded([seed; 32]).bytes::<64>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn clones_share_a_stream_and_forks_do_not() {
        let entropy = Entropy::dangerous_seeded([7; 32]);
        let before: [u8; 32] = entropy.fork("device").bytes();
        assert_ne!(entropy.bytes::<32>(), entropy.clone().bytes());
        assert_eq!(entropy.fork("device").bytes(), before);
        assert_ne!(entropy.fork("relay").bytes(), before);
    }

    #[test]
    fn a_point_depends_on_its_parts_alone() {
        let entropy = Entropy::dangerous_seeded([7; 32]);
        let point = entropy.point(&[b"key", b"text"]);
        let _: [u8; 5] = entropy.bytes();
        assert_eq!(entropy.point(&[b"key", b"text"]), point);
        assert_ne!(entropy.point(&[b"ke", b"ytext"]), point);
        assert_eq!(Entropy::system().point(&[b"key"]), None);
    }

    #[test]
    fn the_system_gives_something_else_each_time() {
        let entropy = Entropy::system();
        assert_ne!(entropy.bytes::<32>(), entropy.bytes());
        assert_ne!(entropy.fork("a").bytes::<32>(), entropy.fork("a").bytes());
    }

    #[test]
    fn no_seed_is_shown() {
        assert_eq!(format!("{:?}", Entropy::dangerous_seeded([7; 32])), "Entropy(seeded)");
    }
}
