//! What is known of a person beyond name and e-mail address, and what of it they change.

use super::ConfirmError;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `/account/details`: a field each, by its name; `password`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountDetails {
    pub csrf: String,
    pub username: String,
    pub has_password: bool,
    /// Without those that hold nothing and cannot be changed.
    pub groups: Vec<ClaimGroup>,
    /// Whether there is anything that the person may change.
    pub editable: bool,
    /// Whether the phone number may be changed, which wants the password.
    pub phone: bool,
    pub confirm: Option<ConfirmError>,
}

impl Page for AccountDetails {
    const TEMPLATE: &'static str = "account_details.html";
    const POLICY: Policy = Policy::Stays;
}

#[derive(Debug, Clone, Serialize)]
pub struct ClaimGroup {
    pub legend: &'static str,
    pub fields: Vec<ClaimField>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ClaimField {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub kind: ClaimKind,
    pub autocomplete: &'static str,
    /// As typed, or as it stands.
    pub value: String,
    pub editable: bool,
    /// What is wrong with it, as a sentence.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    Text,
    Url,
    Tel,
    /// Several lines.
    Area,
}
