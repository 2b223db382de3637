//! R23 — bad configuration while the server runs: nothing of it takes hold, and nothing is dropped.

use std::io::{self, Error};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::wire::{App, Reply, Wire};
use crate::world::chores::{free_port, run as program, until};
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R23",
    name: "bad configurations are applied, the files of the start spoiled, certificates lost or replaced, SIGHUP, many changes",
    pass: "a bad configuration is refused with one clear line and changes nothing; good ones hold within 1 s; SIGHUP and spoiled files \
           change nothing for a server that runs, and a start says what is wrong; no request is dropped",
    smoke: false,
    run,
};

const HEARD: Duration = Duration::from_secs(1);

/// What `apply` is given, and a word of the refusal.
const BAD: [(&str, &str); 6] = [
    ("[lifetimes]\naccess_token = \"5m\"\n[[clients", "bad.toml"),
    ("[lifetimes]\naccess_tokn = \"5m\"\n", "access_tokn"),
    ("[lifetimes]\naccess_token = \"9999d\"\n", "access_token"),
    ("[lifetimes]\naccess_token = 7.5\n", "access_token"),
    ("[[scopes]]\nname = \"fresh\"\ndescription = \"x\"\n[[apis]]\nid = \"a\"\n", "bad.toml"),
    ("\u{0}\u{1}\u{2}", "bad.toml"),
];

struct World {
    node: Node,
    outcome: Outcome,
    service: App,
    /// The listener that ends TLS itself.
    tls: String,
    certificate: PathBuf,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    play(stage, &BAD)
}

/// Good configurations that are called bad: that they are taken must be seen.
pub fn prove(stage: &Stage) -> io::Result<Outcome> {
    play(stage, &[("[lifetimes]\naccess_token = \"4m\"\n", "never said")])
}

fn play(stage: &Stage, bad: &[(&str, &str)]) -> io::Result<Outcome> {
    let (certificate, key) = (stage.home.join("own.pem"), stage.home.join("own.key"));
    if let Err(error) = sign(&certificate, &key, "30") {
        return Ok(Outcome::skipped(error.to_string()));
    }
    let port = free_port()?;
    let tls = format!("127.0.0.1:{port}");
    let own = "VALETKEY__HTTP__CLIENT_CERTIFICATES__";
    let place = Place::new(&stage.bin, &stage.home, "node")?
        .with(&format!("{own}LISTEN"), &tls)
        .with(&format!("{own}URL"), &format!("https://localhost:{port}"))
        .with(&format!("{own}CERTIFICATE_FILE"), &certificate.display().to_string())
        .with(&format!("{own}KEY_FILE"), &key.display().to_string());
    let node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let service = crew.workers[0].apps.service.clone();
    let mut world = World { node, outcome: Outcome::new(), service, tls, certificate };
    // Fair weather all the while: a request that is refused or not answered is a breach.
    crew.load(|_| {
        for _ in 0..stage.rounds(1, 5) {
            world.outcome.rounds += 1;
            world.refused(stage, bad)?;
            world.changes(stage)?;
            world.hangups()?;
            world.certificates(&key)?;
        }
        Ok(())
    })?;
    crew.judge(Depth::All);
    crew.judge_log(&world.node.place)?;
    world.outcome.take(&mut crew);
    Ok(world.outcome)
}

/// A self-signed certificate that lasts some days.
fn sign(certificate: &Path, key: &Path, days: &str) -> io::Result<()> {
    let [out, keyout] = [certificate, key].map(|path| path.display().to_string());
    let subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", days];
    let words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    program("openssl", &[&words[..], &subject[..], &["-out", &out, "-keyout", &keyout]].concat()).map(|_| ())
}

impl World {
    fn export(&self) -> io::Result<Value> {
        self.node.place.manage(&["export"], "").map_err(Error::other)
    }

    fn apply(&self, file: &Path) -> Result<Value, String> {
        self.node.place.manage(&["apply", "-f", &file.display().to_string()], "")
    }

