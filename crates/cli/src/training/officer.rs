//! An officer of the training network, with the profile of one device.

use std::path::{Path, PathBuf};

use enlace_client::profile::{Enrollment, Profile};
use enlace_identity::bundle::BundleHash;
use enlace_identity::keys::Passphrase;
use enlace_identity::names::OfficerAddress;
use enlace_identity::revocation::RevocationList;

use super::authority::{TrainingAuthority, text};
use crate::failure::Failure;
use crate::files;
use crate::when::now;

/// The label of each officer's first device.
const LAPTOP: &str = "laptop";

/// An officer with an enrolled device.
#[derive(Clone, Debug)]
pub struct TrainingOfficer {
    address: OfficerAddress,
    common_name: String,
    profile_dir: PathBuf,
}

impl TrainingOfficer {
    /// The officer's address.
    #[must_use]
    pub fn address(&self) -> &OfficerAddress {
        &self.address
    }

    /// The officer's name, with its accents.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The profile's directory.
    #[must_use]
    pub fn profile_dir(&self) -> &Path {
        &self.profile_dir
    }

    /// Makes the first device's profile, has it certified, and enrols it.
    pub(super) fn enrol(
        officers: &Path,
        authority: &TrainingAuthority,
        (name, common_name): (&str, &str),
        passphrase: &Passphrase,
        bundle: (&Path, BundleHash),
    ) -> Result<Self, Failure> {
        let address: OfficerAddress = format!("{name}@{}", authority.domain()).parse()?;
        let profile_dir = officers.join(name);
        files::make_private_directory(officers)?;
        let officer = Self { address, common_name: common_name.to_owned(), profile_dir };
        officer.certify(authority, LAPTOP, passphrase, bundle)?;
        Ok(officer)
    }

    /// The same officer with another device, enrolled.
    pub(super) fn enrol_device(
        &self,
        authority: &TrainingAuthority,
        device: &str,
        passphrase: &Passphrase,
        bundle: (&Path, BundleHash),
    ) -> Result<Self, Failure> {
        let mut profile_dir = self.profile_dir.clone();
        profile_dir.set_file_name(format!("{}-{device}", self.address.name()));
        let officer = Self { profile_dir, ..self.clone() };
        officer.certify(authority, device, passphrase, bundle)?;
        Ok(officer)
    }

    fn certify(
        &self,
        authority: &TrainingAuthority,
        device: &str,
        passphrase: &Passphrase,
        bundle: (&Path, BundleHash),
    ) -> Result<(), Failure> {
        let Self { address, common_name, profile_dir } = self;
        let (mut profile, request) =
            Profile::create(profile_dir, address, device, common_name, passphrase)?;
        let request_file = profile_dir.with_extension("csr");
        let certificate = profile_dir.with_extension("pem");
        files::create(&request_file, request.to_pem().as_bytes(), files::Mode::Private)?;
        authority.registrar(
            "issue",
            [
                text(&request_file)?,
                "--name",
                &address.to_string(),
                "--device",
                device,
                "--common-name",
                common_name,
                "--out",
                text(&certificate)?,
            ],
        )?;
        let lists = authority.revocation_lists();
        let lists = lists.iter().map(|path| {
            Ok::<_, Failure>(RevocationList::from_pem(&files::read_text(path)?)?.to_bytes())
        });
        let (bundle, bundle_hash) = bundle;
        let enrollment = Enrollment {
            certificates: &files::read_text(&certificate)?,
            bundle: &files::read(bundle)?,
            bundle_hash,
            endpoint_record: &files::read(&authority.public("endpoint"))?,
            crls: &lists.collect::<Result<Vec<_>, _>>()?,
        };
        profile.enroll(&enrollment, now())?;
        Ok(())
    }
}
