//! The page at `/`: what this server is.

use super::parts::{Link, Person};
use crate::pages::render::{Page, Policy};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct Home {
    pub issuer: String,
    /// Who is signed in here, if anybody.
    pub person: Option<Person>,
    /// Only what exists.
    pub links: Vec<Link>,
}

impl Page for Home {
    const TEMPLATE: &'static str = "home.html";
    const POLICY: Policy = Policy::Stays;
}
