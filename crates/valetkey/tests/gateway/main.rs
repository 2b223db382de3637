//! The gateway from outside: the real binary, a real upstream that says what it received, requests byte by byte.

mod forward_auth;
mod headers;
mod hostile;
mod passing;
mod reference;
mod support;
