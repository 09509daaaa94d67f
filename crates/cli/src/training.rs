//! A training network on this machine: two authorities with their CAs, a relay each, officers.
//!
//! Everything is real. Registrars' and operators' steps are the commands that they would type, run
//! as processes; relays are processes of their own on ports of 127.0.0.1; keys are locked with a
//! passphrase that lies beside them, which is what makes this a training network.
//!
//! | in the directory | what |
//! | --- | --- |
//! | `passphrase` | of every key, for `--passphrase-file` |
//! | `authorities/<domain>/` | a registrar's directory |
//! | `network/` | the secretariat's directory, with the signed bundle |
//! | `relays/<domain>/` | a relay's directory, with its log `relay.log` |
//! | `officers/<name>/` | the profile of an officer's device |

mod authority;
mod cast;
mod create;
mod network;
mod officer;
mod ports;
mod program;
mod relay;

pub use self::authority::TrainingAuthority;
pub use self::network::TrainingNetwork;
pub use self::officer::TrainingOfficer;
pub use self::program::Program;
pub use self::relay::RelayProcess;
