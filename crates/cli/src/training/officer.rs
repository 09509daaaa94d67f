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

/// The label of each officer's only device.
const DEVICE: &str = "laptop";

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

    /// Makes the device's profile, has it certified, and enrols it.
    pub(super) fn enrol(
        officers: &Path,
        authority: &TrainingAuthority,
        name: &str,
        common_name: &str,
        passphrase: &Passphrase,
        bundle: (&Path, BundleHash),
    ) -> Result<Self, Failure> {
        let address: OfficerAddress = format!("{name}@{}", authority.domain()).parse()?;
        let profile_dir = officers.join(name);
        files::make_private_directory(officers)?;
        let (mut profile, request) =
            Profile::create(&profile_dir, &address, DEVICE, common_name, passphrase)?;
        let request_file = officers.join(format!("{name}.csr"));
        let certificate = officers.join(format!("{name}.pem"));
        files::create(&request_file, request.to_pem().as_bytes(), files::Mode::Private)?;
        authority.registrar(
            "issue",
            [
                text(&request_file)?,
                "--name",
                &address.to_string(),
                "--device",
                DEVICE,
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
        Ok(Self { address, common_name: common_name.to_owned(), profile_dir })
    }
}
