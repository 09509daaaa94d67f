//! Networks, logs and members that targets work on. Keys and serial numbers are made from names:
//! the same in every process, so that a corpus stays signed.

mod der;
mod group;
mod log;
mod network;
mod script;

pub use self::der::{parts_of, sign_again};
pub use self::group::{Group, Member, ReceiveError, backend};
pub use self::log::{Draft, Log};
pub use self::network::{Authority, NOW, Network, network, seeded_key};
pub use self::script::alter;
