//! Names of officers, devices, services, hosts, and other short texts.

use std::fmt::Display;
use std::str::FromStr;

use enlace_channel::entry::{HandlingCode, TimeZone};
use enlace_identity::bundle::BundleHash;
use enlace_identity::certificate::Serial;
use enlace_identity::endpoint::Host;
use enlace_identity::names::{DeviceName, Domain, LeafName, OfficerAddress, ServiceName};

use crate::Outcome;

/// Reads a text as each of them: what is read is shown as it stood.
pub fn run(data: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(data) else { return Outcome::Refused };
    let leaf = text.parse::<LeafName>();
    let device = shown::<DeviceName>(text);
    let service = shown::<ServiceName>(text);
    assert_eq!(leaf.is_ok(), device || service, "a leaf's name is a device's or a service's");
    let names = [device, service, shown::<Domain>(text), shown::<OfficerAddress>(text)];
    let texts = [shown::<Host>(text), shown::<TimeZone>(text), shown::<HandlingCode>(text)];
    let hash = text.parse::<BundleHash>();
    if let Ok(hash) = hash {
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }
    let serial = text.parse::<Serial>();
    if let Ok(serial) = &serial {
        assert_eq!(serial.to_string(), text.to_ascii_lowercase());
    }
    let other = hash.is_ok() || serial.is_ok();
    Outcome::when(other || names.into_iter().chain(texts).any(|read| read))
}

fn shown<T: Display + FromStr>(text: &str) -> bool {
    let read = text.parse::<T>();
    if let Ok(name) = &read {
        assert_eq!(name.to_string(), text, "a name has one spelling");
    }
    read.is_ok()
}
