//! A directory over which the registrar tells the relay of invitations, and the relay hands the
//! requests on that came with them (PROTOCOL.md §7.9). `<id>` is the invitation's, in hexadecimal.
//!
//! | file | what |
//! | --- | --- |
//! | `invitations/<id>.verifier` | written by the registrar: proofs of which invitation count, and until when |
//! | `requests/<id>.enrolment` | the first request that was proven, with its proof; never replaced |
//! | `issued/<id>.pem` | leaf and issuing CA, PEM: written by the registrar, verified before it is handed out |

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::invitation::{Enrolment, InvitationVerifier};
use enlace_identity::keys::PublicKey;
use enlace_identity::time::Timestamp;

const INVITATIONS: &str = "invitations";
const VERIFIER: &str = "verifier";

/// The longest file that is read, in bytes: two certificates in PEM have less.
const MAX_BYTES: u64 = 16 << 10;

/// The directory.
#[derive(Debug)]
pub(crate) struct EnrolmentDirectory {
    path: PathBuf,
    writing: Mutex<()>,
}

/// What becomes of a request whose proof fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    /// It is the first one.
    First,
    /// It is there already.
    Again,
    /// There is no such invitation, it has ended, or it has served another key.
    Refused,
}

impl EnrolmentDirectory {
    /// What the registrar writes there is looked for at each call.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, writing: Mutex::new(()) }
    }

    /// Whether there are invitations at all.
    pub(crate) fn has_invitations(&self) -> bool {
        let is_one = |path: &Path| path.extension().is_some_and(|extension| extension == VERIFIER);
        fs::read_dir(self.path.join(INVITATIONS))
            .is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| is_one(&file.path()))))
    }

    /// Whether an invitation may still be used, for whatever key.
    pub(crate) fn is_open(&self, invitation: &PublicKey, now: Timestamp) -> io::Result<bool> {
        let (verifier, kept) = (self.verifier(invitation)?, self.kept(invitation)?);
        Ok(match (verifier, kept) {
            (None, _) => false,
            (Some(_), Some(_)) => true,
            (Some(verifier), None) => now < verifier.not_after,
        })
    }

    /// Keeps a request if it is the first one of its invitation; it is durable then.
    pub(crate) fn admit(&self, enrolment: &Enrolment, now: Timestamp) -> io::Result<Admission> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let verifier = self.verifier(enrolment.invitation())?;
        let kept = self.kept(enrolment.invitation())?;
        let admission = judge(verifier.as_ref(), kept.as_ref(), enrolment, now);
        if admission != Admission::First {
            return Ok(admission);
        }
        match self.keep(enrolment) {
            // Another relay on the same directory was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let kept = self.kept(enrolment.invitation())?;
                Ok(judge(verifier.as_ref(), kept.as_ref(), enrolment, now))
            }
            kept => kept.map(|()| Admission::First),
        }
    }

    /// What was issued, unverified; what can't be read counts as nothing.
    pub(crate) fn issued(&self, invitation: &PublicKey) -> Option<UnverifiedChain> {
        let pem = read(&self.file("issued", invitation, "pem")).ok()??;
        UnverifiedChain::from_pem(std::str::from_utf8(&pem).ok()?).ok()
    }

    fn verifier(&self, invitation: &PublicKey) -> io::Result<Option<InvitationVerifier>> {
        let bytes = read(&self.file(INVITATIONS, invitation, VERIFIER))?;
        let verifier = bytes.and_then(|bytes| InvitationVerifier::decode(&bytes).ok());
        Ok(verifier.filter(|verifier| verifier.invitation == *invitation))
    }

    /// What can't be read is an error: it may have been the first request.
    fn kept(&self, invitation: &PublicKey) -> io::Result<Option<Enrolment>> {
        let bytes = read(&self.file("requests", invitation, "enrolment"))?;
        let decoded = bytes.map(|bytes| Enrolment::decode(&bytes)).transpose();
        decoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn keep(&self, enrolment: &Enrolment) -> io::Result<()> {
        let path = self.file("requests", enrolment.invitation(), "enrolment");
        let directory = self.path.join("requests");
        make_directory(&directory)?;
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&enrolment.encode())?;
        file.sync_all()?;
        // Unlike renaming, it never replaces.
        let linked = fs::hard_link(&beside, &path);
        let _ = fs::remove_file(&beside);
        linked?;
        File::open(directory)?.sync_all()
    }

    fn file(&self, directory: &str, invitation: &PublicKey, extension: &str) -> PathBuf {
        self.path.join(directory).join(format!("{invitation:?}.{extension}"))
    }
}

/// One invitation serves one key: the first that came before its end, and that one for good.
fn judge(
    verifier: Option<&InvitationVerifier>,
    kept: Option<&Enrolment>,
    enrolment: &Enrolment,
    now: Timestamp,
) -> Admission {
    match (verifier, kept) {
        (Some(_), Some(kept)) if is_same(kept, enrolment) => Admission::Again,
        (Some(verifier), None) if now < verifier.not_after => Admission::First,
        _ => Admission::Refused,
    }
}

