//! The officers' commands: a device's way into the network, and a case by commands alone.

mod case;
mod device;
