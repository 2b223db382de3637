//! `valetkey serve`: the real thing.

use super::Global;
use super::manage::sources;
use super::values;
use crate::config::Loaded;
use crate::serve::{Listeners, Ready, lock, prepare, runtime};
use crate::{home::Home, logging};
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use valetkey_core::manage::setup;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Address and port of the public listener; repeat for several [default: http.listen]
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    listen: Vec<String>,
}

pub(crate) fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let mut sources = sources(global);
    if !arguments.listen.is_empty() {
        sources.flags.push(("http.listen", "--listen", Value::from(arguments.listen.clone()).to_string()));
    }
    let loaded = Loaded::read(&sources)?;
    loaded.check_serve()?;
    let config = loaded.config;
    let pipe = logging::start(&config.log)?;
    let json = global.json;
    let issuer = config.issuer.clone().unwrap_or_default();
    let ended = runtime()?.block_on(async {
        let lock = lock(&config)?;
        let listeners = Listeners::bind(&config.http.listen.0, &config.management.listen.0)?;
        let ready = prepare(config, lock, listeners, issuer).await?;
        let link = setup::link(&ready.cx).await?;
        ready.run(None, |ready| greet(ready, link.as_deref(), json)).await
    });
    pipe.flush();
    ended
}

/// Says where the server is. The set-up link goes to standard output, for it is a secret and the log is none.
fn greet(ready: &Ready, link: Option<&str>, as_json: bool) {
    let (listen, management) = (&ready.listeners.public_addresses, &ready.listeners.management_addresses);
    let home = Home::new(&ready.config);
    tracing::info!(issuer = ready.issuer, ?listen, ?management, data_dir = %home.dir.display(), "ready");
    let text = if as_json {
        let json = json!({
            "id": ready.issuer,
            "issuer": ready.issuer,
            "listen": listen,
            "management": management,
            "certificates": ready.certificates,
            "setup_link": link,
        });
        format!("{json}\n")
    } else {
        let Some(link) = link else { return };
        format!(
            "There is no administrator yet. Open this link within 24 hours to become the first:\n\n  {link}\n\n"
        )
    };
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; the server runs all the same.
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
