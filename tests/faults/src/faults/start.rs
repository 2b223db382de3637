//! R28 — starting where something is wrong already.

use std::io::{self, Error};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R28",
    name: "second process on one SQLite file, stale lock, port in use, half-written configuration",
    pass: "the second process is refused and the first notices nothing; a lock of the dead is no hindrance; every refusal is \
           one clear line and an exit status that is not 0",
    smoke: true,
    run,
};

const PATIENCE: Duration = Duration::from_secs(10);

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let place = Place::new(&stage.bin, &stage.home, "node")?;
    let mut node = Node::started(place.clone())?;
    let mut crew = Crew::hire(&place, &[place.public], stage.workers, stage.seed, &stage.home)?;
    let mut second = place.sibling("second")?;
    second.data.clone_from(&place.data);
    for _ in 0..stage.rounds(2, 20) {
        outcome.rounds += 1;
        crew.load(|_| {
            expect_refusal(&second, &["serve"], "another valetkey server uses", &mut outcome)?;
            expect_refusal(&second, &["dev"], "another valetkey server uses", &mut outcome)
        })?;
        crew.judge(Depth::Sample);
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let busy = place.sibling("busy")?.with("VALETKEY__HTTP__LISTEN", &taken.local_addr()?.to_string());
        // The port is refused, and nothing is left that would hinder the next start.
        expect_refusal(&busy, &["serve"], "in use", &mut outcome)?;
        half_written(stage, &place, &mut outcome)?;
        // The lock's file outlives its holder; the lock does not.
        node.kill()?;
        std::fs::write(place.data.join("valetkey.lock"), "1\n")?;
        let took = node.start()?;
        outcome.recovered(took, stage.limit(Duration::from_secs(2)));
        crew.judge(Depth::Sample);
    }
    crew.judge(Depth::All);
    crew.judge_log(&place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

/// Starts it and wants a refusal in these words.
fn expect_refusal(place: &Place, arguments: &[&str], words: &str, outcome: &mut Outcome) -> io::Result<()> {
    let mut command = place.command();
    let mut child =
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let ended = crate::world::chores::until("a refusal", PATIENCE, || {
        child.try_wait().is_ok_and(|status| status.is_some())
    });
    if ended.is_err() {
        child.kill()?;
        outcome.demand(false, || format!("{arguments:?} was not refused ({words})"));
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let clear = said.to_lowercase().contains(words) && !said.contains("panicked");
    outcome.demand(!output.status.success() && clear, || format!("{} and: {}", output.status, said.trim()));
    outcome.acknowledged += 1;
    Ok(())
}

/// A configuration that was being written when the power went.
fn half_written(stage: &Stage, place: &Place, outcome: &mut Outcome) -> io::Result<()> {
    let file = stage.home.join("valetkey-half.toml");
    let whole = format!(
        "issuer = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n[lifetimes]\ncode = \"60s\"\n",
        place.issuer
    );
    let path = file.to_str().ok_or_else(|| Error::other("a path that is no text"))?;
    // Cut in the middle of a key, of a text, of a table's name.
    for (cut, words) in
        [(5, "valetkey-half.toml"), (20, "valetkey-half.toml"), (whole.len() - 24, "valetkey-half.toml")]
    {
        std::fs::write(&file, &whole[..cut])?;
        expect_refusal(&place.sibling("half")?, &["--config", path, "serve"], words, outcome)?;
    }
    Ok(())
}
