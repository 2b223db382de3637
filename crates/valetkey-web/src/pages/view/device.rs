//! What another device asks for: its code, and what became of it.

use super::parts::App;
use super::words::When;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET`/`POST /device`. The form posts `csrf` and `user_code` to `/device`.
#[derive(Debug, Clone, Serialize)]
pub struct Device {
    pub csrf: String,
    /// As typed, or from the link.
    pub code: String,
    /// The code came by a link: the person compares instead of typing.
    pub compare: bool,
    pub error: Option<DeviceError>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeviceError {
    Missing,
    /// No device shows this code.
    Unknown,
    Used,
    Expired,
    Throttled {
        wait: String,
    },
    /// The page was open for too long, or in another browser.
    Stale,
}

impl Page for Device {
    const TEMPLATE: &'static str = "device.html";
    const POLICY: Policy = Policy::Stays;
}

/// On the consent page: where it was asked, if not in this browser.
#[derive(Debug, Clone, Serialize)]
pub struct Elsewhere {
    /// What the other device shows; none for a request by the back channel.
    pub code: Option<String>,
    /// What stands on the other screen, word for word.
    pub binding_message: Option<String>,
    pub address: String,
    /// It is the address of this browser.
    pub near: bool,
    /// "Firefox on Linux", where it says so.
    pub device: Option<String>,
    pub asked: When,
}

/// What became of a request that was made elsewhere.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    pub app: App,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// Just now.
    Allowed,
    Denied,
    /// Before.
    Used,
    WasDenied,
    Expired,
    /// It waits for another account.
    Foreign,
    /// The standard's words, for those who made the app.
    Failed {
        error: String,
        detail: String,
    },
}

impl Page for Decided {
    const TEMPLATE: &'static str = "decided.html";
    const POLICY: Policy = Policy::Stays;
}
