//! R25 — a sign-in provider elsewhere is down, slow, or answers nonsense: only signing in by it is affected.

use std::io::{self, Error, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use valetkey_person::{Form, Person, Request, Response, encode, pairs};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::load::wire::authorization;
use crate::pace::{self, Pace};
use crate::world::chores::free_port;
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R25",
    name: "a sign-in provider elsewhere is down, slow, broken, endless, or answers nonsense, for metadata and for tokens",
    pass: "everybody else fails nothing and waits no longer; who signs in by it gets a clean page within 6 s, and after a failure at \
           once; a provider that is well goes on working beside it",
    smoke: false,
    run,
};

const ANSWER: Duration = Duration::from_secs(6);
/// After a failure, which is remembered for a while.
const AGAIN: Duration = Duration::from_secs(1);
/// Browsers that try at once.
const BROWSERS: usize = 12;

/// What is wrong with a provider, by the first part of its path; `token-…`: its metadata is well, its token endpoint is not.
const WRONGS: [&str; 8] =
    ["down", "slow", "garbage", "errors", "endless", "token-slow", "token-garbage", "token-errors"];

fn run(stage: &Stage) -> io::Result<Outcome> {
    play(stage, false)
}

/// The server itself stands still for a while: everybody else must be seen to wait.
pub fn prove(stage: &Stage) -> io::Result<Outcome> {
    play(stage, true)
}

fn play(stage: &Stage, stand_still: bool) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let provider = Provider::start()?;
    let place =
        Place::new(&stage.bin, &stage.home, "node")?.with("VALETKEY__OUTBOUND__ALLOW", "[\"127.0.0.1\"]");
    let node = Node::started(place)?;
    let down = free_port()?;
    for wrong in WRONGS.into_iter().chain(["well"]) {
        let port = if wrong == "down" { down } else { provider.address.port() };
        let issuer = format!("http://127.0.0.1:{port}/{wrong}");
        let words =
            ["upstream", "create", "--id", wrong, "--name", wrong, "--issuer", &issuer, "--client-id", "us"];
        node.place.manage(&[&words[..], &["--auth-method", "none"]].concat(), "").map_err(Error::other)?;
    }
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let span = stage.pick(Duration::from_secs(2), Duration::from_secs(8));
    let door = node.place.public;
    let mut base = None;
    crew.load(|_| {
        base = Some(pace::measure(door, Duration::from_secs(2)));
        Ok(())
    })?;
    let base = base.ok_or_else(|| Error::other("no pace"))?;
    outcome.note(format!("before: {base}"));
    let target = authorization(&crew.workers[0].apps.code[0], None);
    let wrongs = if stand_still { &WRONGS[..1] } else { &WRONGS[..] };
    for wrong in wrongs {
        outcome.rounds += 1;
        let others = crew.load(|_| {
            let over = AtomicBool::new(!stand_still);
            Ok(thread::scope(|scope| {
                scope.spawn(|| halts(&node, &over));
                let others = beside(&node, wrong, &target, span, stage, &mut outcome);
                over.store(true, SeqCst);
                others
            }))
        })?;
        outcome.note(format!("{wrong}: everybody else: {others}"));
        outcome
            .demand(others.failed == 0, || format!("{wrong}: {} requests of others failed", others.failed));
        outcome.in_time(
            "others' p99",
            others.p99,
            stage.limit((base.p99 * 3).max(Duration::from_millis(30))),
        );
        crew.judge(Depth::Sample);
    }
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

/// Stops the server again and again.
fn halts(node: &Node, over: &AtomicBool) {
    while !over.load(SeqCst) {
        for (signal, millis) in [("STOP", 900), ("CONT", 20)] {
            // A server that is gone is seen elsewhere.
            let _ = node.signal(signal);
            thread::sleep(Duration::from_millis(millis));
        }
    }
}

/// Browsers try to sign in by a provider that is not well, while everybody else is timed.
fn beside(
    node: &Node,
    wrong: &str,
    target: &str,
    span: Duration,
    stage: &Stage,
    outcome: &mut Outcome,
) -> Pace {
    let over = AtomicBool::new(false);
    let (pace, tries) = thread::scope(|scope| {
        let browsers: Vec<_> = (0..BROWSERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut tries = Vec::new();
                    while !over.load(SeqCst) {
                        tries.push(sign_in(node, wrong, target));
                        thread::sleep(Duration::from_millis(50));
                    }
                    tries
                })
            })
            .collect();
        let pace = pace::measure(node.place.public, span);
        over.store(true, SeqCst);
        let tries: Vec<_> = browsers.into_iter().filter_map(|one| one.join().ok()).flatten().collect();
        (pace, tries)
    });
    let slowest = tries.iter().map(|(_, took)| *took).max().unwrap_or_default();
    outcome.note(format!("{wrong}: {} tries, the slowest {} ms", tries.len(), slowest.as_millis()));
    for (answer, took) in &tries {
        outcome.in_time("a page about the provider", *took, stage.limit(ANSWER));
        judge(wrong, answer, outcome);
    }
    // Metadata that failed is not asked for again at once.
    let (answer, took) = sign_in(node, wrong, target);
    judge(wrong, &answer, outcome);
    if !wrong.starts_with("token") {
        outcome.in_time("a page after a failure", took, stage.limit(AGAIN));
    }
    let (well, _) = sign_in(node, "well", target);
    let gone = well.as_ref().is_ok_and(|reply| reply.status == 303);
    outcome.demand(gone, || format!("beside {wrong}, the provider that is well: {well:?}"));
    pace
}

