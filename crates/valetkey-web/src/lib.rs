//! HTTP: the edge, the routes, the protocol's endpoints and the pages. Translates; decides nothing.

pub mod app;
mod cookie;
mod developer;
mod extract;
pub mod layer;
pub mod management;
mod mastodon;
mod oauth;
pub mod pages;
pub mod router;
pub mod serve;
