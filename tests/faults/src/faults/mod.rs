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
pub mod kill;
pub mod lost_reply;
pub mod racers;
pub mod read_only;
pub mod rotation;
pub mod slow_database;
pub mod start;
pub mod sweep;
mod unwritable;
pub mod upgrade;

use crate::fault::Fault;

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
    start::FAULT,
];
