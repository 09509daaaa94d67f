//! An authority's directory, as its registrar keeps it.
//!
//! | file | what |
//! | --- | --- |
//! | `authority.json` | the registry: what was issued and revoked, list numbers; written last |
//! | `private/root.key` | the root key, locked; may be kept elsewhere |
//! | `private/issuing.key`, `e1.key` | the issuing CA's key and the endpoint key, locked |
//! | `public/<domain>.root.pem`, `.issuing.pem` | the CAs' certificates |
//! | `public/<domain>.root.crl`, `.issuing.crl` | the newest revocation lists |
//! | `public/<domain>.endpoint` | the newest endpoint record |
//! | `issued/<name>.<serial>.pem` | every certificate that was issued, with the issuing CA's |
//!
//! A [`Directory`] is locked while a command works on it. Whatever is signed stands in the registry
//! before it stands anywhere else, so that nothing can be in use that cannot be revoked.

mod directory;
mod endpoint_key;
mod invitations;
mod issuance;
mod lists;
mod registry;
mod setup;

pub(crate) use self::directory::{Directory, RootKeyArguments};
pub(crate) use self::endpoint_key::endpoint_signer;
pub(crate) use self::invitations::{Claim, Invited, claim};
pub(crate) use self::issuance::{Issuance, Subject, issue};
pub(crate) use self::lists::{
    ISSUING_LIST_DAYS, ROOT_LIST_DAYS, write_issuing_list, write_root_list,
};
pub(crate) use self::registry::{
    AddressEntry, EndpointState, Issued, Kind, ListState, Registry, RelayEntry, Revoked, Standing,
};
pub(crate) use self::setup::{Setup, set_up};
