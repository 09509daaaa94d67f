//! `PublishKeyPackages` and `ClaimKeyPackages`: what it takes to admit a device that is not
//! there. Each key package is handed out once, but the last resort.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, ClaimKeyPackagesResponse, ClaimedKeyPackage, ErrorCode,
    PublishKeyPackagesRequest, PublishKeyPackagesResponse,
};
use enlace_transport::Refusal;
use tokio::time::Instant;

use super::refusals::{device_name, limit, malformed, not_allowed, suite, unreadable};
use super::submit::refused;
use super::{Caller, Handle, Peer};
use crate::storage::{self, SideWrite};

/// The most key packages in one publication.
const MAX_PUBLISHED: usize = 100;

/// The longest key package, in bytes: the post-quantum ones have about 4,000.
const MAX_BYTES: usize = 16 << 10;

/// The most devices and officers in one claim.
const MAX_CLAIMED: usize = 500;

impl Handle for PublishKeyPackagesRequest {
    async fn handle(self, caller: &Caller) -> Result<PublishKeyPackagesResponse, Refusal> {
        caller.unless_stopping()?;
        let device = caller.own_device()?.clone();
        let suite = suite(self.suite)?;
        if self.key_packages.len() > MAX_PUBLISHED {
            return Err(limit("at most 100 key packages are published at a time"));
        }
        let last_resort = (!self.last_resort.is_empty()).then_some(&self.last_resort);
        let lengths = self.key_packages.iter().chain(last_resort).map(Vec::len);
        if lengths.into_iter().any(|length| length == 0 || length > MAX_BYTES) {
            return Err(malformed("a key package is empty or too long"));
        }
        let replaced =
            self.replace.then(|| SideWrite::DropKeyPackages { device: device.clone(), suite });
        let available = if self.replace { 0 } else { available(caller, &device, suite).await? };
        let most = caller.context().limits().key_packages_per_device as usize;
        if available as usize + self.key_packages.len() > most {
            return Err(limit("the pool of key packages is full"));
        }
        let write = SideWrite::KeyPackages {
            device: device.clone(),
            suite,
            key_packages: self.key_packages.into_iter().map(Bytes::from).collect(),
            last_resort: (!self.last_resort.is_empty()).then(|| Bytes::from(self.last_resort)),
        };
        let writes = replaced.into_iter().chain([write]).collect();
        let stored = caller.context().hub().store(writes).await;
        stored.map_err(|unavailable| refused(&unavailable.into()))?;
        let available = self::available(caller, &device, suite).await?;
        Ok(PublishKeyPackagesResponse { available })
    }
}

async fn available(caller: &Caller, device: &DeviceName, suite: u16) -> Result<u32, Refusal> {
    let device = device.clone();
    let count = caller.context().hub().query(move |s| s.key_packages(&device, suite)).await;
    count.map_err(|error| unreadable(&error))
}

/// Whose key packages are wanted.
#[derive(Debug, Default)]
struct Wanted {
    devices: BTreeSet<DeviceName>,
    officers: BTreeSet<OfficerAddress>,
}

impl Wanted {
    fn count(&self) -> usize {
        self.devices.len() + self.officers.len()
    }
}

impl Handle for ClaimKeyPackagesRequest {
    async fn handle(self, caller: &Caller) -> Result<ClaimKeyPackagesResponse, Refusal> {
        caller.unless_stopping()?;
        let suite = suite(self.suite)?;
        if self.devices.len() + self.officers.len() > MAX_CLAIMED {
            return Err(limit("at most 500 devices and officers are claimed at a time"));
        }
        let mut key_packages = Vec::new();
        for (authority, wanted) in by_authority(&self)? {
            let claimed = if authority == *caller.context().domain() {
                claim_here(caller, suite, wanted).await
            } else {
                claim_there(caller, &authority, self.suite, wanted).await
            };
            match claimed {
                Ok(claimed) => key_packages.extend(claimed),
                Err(refusal) if refusal.code == ErrorCode::NoKeyPackage => {}
                // What was taken before is spent; the caller asks for each authority by itself
                // if it wants to know more.
                Err(refusal) if key_packages.is_empty() => return Err(refusal),
                Err(_) => {}
            }
        }
        if key_packages.is_empty() {
            let message = "there is no key package of any of these devices";
            return Err(Refusal::new(ErrorCode::NoKeyPackage, message));
        }
        Ok(ClaimKeyPackagesResponse { key_packages })
    }
}

fn by_authority(request: &ClaimKeyPackagesRequest) -> Result<BTreeMap<Domain, Wanted>, Refusal> {
    let mut authorities: BTreeMap<Domain, Wanted> = BTreeMap::new();
    for device in &request.devices {
        let device = device_name(device)?;
        authorities.entry(device.domain().clone()).or_default().devices.insert(device);
    }
    for officer in &request.officers {
        let officer: OfficerAddress =
            officer.parse().map_err(|_| malformed("that is not an officer's address"))?;
        authorities.entry(officer.domain().clone()).or_default().officers.insert(officer);
    }
    Ok(authorities)
}

/// Out of this relay's own pools.
async fn claim_here(
    caller: &Caller,
    suite: u16,
    wanted: Wanted,
) -> Result<Vec<ClaimedKeyPackage>, Refusal> {
    let context = caller.context();
    if !caller.is_own() && matches!(caller.peer(), Peer::Device(_)) {
        return Err(not_allowed("a device claims by way of its own authority's relay"));
    }
    let Wanted { mut devices, officers } = wanted;
    if !officers.is_empty() {
        let read = move |storage: &mut dyn storage::ReadStorage| {
            let mut found = Vec::new();
            for officer in &officers {
                found.extend(storage.devices_with_key_packages(officer, suite)?);
            }
            Ok(found)
        };
        devices.extend(context.hub().query(read).await.map_err(|error| unreadable(&error))?);
    }
    if devices.len() > MAX_CLAIMED {
        return Err(limit("these officers have more than 500 devices"));
    }
    let taken = context.allowances().take_claims(caller.domain(), devices.len(), Instant::now());
    taken.map_err(|wait| {
        limit("that authority has claimed too many key packages").retry_after(wait)
    })?;
    let claimed = context.hub().take_key_packages(suite, devices.into_iter().collect()).await;
    let claimed = claimed.map_err(|unavailable| refused(&unavailable.into()))?;
    Ok(claimed.into_iter().map(to_wire).collect())
}

/// At the authority's own relay, on behalf of a device of this one.
async fn claim_there(
    caller: &Caller,
    authority: &Domain,
    suite: u32,
    wanted: Wanted,
) -> Result<Vec<ClaimedKeyPackage>, Refusal> {
    caller.own_device()?;
    let asked = wanted.count();
    let request = ClaimKeyPackagesRequest {
        suite,
        devices: wanted.devices.iter().map(ToString::to_string).collect(),
        officers: wanted.officers.iter().map(ToString::to_string).collect(),
    };
    let response = caller.context().links().call(authority, &request).await?;
    let mut claimed = response.key_packages;
    // A relay speaks for its own devices and for no other.
    claimed.retain(|package| {
        package.device.parse().is_ok_and(|device: DeviceName| {
            wanted.devices.contains(&device) || wanted.officers.contains(device.officer())
        })
    });
    tracing::debug!(%authority, asked, claimed = claimed.len(), "key packages were claimed");
    Ok(claimed)
}

fn to_wire(claimed: storage::ClaimedKeyPackage) -> ClaimedKeyPackage {
    ClaimedKeyPackage {
        device: claimed.device.to_string(),
        key_package: claimed.key_package.to_vec(),
        last_resort: claimed.last_resort,
    }
}
