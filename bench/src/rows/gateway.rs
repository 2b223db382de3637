//! Rows of the gateway: through it to an echo, and what a reverse proxy asks it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::browser::{Browser, read_whole};
use crate::echo::{Echo, PATH, REQUEST_BYTES};
use crate::exchange::{Exchange, Fixed, Step};
use crate::http::{self, Answer, find};
use crate::load::{Load, Party};
use crate::measure::{Basis, Exchanges, Stage, World};
use crate::report::Figures;
use crate::server::{Install, UNCHECKED, locate_beside};

const API: &str = "bench-gateway";
const PREFIX: &str = "/bench";
/// Of the upstream's answers.
const ANSWER_BYTES: usize = 300;
const LONGEST_NEWS: Duration = Duration::from_secs(10);

/// A POST through the gateway, beside the same server that looks at nothing.
pub(super) fn through(stage: &Stage) -> Result<Figures> {
    let echo = Echo::start(stage.pins, ANSWER_BYTES)?;
    let unchecked = locate_beside(&stage.binary, &UNCHECKED)?;
    let open = Install::prepare(unchecked, &stage.parent, stage.pins)?;
    let running = open.start()?;
    register(&open, &echo)?;
    let way = Way::open(stage, &stage.empty, &echo)?;
    wait_for(&open, &way.request)?;
    let exchanges = way.exchanges(stage);
    let mut load = Load::connect(open.public, vec![Party { exchanges, rate: None }])?;
    load.run(stage.plan.warm_up)?;
    let mut rate = || {
        let sample = load.run(stage.plan.baseline)?.remove(0);
        match &sample.first_error {
            Some(error) => bail!("the server that checks nothing failed: {error}"),
            None => Ok(sample.rate()),
        }
    };
    let basis = Basis::Rate("the same server, its check switched off".to_owned(), &mut rate);
    let figures = stage.measure(&stage.empty, way.exchanges(stage), basis)?;
    Way::close(&stage.empty)?;
    drop(running);
    Ok(figures.with_note("the upstream shares the server's core".to_owned()))
}

/// Through the gateway of a full store beside that of an empty one.
pub(super) fn through_full(stage: &Stage) -> Result<Figures> {
    let echo = Echo::start(stage.pins, ANSWER_BYTES)?;
    let full = super::full::world(stage)?;
    let (own, other) = (Way::open(stage, full, &echo)?, Way::open(stage, &stage.empty, &echo)?);
    let mut rate = stage.rate_of(&stage.empty, other.exchanges(stage))?;
    let basis = Basis::Rate(super::full::ON_EMPTY.to_owned(), &mut rate);
    let figures = stage.measure(full, own.exchanges(stage), basis)?;
    Way::close(full)?;
    Way::close(&stage.empty)?;
    Ok(figures)
}

/// The API with the echo behind it, and what is sent through it.
struct Way {
    request: Vec<u8>,
}

impl Way {
    fn open(stage: &Stage, world: &World, echo: &Echo) -> Result<Self> {
        register(&world.install, echo)?;
        let request = post(stage, &token(world)?);
        wait_for(&world.install, &request)?;
        Ok(Self { request })
    }

    fn exchanges(&self, stage: &Stage) -> Exchanges {
        (0..stage.plan.connections).map(|_| Fixed::boxed(&self.request, r#""echo""#)).collect()
    }

    fn close(world: &World) -> Result<()> {
        world.install.manage(&["api", "delete", API], None).map(drop)
    }
}

/// What nginx asks before each request.
pub(super) fn forward_auth(stage: &Stage) -> Result<Figures> {
    let echo = Echo::start(stage.pins, ANSWER_BYTES)?;
    let world = &stage.empty;
    Way::open(stage, world, &echo)?;
    let token = token(world)?;
    let extra = format!(
        "Authorization: Bearer {token}\r\nX-Original-Method: POST\r\nX-Original-URI: {PREFIX}{PATH}\r\n"
    );
    let request = http::get(&world.install.host(), "/forward-auth/nginx", &extra);
    let exchange = |_| Box::new(LetThrough(request.clone())) as Box<dyn Exchange>;
    let exchanges = (0..stage.plan.connections).map(exchange).collect();
    let figures = stage.measure(world, exchanges, Basis::Bare)?;
    Way::close(world)?;
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

fn token(world: &World) -> Result<String> {
    let resource = format!("http://{}{PREFIX}", world.install.host());
    let request = world.actors.token_for(&resource);
    let deadline = Instant::now() + LONGEST_NEWS;
    loop {
        let bytes = Browser::open(world.install.public, &world.install.host())?.send(&request)?;
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
    http::post(&stage.empty.install.host(), &format!("{PREFIX}{PATH}"), &extra, &"x".repeat(REQUEST_BYTES))
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
