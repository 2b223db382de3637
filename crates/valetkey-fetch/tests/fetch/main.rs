//! The guarded fetcher against real servers on this machine, most of them hostile.

mod exchange;
mod keeping;
mod refusing;
mod server;
mod tls;
