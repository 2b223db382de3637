//! What the faults happen to and are made of: servers, databases, wires, disks, clocks.

pub mod chores;
pub mod node;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod relying;
pub mod room;
pub mod shim;
