//! Networks, logs and members that targets work on. Keys and serial numbers are made from names:
//! the same in every process, so that a corpus stays signed.

mod der;
mod group;
mod inside;
mod log;
mod network;
mod script;
mod turned;

pub use self::der::{parts_of, sign_again};
pub use self::group::{Group, Member, ReceiveError, backend};
pub use self::inside::Part;
pub(crate) use self::inside::{signature, vector};
pub use self::log::{Draft, Log};
pub use self::network::{Authority, NOW, Network, network, seeded_key};
pub use self::script::alter;
pub use self::turned::{deliver_again, head_over, seal_again, submit_again};