    /// How long a token lives that is made now, in seconds.
    fn lifetime(&self) -> Option<u64> {
        let mut wire = Wire::new(self.node.place.public, &self.node.place.issuer);
        match wire.call("/oauth/token", &self.service, &[("grant_type", "client_credentials")]) {
            Reply::Done(body) => body["expires_in"].as_u64(),
            _ => None,
        }
    }

    fn refused(&mut self, stage: &Stage, bad: &[(&str, &str)]) -> io::Result<()> {
        let (before, lifetime, file) = (self.export()?, self.lifetime(), stage.home.join("bad.toml"));
        for (text, word) in bad {
            std::fs::write(&file, text)?;
            let said = self.apply(&file);
            let clear = said.as_ref().is_err_and(|said| said.contains(word) && !said.contains("panicked"));
            self.outcome.demand(clear, || format!("{text:?}: {said:?}"));
            self.outcome.acknowledged += 1;
        }
        let same = self.export()? == before && self.lifetime() == lifetime;
        self.outcome.demand(same, || "a refused configuration changed something".to_owned());
        Ok(())
    }

    /// Good changes, one after the other.
    fn changes(&mut self, stage: &Stage) -> io::Result<()> {
        let file = stage.home.join("good.toml");
        let times = stage.pick(4, 20);
        for n in 0..times {
            let minutes = 5 + n % 3;
            std::fs::write(&file, format!("[lifetimes]\naccess_token = \"{minutes}m\"\n"))?;
            self.apply(&file).map_err(Error::other)?;
            let heard = until("the change holds", HEARD * 10, || self.lifetime() == Some(minutes * 60))?;
            self.outcome.in_time("hearing of a change", heard, stage.limit(HEARD));
            self.outcome.acknowledged += 1;
        }
        Ok(())
    }

    fn hangups(&mut self) -> io::Result<()> {
        for _ in 0..10 {
            self.node.signal("HUP")?;
            thread::sleep(Duration::from_millis(10));
        }
        let ended = self.node.ended()?;
        self.outcome.demand(ended.is_none() && self.node.is_ready(), || format!("after SIGHUP: {ended:?}"));
        Ok(())
    }

    /// The certificate that its TLS listener shows.
    fn shown(&self) -> io::Result<String> {
        let script = format!(
            "openssl s_client -connect {} -servername localhost </dev/null 2>/dev/null | openssl x509 -noout -fingerprint",
            self.tls
        );
        let output = program("sh", &["-c", &script])?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Its files are spoiled while it runs; a second server is started on each.
    fn certificates(&mut self, key: &Path) -> io::Result<()> {
        let (whole, before) = (std::fs::read(&self.certificate)?, self.shown()?);
        for wrong in ["missing", "garbage", "another's"] {
            match wrong {
                "missing" => std::fs::remove_file(&self.certificate)?,
                "garbage" => std::fs::write(&self.certificate, "-----BEGIN CERTIFICATE-----\nnonsense\n")?,
                _ => sign(&self.certificate, &key.with_extension("other"), "1")?,
            }
            self.node.signal("HUP")?;
            let after = self.shown()?;
            self.outcome.demand(after == before, || format!("{wrong}: {after:?} is shown, not {before:?}"));
            let mut second = Node::new(self.second(wrong)?);
            let status = second.try_start(Duration::from_secs(10))?;
            let words = second.place.last_words();
            let clear = status.is_some_and(|status| !status.success()) && words.contains("certificate_file");
            self.outcome.demand(clear, || format!("a start with {wrong} certificate: {status:?}, {words}"));
            self.outcome.acknowledged += 1;
        }
        std::fs::write(&self.certificate, whole)
    }

    fn second(&self, wrong: &str) -> io::Result<Place> {
        let name = format!("second-{}-{}", &wrong[..4], self.outcome.rounds);
        let place = self.node.place.sibling(&name)?;
        Ok(place.with("VALETKEY__HTTP__CLIENT_CERTIFICATES__LISTEN", "127.0.0.1:0"))
    }
}
