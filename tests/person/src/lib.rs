//! A scripted person: a small blocking HTTP/1.1 client, an HTML form reader, and the walk through login and consent.

mod form;
mod http;
mod walk;

pub use form::{Field, Form};
pub use http::{Connection, Request, Response, decode, encode, pairs};
pub use walk::{Answer, Person};
