//! The hub as a whole, over its handle: on a thread or inline, over SQLite or memory.

mod accepting;
mod crashes;
mod erasing;
mod following;
mod leases;
mod membership;
mod moving;
mod reading;
mod recovering;
mod refusing;
mod welcoming;
mod world;
