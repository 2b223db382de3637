//! Rows of the gateway: through it to an echo, and what a reverse proxy asks it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::browser::{Browser, read_whole};
use crate::echo::{Echo, PATH, REQUEST_BYTES};
use crate::exchange::{Exchange, Fixed, Step};
use crate::http::{self, Answer, find};
use crate::load::{Load, Party};
use crate::measure::Stage;
use crate::report::Figures;
use crate::server::{Install, UNCHECKED, locate_beside};

const API: &str = "bench-gateway";
const PREFIX: &str = "/bench";
/// Of the upstream's answers.
const ANSWER_BYTES: usize = 300;
const LONGEST_NEWS: Duration = Duration::from_secs(10);

/// A POST through the gateway, divided by the same server that looks at nothing.
pub(super) fn through(stage: &mut Stage) -> Result<Figures> {
    let echo = Echo::start(stage.pins, ANSWER_BYTES)?;
    let open = Install::prepare(
        locate_beside(&stage.install.binary, &UNCHECKED)?,
        &stage.install.parent()?,
        stage.pins,
    )?;
    let running = open.start()?;
    register(&open, &echo)?;
    register(&stage.install, &echo)?;
    let request = post(stage, &token(stage)?);
    for install in [&open, &stage.install] {
        wait_for(install, &request)?;
    }
    let baseline = |stage: &Stage| {
        let exchanges = (0..stage.plan.connections).map(|_| Fixed::boxed(&request, r#""echo""#)).collect();
        let mut load = Load::connect(open.public, vec![Party { exchanges, rate: None }])?;
        load.run(stage.plan.warm_up)?;
        let sample = load.run(stage.plan.run)?.remove(0);
        match &sample.first_error {
            Some(error) => bail!("the server that checks nothing failed: {error}"),
            None => Ok(sample.rate()),
        }
    };
    let before = baseline(stage)?;
    let exchanges = (0..stage.plan.connections).map(|_| Fixed::boxed(&request, r#""echo""#)).collect();
    let mut figures = stage.measure(exchanges)?;
    let after = baseline(stage)?;
    figures.compare_rate("the same server, its check switched off".to_owned(), f64::midpoint(before, after));
    stage.install.manage(&["api", "delete", API], None)?;
    drop(running);
    Ok(figures.with_note(format!(
        "without the check {before:.0}/s before, {after:.0}/s after; the upstream shares its core"
    )))
}

/// What nginx asks before each request.
pub(super) fn forward_auth(stage: &mut Stage) -> Result<Figures> {
    let echo = Echo::start(stage.pins, ANSWER_BYTES)?;
    register(&stage.install, &echo)?;
    let token = token(stage)?;
    wait_for(&stage.install, &post(stage, &token))?;
    let extra = format!(
        "Authorization: Bearer {token}\r\nX-Original-Method: POST\r\nX-Original-URI: {PREFIX}{PATH}\r\n"
    );
    let request = http::get(&stage.install.host(), "/forward-auth/nginx", &extra);
    let exchange = |_| Box::new(LetThrough(request.clone())) as Box<dyn Exchange>;
    let figures = stage.measure((0..stage.plan.connections).map(exchange).collect())?;
    stage.install.manage(&["api", "delete", API], None)?;
    Ok(figures)
}

/// The same question again and again; each answer must say who it is.
struct LetThrough(Vec<u8>);

impl Exchange for LetThrough {
    fn request(&self) -> &[u8] {
        &self.0
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        let named = find(answer.head, b"remote-client: ").is_some();
        if answer.status == 200 && named { Ok(Step::Done) } else { Err(answer.describe()) }
    }
}

/// The API with the echo behind it, and a rule.
fn register(install: &Install, echo: &Echo) -> Result<()> {
    let upstream = format!("http://{}", echo.address);
    let api = ["api", "create", "--id", API, "--name", "Echo", "--prefix", PREFIX, "--upstream", &upstream];
    install.manage(&api, None)?;
    let rule = ["endpoint", "create", "--api", API, "--method", "POST", "--path", PATH, "--scope", "read"];
    install.manage(&rule, None).map(drop)
}

fn token(stage: &Stage) -> Result<String> {
    let resource = format!("http://{}{PREFIX}", stage.install.host());
    let request = stage.actors.token_for(&resource);
    let deadline = Instant::now() + LONGEST_NEWS;
    loop {
        let bytes = Browser::open(stage.install.public, &stage.install.host())?.send(&request)?;
        let answer = read_whole(&bytes)?;
        match answer.json_text("access_token") {
            Some(token) => return Ok(token.to_owned()),
            None if Instant::now() > deadline => bail!("no token: {}", answer.describe()),
            None => crate::stop::pause(Duration::from_millis(20)),
        }
    }
}

fn post(stage: &Stage, token: &str) -> Vec<u8> {
    let extra = format!("Authorization: Bearer {token}\r\n");
    http::post(&stage.install.host(), &format!("{PREFIX}{PATH}"), &extra, &"x".repeat(REQUEST_BYTES))
}

/// A server acts on what a command registered within a second.
fn wait_for(install: &Install, request: &[u8]) -> Result<()> {
    let deadline = Instant::now() + LONGEST_NEWS;
    loop {
        let bytes = Browser::open(install.public, &install.host())?.send(request)?;
        let answer = read_whole(&bytes).context("through the gateway")?;
        if answer.status == 200 {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the gateway does not let the benchmark through: {}", answer.describe());
        }
        crate::stop::pause(Duration::from_millis(20));
    }
}
