//! The pages that people meet: view models, templates, stylesheet, and the handlers that fill them.

pub(crate) mod account;
pub mod assets;
pub mod browser_mode;
pub(crate) mod check_session;
pub(crate) mod consent;
pub(crate) mod console;
pub(crate) mod dev;
pub(crate) mod developer;
pub(crate) mod device;
pub(crate) mod files;
pub(crate) mod flow;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logo;
pub(crate) mod logout;
pub(crate) mod new_password;
mod paging;
pub mod render;
pub mod respond;
pub mod samples;
pub(crate) mod setup;
pub(crate) mod sign_out;
pub(crate) mod sign_up;
pub(crate) mod unconfirmed;
pub(crate) mod upstream;
pub mod view;
