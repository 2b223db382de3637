//! The console: the shell that its modules fill, and the lines for those without script.

use super::parts::Person;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct Console {
    pub issuer: String,
    /// Who is signed in here, if anybody.
    pub person: Option<Person>,
    /// Whether the developer portal is there to be linked to.
    pub portal: bool,
    /// For the lines without script.
    pub authorize: String,
    pub token: String,
    pub redirect_uri: String,
}

impl Page for Console {
    const TEMPLATE: &'static str = "console.html";
    const POLICY: Policy = Policy::Console;
}
