//! For tests only: the whole application in one process, with a movable clock, real SQLite and a browser of its own.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail where it stands")]

mod app;
mod browser;
mod builder;
mod call;
pub mod contract;
mod log;
mod parts;
mod place;
pub mod postgres;
mod reply;
mod site;

pub use app::{CLIENT_SECRET, PASSWORD, TestApp};
pub use browser::{Browser, CHALLENGE, VERIFIER, redemption};
pub use builder::Builder;
pub use call::Call;
pub use parts::{TestClock, TestHasher};
pub use reply::Reply;
pub use site::{Asked, Site};
