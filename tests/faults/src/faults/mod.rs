//! The faults, a file each, in the order of the plan.

pub mod backup;
pub mod clock;
pub mod corrupt;
pub mod crowd;
pub mod database;
pub mod disk_full;
pub mod drain;
pub mod failover;
pub mod flood;
pub mod frozen;
pub mod kill;
pub mod lost_log;
pub mod lost_reply;
pub mod proof;
pub mod provider;
pub mod racers;
pub mod read_only;
pub mod reload;
pub mod rotation;
pub mod slow_database;
pub mod start;
pub mod sweep;
mod unwritable;
pub mod upgrade;

use std::io;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::ledger::Rule;

pub const ALL: &[Fault] = &[
    kill::SQLITE,
    kill::POSTGRES,
    racers::FAULT,
    lost_reply::FAULT,
    disk_full::FAULT,
    read_only::READ_ONLY,
    read_only::FSYNC,
    corrupt::FAULT,
    database::FAULT,
    slow_database::FAULT,
    failover::FAULT,
    clock::JUMPS,
    clock::APART,
    crowd::SLOW,
    crowd::IDLE,
    flood::FAULT,
    drain::ONE,
    drain::TWO,
    upgrade::POSTGRES,
    upgrade::SQLITE,
    rotation::FAULT,
    backup::SQLITE,
    backup::POSTGRES,
    sweep::FAULT,
    frozen::FAULT,
    reload::FAULT,
    provider::FAULT,
    lost_log::FAULT,
    start::FAULT,
];

/// A falsehood that a fault of its own must find: what it is, the rule that goes red, and how it is played.
pub type Proof = (&'static str, Rule, fn(&Stage) -> io::Result<Outcome>);

pub const PROOFS: &[Proof] = &[
    ("R22: a revocation that was never asked for", Rule::RevocationHolds, frozen::prove),
    ("R23: a good configuration called bad", Rule::Asked, reload::prove),
    ("R25: a server that stands still", Rule::InTime, provider::prove),
    ("R26: revocations that were never made", Rule::AuditHolds, lost_log::prove),
];