/// A page in words, with a status that says whose fault it is.
fn judge(wrong: &str, answer: &io::Result<Response>, outcome: &mut Outcome) {
    match answer {
        Ok(reply) if matches!(reply.status, 400..=499 | 502..=504) && reply.text().contains("</html>") => {
            outcome.acknowledged += 1;
        }
        other => {
            let said = match other {
                Ok(reply) => {
                    format!("{} {}", reply.status, reply.text().chars().take(120).collect::<String>())
                }
                Err(error) => error.to_string(),
            };
            outcome.breach(Rule::CleanAnswers, format!("{wrong}: {said}"));
        }
    }
}

/// From the application to the provider's button, and for the well one with a bad token endpoint back again.
fn sign_in(node: &Node, provider: &str, target: &str) -> (io::Result<Response>, Duration) {
    let began = Instant::now();
    let walked = walk(node, provider, target);
    let took = began.elapsed();
    walked.map_or_else(|error| (Err(error), took), |(reply, took)| (Ok(reply), took))
}

fn walk(node: &Node, provider: &str, target: &str) -> io::Result<(Response, Duration)> {
    let origin = node.place.issuer.clone();
    let mut person = Person::new(&origin, node.place.public, "nobody", "nothing");
    let mut page = person.send(Request::get(target))?;
    for _ in 0..3 {
        let Some(location) = page.header("location").map(str::to_owned) else { break };
        page = person.send(Request::get(location.strip_prefix(&origin).unwrap_or(&location)))?;
    }
    let path = format!("/login/upstream/{provider}");
    let html = page.text();
    let forms = Form::all(&html);
    let form = forms.iter().find(|form| form.action.contains(&path));
    let form = form.ok_or_else(|| Error::other(format!("no button for {provider}: {}", page.status)))?;
    let action = form.action.strip_prefix(&origin).unwrap_or(&form.action);
    let began = Instant::now();
    let reply = person.send(Request::post(action, &form.filled(&[])).header("Origin", &origin))?;
    let took = began.elapsed();
    let Some(location) = reply.header("location").filter(|_| provider.starts_with("token")) else {
        return Ok((reply, took));
    };
    let sent = pairs(location.split_once('?').map_or("", |(_, query)| query));
    let state = sent.iter().find(|(name, _)| name == "state").map_or("", |(_, value)| value);
    let back = encode(&[("state", state), ("code", "anything")]);
    let began = Instant::now();
    let reply = person.send(Request::get(&format!("{path}/callback?{back}")))?;
    Ok((reply, began.elapsed()))
}

/// Many providers behind one door, told apart by the path. It ends with this value.
struct Provider {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Provider {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&over);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if own.load(SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    let over = Arc::clone(&own);
                    // Whoever hangs up has had enough.
                    thread::spawn(move || answer(stream, address, &over));
                }
            }
        });
        Ok(Self { address, over })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(mut stream: TcpStream, address: SocketAddr, over: &AtomicBool) -> io::Result<()> {
    let mut head = [0; 8192];
    let read = stream.read(&mut head)?;
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let name = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let name =
        if path.starts_with("/.well-known/") { path.rsplit('/').next().unwrap_or_default() } else { name };
    let wrong = match name.strip_prefix("token-") {
        Some(wrong) if path.ends_with("/token") => wrong,
        Some(_) | None if name.starts_with("token-") || name == "well" => "",
        _ => name,
    };
    let json = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    match wrong {
        "slow" => {
            while !over.load(SeqCst) {
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
        "endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
            while !over.load(SeqCst) {
                stream.write_all(&[b' '; 4096])?;
            }
            Ok(())
        }
        "garbage" => stream.write_all(json("200 OK", "\u{0}{]not json: \u{7f}").as_bytes()),
        "errors" => stream.write_all(json("500 Internal Server Error", "<h1>Oops</h1>").as_bytes()),
        _ => {
            let at = format!("http://{address}/{name}");
            let metadata = format!(
                "{{\"issuer\":\"{at}\",\"authorization_endpoint\":\"{at}/authorize\",\"token_endpoint\":\"{at}/token\",\
                 \"jwks_uri\":\"{at}/jwks\",\"response_types_supported\":[\"code\"],\"subject_types_supported\":[\"public\"],\
                 \"id_token_signing_alg_values_supported\":[\"ES256\"],\"authorization_response_iss_parameter_supported\":false}}"
            );
            stream.write_all(json("200 OK", &metadata).as_bytes())
        }
    }
}
