//! `valetkey doctor`: looks at configuration, files and store, and says what to do.

use super::Global;
use super::manage::{Managed, chosen};
use super::output::{self, Answer};
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::config::permissions::open_to_others;
use crate::home::Home;
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;
use valetkey_core::manage::user::sign_up;
use valetkey_core::outbound::Clock;

/// How a look turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, and should be looked at.
    Warning,
    Bad,
}

#[derive(Debug)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    words: String,
}

/// A clock before this is not set: 2026-01-01.
const NEWEST_PAST: u64 = 1_767_225_600_000;

pub(crate) async fn run(global: &Global) -> Result<ExitCode> {
    let mut findings = vec![clock()];
    match chosen(global) {
        Ok(loaded) => {
            findings.push(good("configuration", "no mistakes"));
            findings.push(serving(&loaded));
            files(&Home::new(&loaded.config), &mut findings);
            store(&loaded, &mut findings).await;
        }
        Err(error) => findings.push(bad("configuration", output::said(&error))),
    }
    let well = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    report(&findings, well).print(global.json)?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn good(what: &'static str, words: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Good, words: words.into() }
}

fn warning(what: &'static str, words: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Warning, words: words.into() }
}

fn bad(what: &'static str, words: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Bad, words: words.into() }
}

fn report(findings: &[Finding], well: bool) -> Answer {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Bad => "WRONG  ",
        };
        let _ = writeln!(
            text,
            "{mark}  {:<14}  {}",
            finding.what,
            finding.words.replace('\n', "\n                         ")
        );
    }
    let checks: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let verdict = match finding.verdict {
                Verdict::Good => "ok",
                Verdict::Warning => "warning",
                Verdict::Bad => "wrong",
            };
            json!({"id": finding.what, "verdict": verdict, "message": finding.words})
        })
        .collect();
    Answer::Text { json: json!({"id": "doctor", "well": well, "checks": checks}), text }
}

fn nowhere_to_sign_up(ids: &[&str]) -> String {
    let ids = ids.join("`, `");
    format!(
        "accounts.sign_up names `{ids}`, and there is no such user directory: nobody can make an account there; see \
         `valetkey tenant list`"
    )
}

fn clock() -> Finding {
    if SystemClock.now_ms() < NEWEST_PAST {
        return bad("clock", "the machine's clock is years behind: set it, or no token will be of use");
    }
    good("clock", "set")
}

fn serving(loaded: &Loaded) -> Finding {
    match loaded.check_serve() {
        Ok(()) => good("issuer", loaded.config.issuer.clone().unwrap_or_default()),
        Err(problems) => warning("issuer", problems.to_string()),
    }
}

fn files(home: &Home, findings: &mut Vec<Finding>) {
    let Ok(metadata) = std::fs::metadata(&home.dir) else {
        findings.push(warning("data directory", format!("{} is not there yet", home.dir.display())));
        return;
    };
    findings.push(if open_to_others(&metadata) {
        warning("data directory", format!("{0} is open to everyone: run `chmod 700 {0}`", home.dir.display()))
    } else {
        good("data directory", home.dir.display().to_string())
    });
}

/// Opens the store as every management command does, and looks at what a server would need.
async fn store(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let managed = match Managed::open_configured(loaded).await {
        Ok(managed) => managed,
        Err(error) => {
            findings.push(bad("store", output::said(&error)));
            return;
        }
    };
    let cx = &managed.cx;
    findings.push(match cx.store.ping().await {
        Ok(()) => good("store", "opens, and can be written to"),
        Err(error) => bad("store", error.to_string()),
    });
    let keys = cx.keys().stored().len();
    findings.push(if keys == 0 {
        warning("keys", "none yet: the first start of the server makes them")
    } else {
        good("keys", format!("the master key opens all {keys}"))
    });
    findings.push(match cx.store.has_admin().await {
        Ok(true) => good("administrator", "there is one"),
        Ok(false) => {
            warning("administrator", "none yet: the server prints a link at its start to make the first")
        }
        Err(error) => bad("administrator", error.to_string()),
    });
    let nowhere = sign_up::nowhere(cx);
    if !nowhere.is_empty() {
        let ids: Vec<&str> = nowhere.iter().map(|id| id.as_str()).collect();
        findings.push(bad("sign-up", nowhere_to_sign_up(&ids)));
    }
    if let Ok(counts) = cx.store.row_counts().await {
        let words: Vec<String> = counts.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
        findings.push(good("rows", words.join(", ")));
    }
    managed.close().await;
}
