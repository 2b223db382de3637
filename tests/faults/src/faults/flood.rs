//! R15 — ten times what it can do: logins, bodies of a megabyte, JOSE bombs, and the usual beside them.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use valetkey_person::{Connection, Person, Request};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::load::wire::{App, Reply, Wire, authorization};
use crate::pace::measure;
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R15",
    name: "flood: the mix, logins, bodies of 1 MB and JOSE bombs on 80 connections at once",
    pass: "memory never above 256 MB; nothing but the protocol's answers, 413, 429 and 503; p99 back to base within 10 s after; \
           nothing acknowledged is lost",
    smoke: false,
    run,
};

/// In KiB.
const MEMORY: u64 = 256 * 1024;

#[derive(Debug, Default)]
struct Tally {
    answered: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    unclean: AtomicU64,
}

impl Tally {
    fn count(&self, status: Option<u16>) {
        let counter = match status {
            Some(413 | 429 | 503) => &self.refused,
            Some(500..) => &self.unclean,
            Some(_) => &self.answered,
            None => &self.lost,
        };
        counter.fetch_add(1, SeqCst);
    }
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let node = Node::started(Place::new(&stage.bin, &stage.home, "node")?)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], 16, stage.seed, &stage.home)?;
    let app = crew.workers[0].apps.service.clone();
    let web = crew.workers[0].apps.code[0].clone();
    let (door, issuer) = (node.place.public, node.place.issuer.clone());
    crew.work(Duration::from_secs(1))?;
    let base = measure(door, Duration::from_secs(3));
    let capacity = tokens_a_second(&node, &app, 8, Duration::from_secs(3), &AtomicBool::new(false));
    let (logins, bodies, bombs) = (Tally::default(), Tally::default(), Tally::default());
    let over = AtomicBool::new(false);
    let span = stage.pick(Duration::from_secs(10), Duration::from_mins(1)).mul_f64(stage.scale);
    outcome.rounds = 1;
    let goodput = crew.load(|sky| {
        // A queue that is full says so.
        sky.storm();
        thread::scope(|scope| {
            for n in 0..16 {
                scope.spawn({
                    let (logins, over, issuer, web) = (&logins, &over, &issuer, &web);
                    move || log_in(issuer, door, web, n, logins, over)
                });
                scope.spawn(|| post(door, "/oauth/token", &megabyte(), &bodies, &over));
                scope.spawn(|| post(door, "/oauth/token", &bomb(&app), &bombs, &over));
            }
            let good = scope.spawn(|| tokens_a_second(&node, &app, 8, span, &over));
            let began = Instant::now();
            while began.elapsed() < span {
                let alive = node.health("/health/live").is_ok_and(|reply| reply.status == 200);
                outcome.demand(alive, || "it said that it is not alive".to_owned());
                thread::sleep(Duration::from_millis(500));
            }
            over.store(true, SeqCst);
            Ok(good.join().unwrap_or(0))
        })
    })?;
    outcome.note(format!(
        "client credentials: {capacity}/s alone, {goodput}/s in the flood, whose senders share the two cores"
    ));
    for (name, tally) in [("logins", &logins), ("bodies of 1 MB", &bodies), ("JOSE bombs", &bombs)] {
        let [answered, refused, lost, unclean] =
            [&tally.answered, &tally.refused, &tally.lost, &tally.unclean].map(|count| count.load(SeqCst));
        outcome.note(format!(
            "{name}: {answered} answered, {refused} refused, {lost} cut off, {unclean} failed"
        ));
        outcome.acknowledged += answered + refused;
        if unclean > 0 {
            outcome.breach(Rule::CleanAnswers, format!("{name}: {unclean} answers of 500"));
        }
    }
    calm(&node, &base, stage, &mut outcome);
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

/// Memory at its worst, and how soon the flood is forgotten.
fn calm(node: &Node, base: &crate::pace::Pace, stage: &Stage, outcome: &mut Outcome) {
    let ended = Instant::now();
    let back = base.p99.mul_f64(2.0).max(Duration::from_millis(5));
    while ended.elapsed() < Duration::from_secs(30) {
        if measure(node.place.public, Duration::from_secs(1)).p99 <= back {
            break;
        }
    }
    outcome.recovered(ended.elapsed(), stage.limit(Duration::from_secs(10)));
    let usage = node.usage();
    outcome.note(format!(
        "memory at most {} MB, {} MB after; before: {base}",
        usage.peak / 1024,
        usage.rss / 1024
    ));
    if usage.peak > MEMORY {
        outcome.breach(Rule::Resources, format!("memory reached {} MB", usage.peak / 1024));
    }
}

/// How many tokens clients get in a second, on so many connections.
fn tokens_a_second(node: &Node, app: &App, clients: usize, span: Duration, over: &AtomicBool) -> u64 {
    let (count, began) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut wire = Wire::new(node.place.public, &node.place.issuer);
                while began.elapsed() < span && !over.load(SeqCst) {
                    let reply = wire.call("/oauth/token", app, &[("grant_type", "client_credentials")]);
                    count.fetch_add(u64::from(matches!(reply, Reply::Done(_))), SeqCst);
                }
            });
        }
    });
    count.load(SeqCst) / began.elapsed().as_secs().max(1)
}

/// Passwords, half of them wrong, each in a new browser.
fn log_in(issuer: &str, door: SocketAddr, web: &App, n: usize, tally: &Tally, over: &AtomicBool) {
    while !over.load(SeqCst) {
        let mut person = Person::new(issuer, door, &format!("nobody{n}"), "a wrong password of some length");
        let status = person.authorize(&authorization(web, None)).ok().map(|answer| match answer {
            valetkey_person::Answer::Stuck(status, _) => status,
            valetkey_person::Answer::Sent(_) => 200,
        });
        tally.count(status);
    }
}

fn post(door: SocketAddr, path: &str, body: &[u8], tally: &Tally, over: &AtomicBool) {
    let mut connection = Connection::new(door);
    while !over.load(SeqCst) {
        let mut request = Request::post(path, &[]);
        request.body = body.to_vec();
        tally.count(connection.send(&request).ok().map(|reply| reply.status));
    }
}

fn megabyte() -> Vec<u8> {
    let mut body = b"grant_type=client_credentials&scope=".to_vec();
    body.resize(1 << 20, b'a');
    body
}

/// A client assertion as large as a body may be, with a header that asks for much.
fn bomb(app: &App) -> Vec<u8> {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let header = encode(
        r#"{"alg":"RS256","zip":"DEF","crit":["exp"],"p2c":2147483647,"jwk":{"kty":"RSA","e":"AQAB","n":"AQAB"}}"#,
    );
    let deep = format!("{}1{}", "[".repeat(15_000), "]".repeat(15_000));
    let claims = encode(&format!(r#"{{"iss":"{id}","sub":"{id}","x":{deep}}}"#, id = app.id));
    let assertion = format!("{header}.{claims}.{}", "A".repeat(10_000));
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}")
        .into_bytes()
}
