//! The faults, a file each, in the order of the plan.

pub mod clock;
pub mod corrupt;
pub mod database;
pub mod disk_full;
pub mod drain;
pub mod failover;
pub mod kill;
pub mod lost_reply;
pub mod racers;
pub mod slow_database;
pub mod start;

use crate::fault::Fault;

pub const ALL: &[Fault] = &[
    kill::SQLITE,
    kill::POSTGRES,
    racers::FAULT,
    lost_reply::FAULT,
    disk_full::FAULT,
    corrupt::FAULT,
    database::FAULT,
    slow_database::FAULT,
    failover::FAULT,
    clock::JUMPS,
    clock::APART,
    drain::ONE,
    drain::TWO,
    start::FAULT,
];
