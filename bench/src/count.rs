//! Instructions and allocations of one request on each hot path, counted by callgrind: the same on a busy machine as on
//! an idle one, so that continuous integration can hold them to limits.
//!
//! One request follows the other on one connection, so that no two share a commit or a wake-up and the counts repeat.
//! What the crypto library does is told apart and held to no limit: it picks its code by the processor.

mod callgrind;
mod limits;
mod paths;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::browser::Browser;
use crate::exchange::{Exchange, Step};
use crate::options::CountOptions;
use crate::process::Pins;
use crate::server::{self, Install};
use crate::setup::Actors;
use crate::stats::real;
use callgrind::{Profile, Watched};
use limits::{Counts, Limits};

/// Requests before counting: caches fill, statements are planned, buffers find their size.
const WARM_UP: u32 = 60;

/// Counts every path and holds the counts to the limits, or writes them as the new ones.
pub(crate) fn run(options: &CountOptions) -> Result<ExitCode> {
    let binary = server::locate(options.server.as_deref())?;
    let parent = std::env::current_exe()?.parent().context("no directory")?.to_owned();
    // On one core there is one worker: with two, which of them wakes is chance, and costs.
    let install = Install::prepare(binary, &parent, Pins::detect())?;
    let counted = counted(&install, options)?;
    let path = options.limits.clone().unwrap_or_else(limits::place);
    if options.write {
        Limits::new(counted).write(&path)?;
        return Ok(ExitCode::SUCCESS);
    }
    let broken = Limits::read(&path)?.broken_by(&counted);
    for complaint in &broken {
        eprintln!("{complaint}");
    }
    let (passed, failed) = (counted.len().saturating_sub(broken.len()), broken.len());
    println!("{passed} passed, {failed} failed");
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn counted(install: &Install, options: &CountOptions) -> Result<BTreeMap<String, Counts>> {
    // The commands make what the paths need; they run at full speed, before the server does.
    drop(install.start()?);
    let actors = Actors::create(install, 1)?;
    let mut watched = Watched::start(install)?;
    let mut all = BTreeMap::new();
    println!("{:24} {:>13} {:>9} {:>12}", "a request", "instructions", "crypto", "allocations");
    let paths = paths::all(install, &actors)?;
    watched.settle()?;
    for path in paths {
        if !options.paths.is_empty() && !options.paths.iter().any(|name| name == path.name) {
            continue;
        }
        let counts = count(install, &mut watched, path.name, path.exchange, options)?;
        println!(
            "{:24} {:>13.0} {:>9.0} {:>12.1}",
            path.name, counts.instructions, counts.crypto, counts.allocations
        );
        all.insert(path.name.to_owned(), counts);
    }
    Ok(all)
}

/// What one unit of an exchange costs the server, on average over so many.
fn count(
    install: &Install,
    watched: &mut Watched,
    name: &str,
    mut exchange: Box<dyn Exchange>,
    options: &CountOptions,
) -> Result<Counts> {
    let mut browser = Browser::open(install.public, &install.host())?;
    converse(&mut browser, exchange.as_mut(), WARM_UP)?;
    watched.zero()?;
    converse(&mut browser, exchange.as_mut(), options.requests)?;
    let dump = watched.dump()?;
    let profile = Profile::read(&dump)?;
    if let Some(keep) = &options.keep {
        keep_dump(&dump, keep, name)?;
    }
    let each = |count: u64| real(count) / f64::from(options.requests);
    Ok(Counts {
        instructions: each(profile.instructions - profile.crypto),
        crypto: each(profile.crypto),
        allocations: each(profile.allocations),
    })
}

fn keep_dump(dump: &Path, directory: &Path, name: &str) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let to = directory.join(format!("callgrind.out.{name}"));
    std::fs::copy(dump, &to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(())
}

/// So many units, each after the other.
fn converse(browser: &mut Browser, exchange: &mut dyn Exchange, units: u32) -> Result<()> {
    let mut done = 0;
    while done < units {
        let bytes = browser.send(exchange.request())?;
        let answer = crate::browser::read_whole(&bytes)?;
        match exchange.answer(&answer) {
            Ok(Step::Done) => done += 1,
            Ok(Step::Continue) => {}
            Err(wrong) => bail!("{wrong}"),
        }
    }
    Ok(())
}
