//! Commands behind the command line and, later, the admin API and the portal: each rule once.

pub mod api;
pub mod application;
pub mod apply;
pub mod approval;
pub mod client;
pub mod consent;
pub mod console;
pub mod details_type;
pub mod endpoint;
pub mod grant;
pub mod issuer;
pub mod key;
pub mod mastodon;
pub mod portal;
pub mod register;
pub mod scope;
mod sector;
pub mod session;
pub mod settings;
pub mod setup;
pub mod tenant;
pub mod token;
pub mod upstream;
pub mod user;

use crate::context::Context;
use crate::error::{Fault, becomes};
use crate::settings::LONGEST_OPTED_ACCESS_TOKEN;
use crate::store::{Mark, MarkKind, Write};

/// Why a command was not carried out.
#[derive(Debug)]
pub enum ManageError {
    /// What to change, as one sentence for the person who asked.
    Refused(String),
    /// There is no such thing: its kind.
    Unknown(&'static str),
    /// It exists already: its kind.
    Exists(&'static str),
    Failed(Fault),
}

becomes!(Fault => ManageError::Failed);

impl std::fmt::Display for ManageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(text) => f.write_str(text),
            Self::Unknown(kind) => write!(f, "there is no such {kind}"),
            Self::Exists(kind) => write!(f, "a {kind} of that name exists already"),
            Self::Failed(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ManageError {}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err, which gives the error away")]
pub(crate) fn refused(why: impl ToString) -> ManageError {
    ManageError::Refused(why.to_string())
}

/// How often a change is tried again when somebody else changed the same thing meanwhile.
const TRIES: usize = 5;

pub(crate) fn created(write: Write, kind: &'static str) -> Result<(), ManageError> {
    match write {
        Write::Done => Ok(()),
        Write::Conflict | Write::Unknown => Err(ManageError::Exists(kind)),
    }
}

pub(crate) fn changed(write: Write, kind: &'static str) -> Result<(), ManageError> {
    match write {
        Write::Done => Ok(()),
        Write::Conflict => Err(refused("somebody else changed it at the same moment: try again")),
        Write::Unknown => Err(ManageError::Unknown(kind)),
    }
}

/// A mark that takes back everything of `key` up to now.
pub(crate) fn mark_now(cx: &Context, kind: MarkKind, key: &str) -> Mark {
    Mark {
        kind,
        key: key.as_bytes().to_vec(),
        not_after_ms: cx.mark_ms(),
        expires_at: cx.now + LONGEST_OPTED_ACCESS_TOKEN,
    }
}
