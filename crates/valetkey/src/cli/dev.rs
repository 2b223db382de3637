//! `valetkey dev`: a server to try things on, reachable from this machine only.

use super::Global;
use super::manage::DEV_DIR;
use super::values;
use crate::apply::{Source, merge, preset};
use crate::config::check::is_loopback;
use crate::config::keys::{DynamicRegistration, MetadataDocuments};
use crate::config::values::Destination;
use crate::config::{Config, Loaded, Sources, variables};
use crate::dev::Chosen;
use crate::serve::{Listeners, lock, prepare, runtime};
use crate::{dev, logging, serve};
use anyhow::{Result, bail};
use clap::Args;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use url::Url;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen, on this machine; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "127.0.0.1:PORT", value_parser = values::address)]
    listen: Option<String>,
    /// Be the service of a preset: tout, mastodon, toon, service-account, own-provider; repeat for several that agree
    #[arg(long, value_name = "NAME", value_parser = preset::parse)]
    preset: Vec<(String, Source)>,
}

impl Arguments {
    /// The presets together; those that contradict each other are refused before anything starts.
    fn chosen(&self) -> Result<Chosen> {
        let mut names: Vec<String> = Vec::new();
        let mut sources: Vec<Source> = Vec::new();
        for (name, source) in &self.preset {
            if !names.contains(name) {
                names.push(name.clone());
                sources.push(source.clone());
            }
        }
        Ok(Chosen { names, merged: merge(&sources)? })
    }
}

pub(crate) fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let chosen = arguments.chosen()?;
    let loaded = Loaded::read(&sources(global, arguments))?;
    let own_management = loaded.origin("management.listen").is_some();
    let own_registration = loaded.origin("registration.dynamic").is_some();
    let own_documents = loaded.origin("registration.metadata_documents").is_some();
    let own_dir = loaded.origin("data_dir").is_some();
    let mut config = loaded.config;
    if !own_registration {
        // Contract 2.2: on this machine, applications may come by themselves.
        config.registration.dynamic = DynamicRegistration::Open;
    }
    if !own_documents {
        config.registration.metadata_documents = MetadataDocuments::Open;
    }
    // What an application that is being made serves, it serves here.
    let here = ["127.0.0.0/8", "::1"].map(|range| Destination(range.to_owned()));
    config.outbound.allow.0.extend(here);
    if !own_dir {
        config.data_dir = DEV_DIR.into();
    }
    refuse_the_world(&config)?;
    // It is watched by a person: what is worth a line in production is noise between the lines to paste.
    if config.log.level == Config::default().log.level && !global.json {
        "warn".clone_into(&mut config.log.level);
    }
    let pipe = logging::start(&config.log)?;
    let json = global.json;
    let ended = runtime()?.block_on(async {
        let lock = lock(&config)?;
        let listeners = bind(&config, own_management)?;
        let port = listeners.public_addresses.first().map_or(0, SocketAddr::port);
        let issuer = config.issuer.clone().unwrap_or_else(|| format!("http://localhost:{port}"));
        let ready = prepare(config, lock, listeners, issuer).await?;
        let upstream = dev::echo::start(ready.cx.random())?;
        let seeded = dev::seed(&ready.cx, &upstream, chosen).await?;
        let demo = seeded.demo.clone();
        ready.run(Some(demo), |ready| dev::greet(ready, &seeded, json)).await
    });
    pipe.flush();
    ended
}

/// Only what is asked for: a `valetkey.toml` that lies here is meant for `serve`.
fn sources(global: &Global, arguments: &Arguments) -> Sources {
    let dir =
        global.data_dir.as_ref().map(|dir| ("data_dir", "--data-dir", dir.to_string_lossy().into_owned()));
    let listen = arguments.listen.clone().map(|listen| ("http.listen", "--listen", listen));
    Sources {
        files: global.config.clone(),
        variables: variables(),
        flags: dir.into_iter().chain(listen).collect(),
    }
}

/// Its passwords are in the manual: nobody but this machine may reach it.
fn refuse_the_world(config: &Config) -> Result<()> {
    let open = config
        .http
        .listen
        .0
        .iter()
        .chain(&config.management.listen.0)
        .find(|address| !address.ip().is_loopback());
    if let Some(address) = open {
        bail!(
            "`dev` listens on this machine only, and {address} is open to others: use 127.0.0.1, or `valetkey serve`"
        );
    }
    let local =
        config.issuer.as_deref().is_none_or(|issuer| Url::parse(issuer).is_ok_and(|url| is_loopback(&url)));
    if !local {
        bail!("`dev` is this machine: leave `issuer` out, or use `valetkey serve`");
    }
    Ok(())
}

/// Binds what is configured. `localhost` is two addresses to a browser, so the other one is taken too where it is free;
/// and the management port moves out of the way of another server unless it was asked for.
fn bind(config: &Config, own_management: bool) -> Result<Listeners> {
    let mut all = Listeners::bind(&config.http.listen.0, &[])?;
    if let [only] = all.public_addresses[..] {
        let other: IpAddr =
            if only.is_ipv4() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        if let Ok(listener) = valetkey_web::serve::bind(SocketAddr::new(other, only.port())) {
            all.add_public(listener)?;
        }
    }
    for address in &config.management.listen.0 {
        let bound = match serve::bind(*address, "management.listen") {
            Err(_) if !own_management => serve::bind(SocketAddr::new(address.ip(), 0), "management.listen")?,
            bound => bound?,
        };
        all.add_management(bound)?;
    }
    Ok(all)
}
