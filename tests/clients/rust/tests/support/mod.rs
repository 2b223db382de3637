//! The running server and its HTTP, for either crate: sixty lines of std.

use std::io;
use std::net::ToSocketAddrs;

use oauth2::{HttpRequest, HttpResponse};
use serde_json::Value;
use valetkey_person::{Connection, Person, Request};

pub struct Run(Value);

impl Run {
    pub fn read() -> Self {
        let path = std::env::var("VALETKEY_FIXTURE").expect("run through tests/clients/run");
        Self(serde_json::from_str(&std::fs::read_to_string(path).expect("fixture")).expect("json"))
    }

    pub fn text(&self, pointer: &str) -> String {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}")).to_owned()
    }

    pub fn secret(&self, name: &str) -> Option<String> {
        self.0.pointer(&format!("/clients/{name}/client_secret")).and_then(Value::as_str).map(str::to_owned)
    }

    pub fn person(&self, name: &str) -> Person {
        let issuer = self.text("/issuer");
        let user = |member| self.text(&format!("/users/{name}/{member}"));
        Person::new(&issuer, address(&issuer), &user("username"), &user("password"))
    }
}

fn address(origin: &str) -> std::net::SocketAddr {
    let host = origin.trim_start_matches("http://");
    host.to_socket_addrs().expect("host").find(std::net::SocketAddr::is_ipv4).expect("loopback address")
}

/// The crate's HTTP port: one request, one connection, no redirects.
#[expect(clippy::needless_pass_by_value, reason = "the crate's signature")]
pub fn http(request: HttpRequest) -> Result<HttpResponse, io::Error> {
    let uri = request.uri();
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut wire = Request {
        method: request.method().to_string(),
        target: target.into(),
        headers: Vec::new(),
        body: request.body().clone(),
    };
    wire = wire.header("Host", host).header("Connection", "close");
    for (name, value) in request.headers() {
        wire = wire.header(name.as_str(), value.to_str().map_err(io::Error::other)?);
    }
    let reply = Connection::new(address(&format!("http://{host}"))).send(&wire)?;
    let mut response = oauth2::http::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body).map_err(io::Error::other)
}
