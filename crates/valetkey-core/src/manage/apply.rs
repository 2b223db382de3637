//! Applying a configuration: what a file wants beside what is there, as a plan that is shown, or carried out whole.

mod catalog;
mod clients;
mod diff;
mod export;
mod form;
mod issuers;
mod settings;
mod tenants;
mod things;
mod upstreams;

pub use diff::{Action, Change, MemberChange};
pub use export::{Export, export};
pub use form::{CLAIMS, ENDPOINT, Members};
pub use settings::{SETTINGS, settings_document};

use super::{ManageError, TRIES};
use crate::audit::{Actor, Record};
use crate::context::Context;
use crate::error::{Fault, becomes};
use crate::ids::ClientId;
use crate::secret::{Secret, SecretHash};
use crate::store::{Step, Write};
use std::collections::BTreeSet;

/// What a file has lists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Tenant,
    Upstream,
    Issuer,
    Scope,
    Api,
    Client,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Tenant, Self::Upstream, Self::Issuer, Self::Scope, Self::Api, Self::Client];

    /// The list's name in a file.
    pub const fn list(self) -> &'static str {
        match self {
            Self::Tenant => "tenants",
            Self::Upstream => "upstreams",
            Self::Issuer => "trusted_issuers",
            Self::Scope => "scopes",
            Self::Api => "apis",
            Self::Client => "clients",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Upstream => "upstream",
            Self::Issuer => "issuer",
            Self::Scope => "scope",
            Self::Api => "API",
            Self::Client => "client",
        }
    }

    /// The member that tells one from another.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Scope => "name",
            Self::Tenant | Self::Upstream | Self::Issuer | Self::Api | Self::Client => "id",
        }
    }

    /// What can be said of one, in the order in which it is written.
    pub fn members(self) -> &'static [&'static str] {
        match self {
            Self::Tenant => &["id", "name", "disabled"],
            Self::Upstream => &upstreams::UPSTREAM,
            Self::Issuer => &issuers::ISSUER,
            Self::Scope => &["name", "description", "detail", "default"],
            Self::Api => &catalog::API,
            Self::Client => &clients::MEMBERS,
        }
    }
}

/// One thing as a file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    pub kind: Kind,
    pub id: String,
    pub members: Members,
    /// Of a client: exactly these shall open it. Empty: what it has stays; a new one is given one.
    pub secrets: Vec<SecretHash>,
    /// Of an upstream: what it gave us. Nothing: what is there stays.
    pub secret: Option<Secret>,
}

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    pub things: Vec<Thing>,
    /// Kinds that are spoken of, though it be to say that there are none.
    pub kinds: BTreeSet<Kind>,
    /// The settings that are spoken of, in sections.
    pub settings: Members,
    /// What is not named goes, of the kinds and sections that are spoken of.
    pub prune: bool,
    /// Every setting that is not named goes, spoken of or not.
    pub only_these_settings: bool,
}

/// Where a mistake stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Member(Kind, String, String),
    /// A dotted key.
    Setting(String),
}

/// What is wrong, as a sentence for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    pub message: String,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Refusal {
    Problems(Vec<Problem>),
    Failed(ManageError),
}

becomes!(Fault => Refusal::Failed);

/// What would be done.
#[derive(Debug, Default)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// Made for clients that brought none: to be shown once, after they were written.
    pub secrets: Vec<(ClientId, Secret)>,
    /// Settings that hold and that nothing wanted names: of an earlier time.
    pub kept: Vec<String>,
    steps: Vec<(Step, Record)>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Compares what is wanted with what is there, by the rules of the single commands.
pub async fn plan(cx: &Context, actor: &Actor, wanted: &Wanted) -> Result<Plan, Refusal> {
    let mut draft = things::Draft::read(cx, actor, wanted).await?;
    draft.tenants();
    draft.upstreams();
    draft.issuers();
    draft.scopes();
    draft.apis();
    draft.settings();
    draft.clients();
    draft.check_places();
    draft.finish()
}

/// Carries out what is wanted: all of it, or nothing. Returns the plan as it was carried out.
pub async fn apply(cx: &Context, actor: &Actor, wanted: &Wanted) -> Result<Plan, Refusal> {
    for _ in 0..TRIES {
        let plan = plan(cx, actor, wanted).await?;
        if plan.steps.is_empty() {
            return Ok(plan);
        }
        if cx.store.carry_out(&plan.steps).await? == Write::Done {
            cx.follow_changes().await?;
            return Ok(plan);
        }
    }
    Err(Refusal::Failed(super::refused("others keep changing the configuration: try again")))
}
