//! `/dev/callback`, in `valetkey dev` only: plays the app and shows what came back.

use crate::pages::render::{Page, Policy};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct DevCallback {
    pub state: Option<String>,
    pub iss: Option<String>,
    pub came: Callback,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Callback {
    /// A code, and the lines that redeem it (may hold line breaks).
    Code { code: String, curl: String },
    /// The standard's code and sentence.
    Error { error: String, description: Option<String> },
    /// Somebody opened the address by hand.
    Nothing,
}

impl Page for DevCallback {
    const TEMPLATE: &'static str = "dev_callback.html";
    const POLICY: Policy = Policy::Stays;
}
