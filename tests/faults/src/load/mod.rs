//! The load: workers with a ledger of what they sent and what was acknowledged, and the judge that reads it.

pub mod chance;
pub mod code;
pub mod crew;
pub mod judge;
pub mod ledger;
pub mod log;
pub mod manager;
pub mod refresh;
pub mod sabotage;
pub mod sky;
pub mod token;
pub mod wire;
pub mod worker;
