//! Two devices and a hub in memory.
