//! A network's directory, as its secretariat keeps it.
//!
//! | file | what |
//! | --- | --- |
//! | `network.json` | what the bundle is to say, while authorities are being added |
//! | `network.bundle` | the bundle; signed by one authority after the other |
//! | `network.N.bundle` | version N, once a later one was begun |
//!
//! Once somebody has signed the bundle it stays as it is: adding to it would void the signature.

mod bundle_file;
mod draft;

pub(crate) use self::bundle_file::{
    bundle_path, checked, former_path, previous_of, read_bundle, write_bundle,
};
pub(crate) use self::draft::{AuthorityEntry, Draft};
