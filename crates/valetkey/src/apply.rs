//! Configuration as a file: reading it with the place of every word, telling what it would change, writing it down.

mod file;
mod merge;
pub(crate) mod preset;
mod print;
mod secret;
mod write;

pub(crate) use file::Source;
use merge::in_order;
pub(crate) use merge::{Merged, merge};
pub(crate) use print::{to_json, to_text};
pub(crate) use write::{export_json, export_text};

use anyhow::Result;
use valetkey_core::audit::Actor;
use valetkey_core::context::Context;
use valetkey_core::manage::apply::{self, Plan, Refusal};

/// Compares the files with what is there; carries it out unless this is only for looking.
pub(crate) async fn run(cx: &Context, actor: &Actor, merged: &Merged, dry_run: bool) -> Result<Plan> {
    let planned = if dry_run {
        apply::plan(cx, actor, &merged.wanted).await
    } else {
        apply::apply(cx, actor, &merged.wanted).await
    };
    planned.map_err(|refusal| match refusal {
        Refusal::Problems(problems) => {
            in_order(problems.iter().map(|problem| merged.located(problem)).collect()).into()
        }
        Refusal::Failed(error) => error.into(),
    })
}