fn is_same(kept: &Enrolment, enrolment: &Enrolment) -> bool {
    let (kept, asked) = (kept.request(), enrolment.request());
    kept.public_key() == asked.public_key() && kept.name() == asked.name()
}

/// The bytes of a file, or none where there is no file.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
    }
    Ok(Some(bytes))
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use enlace_identity::bundle::BundleHash;
    use enlace_identity::endpoint::RelayAddress;
    use enlace_identity::entropy::Entropy;
    use enlace_identity::invitation::Invitation;
    use enlace_identity::issue::CertificateRequest;
    use enlace_identity::keys::SigningKey;

    use super::*;

    const END: Timestamp = Timestamp::from_secs(2_000);
    const BEFORE: Timestamp = Timestamp::from_secs(1_999);

    struct Scene {
        directory: EnrolmentDirectory,
        invitation: Invitation,
        _temporary: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let temporary = tempfile::tempdir().unwrap();
            let relay = RelayAddress { host: "127.0.0.1".parse().unwrap(), port: 1 };
            let device = "laptop.ana.officer.a.example".parse().unwrap();
            let hash = BundleHash::from_bytes([1; 32]);
            let entropy = Entropy::system();
            let invitation =
                Invitation::new(&entropy, device, "Ana".into(), hash, END, vec![relay]).unwrap();
            let directory = EnrolmentDirectory::new(temporary.path().to_owned());
            Self { directory, invitation, _temporary: temporary }
        }

        fn tell_relay(&self) {
            let path = self.directory.file(INVITATIONS, &self.invitation.id(), VERIFIER);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, self.invitation.verifier().encode()).unwrap();
        }

        fn enrolment(&self, key: &SigningKey, binding: u8) -> Enrolment {
            let name = "laptop.ana.officer.a.example".parse().unwrap();
            let request = CertificateRequest::create(key, &name, "Ana").unwrap();
            Enrolment::prove(&self.invitation, [binding; 32], request)
        }

        fn admit(&self, key: &SigningKey, now: Timestamp) -> Admission {
            self.directory.admit(&self.enrolment(key, 1), now).unwrap()
        }
    }

    #[test]
    fn the_first_key_is_served_for_good_and_no_other() {
        let scene = Scene::new();
        let (first, second) = (SigningKey::generate(), SigningKey::generate());
        assert_eq!(scene.admit(&first, BEFORE), Admission::Refused, "nobody was invited");
        assert!(!scene.directory.has_invitations());
        scene.tell_relay();
        assert!(scene.directory.has_invitations());
        assert_eq!(scene.admit(&first, BEFORE), Admission::First);
        assert_eq!(scene.admit(&second, BEFORE), Admission::Refused);
        let again = scene.enrolment(&first, 2);
        assert_eq!(scene.directory.admit(&again, END).unwrap(), Admission::Again, "after its end");
        let kept = scene.directory.kept(&scene.invitation.id()).unwrap();
        assert_eq!(kept.unwrap(), scene.enrolment(&first, 1), "as it came first");
    }

    #[test]
    fn after_its_end_nothing_new_is_taken() {
        let scene = Scene::new();
        scene.tell_relay();
        let id = scene.invitation.id();
        assert!(scene.directory.is_open(&id, BEFORE).unwrap());
        assert!(!scene.directory.is_open(&id, END).unwrap());
        assert_eq!(scene.admit(&SigningKey::generate(), END), Admission::Refused);
        assert_eq!(scene.directory.kept(&id).unwrap(), None);
    }

    #[test]
    fn of_two_at_once_one_is_kept() {
        let scene = Scene::new();
        scene.tell_relay();
        let keys: Vec<_> = (0..8).map(|_| SigningKey::generate()).collect();
        let admitted: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> =
                keys.iter().map(|key| scope.spawn(|| scene.admit(key, BEFORE))).collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(admitted.iter().filter(|one| **one == Admission::First).count(), 1);
        assert_eq!(admitted.iter().filter(|one| **one == Admission::Refused).count(), 7);
    }

    #[test]
    fn a_damaged_request_makes_room_for_no_other() {
        let scene = Scene::new();
        scene.tell_relay();
        scene.admit(&SigningKey::generate(), BEFORE);
        let path = scene.directory.file("requests", &scene.invitation.id(), "enrolment");
        fs::write(path, b"").unwrap();
        let other = scene.enrolment(&SigningKey::generate(), 1);
        assert!(scene.directory.admit(&other, BEFORE).is_err());
    }

    #[test]
    fn a_relay_on_the_same_directory_cannot_replace_what_is_kept() {
        let scene = Scene::new();
        scene.tell_relay();
        let (first, second) = (SigningKey::generate(), SigningKey::generate());
        scene.admit(&first, BEFORE);
        let error = scene.directory.keep(&scene.enrolment(&second, 1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(scene.admit(&first, BEFORE), Admission::Again);
    }
}
