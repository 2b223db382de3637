//! What the rows need in the store, made by the server's own commands: clients, a scope, APIs, users, grants.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::browser::{Browser, CodeRequest, Credentials, Jar};
use crate::http;
use crate::server::Install;

const SCOPE: &str = "read";
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
const PASSWORD: &str = "a-horse-of-the-bench-1847";

/// A signature algorithm of an API's tokens, with the API made for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    fn api(self) -> String {
        format!("bench-{}", self.name().to_ascii_lowercase())
    }

    fn resource(self) -> String {
        format!("https://{}.example/", self.api())
    }
}

/// A confidential client's authentication.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    id: String,
    secret: String,
}

impl Client {
    fn create(install: &Install, arguments: &[&str]) -> Result<Self> {
        let all: Vec<&str> = ["client", "create"].iter().chain(arguments).copied().collect();
        let made = install.manage(&all, None)?;
        Ok(Self { id: text(&made, "client_id")?, secret: text(&made, "client_secret")? })
    }
}

/// Everyone who takes part.
#[derive(Debug)]
pub(crate) struct Actors {
    host: String,
    service: Client,
    resource_server: Client,
    pub(crate) code_request: CodeRequest,
    pub(crate) users: Vec<Credentials>,
}

impl Actors {
    pub(crate) fn create(install: &Install, users: usize) -> Result<Self> {
        install.manage(&["scope", "create", SCOPE, "--description", "Read what is measured"], None)?;
        for algorithm in Algorithm::ALL {
            create_api(install, algorithm)?;
        }
        let service = ["--name", "Bench service", "--grant", "client_credentials", "--scope", SCOPE];
        let service = Client::create(install, &service)?;
        let resource_server = ["--name", "Bench API", "--grant", "client_credentials", "--introspect"];
        let resource_server = Client::create(install, &resource_server)?;
        let web = ["--name", "Bench app", "--redirect-uri", REDIRECT_URI, "--scope", SCOPE];
        let Client { id: client_id, secret: client_secret } = Client::create(install, &web)?;
        let (redirect_uri, scope) = (REDIRECT_URI.to_owned(), SCOPE.to_owned());
        let code_request = CodeRequest { client_id, client_secret, redirect_uri, scope };
        let users = (0..users).map(|number| create_user(install, number)).collect::<Result<_>>()?;
        Ok(Self { host: install.host(), service, resource_server, code_request, users })
    }

    /// A client-credentials request: for a sealed token, or for a JWT of the algorithm's API.
    pub(crate) fn client_credentials(&self, algorithm: Option<Algorithm>) -> Vec<u8> {
        self.token_request(algorithm.map(Algorithm::resource).as_deref())
    }

    /// The same for an API of that resource.
    pub(crate) fn token_for(&self, resource: &str) -> Vec<u8> {
        self.token_request(Some(resource))
    }

    fn token_request(&self, resource: Option<&str>) -> Vec<u8> {
        let mut pairs = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.service.id),
            ("client_secret", &self.service.secret),
            ("scope", SCOPE),
        ];
        pairs.extend(resource.map(|resource| ("resource", resource)));
        http::post(&self.host, "/oauth/token", "", &http::form(&pairs))
    }

    pub(crate) fn introspection(&self, token: &str) -> Vec<u8> {
        let Client { id, secret } = &self.resource_server;
        let pairs = [("token", token), ("client_id", id), ("client_secret", secret)];
        http::post(&self.host, "/oauth/introspect", "", &http::form(&pairs))
    }

    /// A browser per user, signed in and with consent given.
    pub(crate) fn sessions(&self, install: &Install) -> Result<Vec<Jar>> {
        let session = |user| {
            let mut browser = Browser::open(install.public, &self.host)?;
            browser.code(&self.code_request, user).context("signing a user in")?;
            Ok(browser.cookies)
        };
        self.users.iter().map(session).collect()
    }

    /// A refresh token of each of so many grants, spread over the users.
    pub(crate) fn grants(&self, install: &Install, count: usize) -> Result<Vec<String>> {
        let mut browsers = Vec::new();
        for (user, cookies) in self.users.iter().zip(self.sessions(install)?) {
            let mut browser = Browser::open(install.public, &self.host)?;
            browser.cookies = cookies;
            browsers.push((user, browser));
        }
        let grant = |number: usize| {
            crate::stop::check()?;
            let index = number % browsers.len();
            let (user, browser) = &mut browsers[index];
            let code = browser.code(&self.code_request, user)?;
            browser.refresh_token(&self.code_request, &code)
        };
        (0..count).map(grant).collect::<Result<_>>().context("making grants")
    }
}

/// The API owns no scope: with no resource named, a token is for the owners of its scopes, and here for none.
fn create_api(install: &Install, algorithm: Algorithm) -> Result<()> {
    let (api, resource) = (algorithm.api(), algorithm.resource());
    let arguments = ["api", "create", "--id", &api, "--name", algorithm.name(), "--resource", &resource];
    let rest = ["--token-format", "jwt", "--signing-alg", algorithm.name()];
    let all: Vec<&str> = arguments.into_iter().chain(rest).collect();
    install.manage(&all, None).map(drop)
}

fn create_user(install: &Install, number: usize) -> Result<Credentials> {
    let username = format!("bench-{number}");
    install.manage(&["user", "create", "--username", &username, "--password-stdin"], Some(PASSWORD))?;
    Ok(Credentials { username, password: PASSWORD.to_owned() })
}

fn text(object: &Value, member: &str) -> Result<String> {
    let value = object.get(member).and_then(Value::as_str);
    value.map(str::to_owned).with_context(|| format!("`client create` printed no {member}"))
}
