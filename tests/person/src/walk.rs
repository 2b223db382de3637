//! The walk from an authorization request to the application's door.

use std::io;
use std::net::SocketAddr;

use crate::{Connection, Form, Request, Response, pairs};

/// How a walk ended.
#[derive(Debug)]
pub enum Answer {
    /// The browser was sent to the application with these parameters.
    Sent(Vec<(String, String)>),
    /// A page without a way on, or a reply that is no page; its status and text.
    Stuck(u16, String),
}

impl Answer {
    /// One parameter of the redirect.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self {
            Self::Sent(parameters) => {
                parameters.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
            }
            Self::Stuck(..) => None,
        }
    }
}

/// One browser with its cookies and one user's name and password.
#[derive(Debug)]
pub struct Person {
    origin: String,
    username: String,
    password: String,
    pub cookies: Vec<(String, String)>,
    connection: Connection,
}

impl Person {
    /// `origin` as in `http://localhost:8080`; `address` is where it listens.
    pub fn new(origin: &str, address: SocketAddr, username: &str, password: &str) -> Self {
        let connection = Connection::new(address);
        Self {
            origin: origin.into(),
            username: username.into(),
            password: password.into(),
            cookies: Vec::new(),
            connection,
        }
    }

    /// Walks from the authorization endpoint; signs in and allows everything when asked.
    pub fn authorize(&mut self, target: &str) -> io::Result<Answer> {
        let mut here = target.to_owned();
        let mut response = self.send(Request::get(target))?;
        for _ in 0..12 {
            if (300..400).contains(&response.status) {
                let location = response.header("location").unwrap_or_default().to_owned();
                let inside = location
                    .strip_prefix(&self.origin)
                    .or_else(|| location.starts_with('/').then_some(location.as_str()));
                let Some(path) = inside else {
                    let query = location.split_once('?').map_or("", |(_, query)| query);
                    return Ok(Answer::Sent(pairs(query.split('#').next().unwrap_or(query))));
                };
                path.clone_into(&mut here);
                response = self.send(Request::get(path))?;
                continue;
            }
            let html = response.text();
            let (username, password) = (self.username.clone(), self.password.clone());
            let forms = Form::all(&html);
            let Some(form) = forms.iter().find(|form| form.has("password") || form.has("decision")) else {
                return Ok(Answer::Stuck(response.status, html));
            };
            let typed = if form.has("password") {
                vec![("username", username.as_str()), ("password", password.as_str())]
            } else {
                vec![("decision", "allow")]
            };
            let action = form.action.strip_prefix(&self.origin).unwrap_or(&form.action);
            // A form without an action posts to its own page.
            let action = if action.is_empty() { here.as_str() } else { action };
            let origin = self.origin.clone();
            response = self.send(Request::post(action, &form.filled(&typed)).header("Origin", &origin))?;
        }
        Ok(Answer::Stuck(response.status, "the walk went in circles".into()))
    }

    /// One request with this browser's cookies; what the reply sets is kept.
    pub fn send(&mut self, request: Request) -> io::Result<Response> {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        let mut request = request.header("Host", host).header("Accept", "text/html");
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("Cookie", &cookies.join("; "));
        }
        let response = self.connection.send(&request)?;
        for cookie in response.all("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or(cookie);
            let Some((name, value)) = pair.split_once('=') else { continue };
            self.cookies.retain(|(each, _)| each != name);
            let gone = value.is_empty() || cookie.to_ascii_lowercase().contains("max-age=0");
            if !gone {
                self.cookies.push((name.into(), value.into()));
            }
        }
        Ok(response)
    }

    /// The same server is reached at another address from now on.
    pub fn go_to(&mut self, address: SocketAddr) {
        self.connection = Connection::new(address);
    }

    /// Drops the connection, as after the server's death.
    pub fn hang_up(&mut self) {
        self.connection.close();
    }
}
