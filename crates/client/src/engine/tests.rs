//! Devices with real stores and a hub in memory: what the session does, without a network.

mod backup;
mod certificate;
mod closing;
mod consents;
mod crashes;
mod devices;
mod false_welcomes;
mod files;
mod forum;
mod herd;
mod hub;
mod keeping;
mod members;
mod notes;
mod recovery;
mod relay_faults;
mod renewal;
mod sizes;
mod stranded;
mod succession;
mod suspension;
mod sweep;
mod versions;
mod withdrawals;
mod world;
