//! RFC 6749 §4.1, RFC 7636, RFC 9207 — the code flow, as a native application does it

use super::super::output::Answer;
use super::{Party, Who, callback};
use crate::clock::OsEntropy;
use crate::config::check::is_loopback;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use data_encoding::BASE64URL_NOPAD;
use form_urlencoded::Serializer;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpListener;
use url::Url;
use valetkey_core::outbound::Entropy;
use valetkey_core::secret::Secret;
use valetkey_core::time::Seconds;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    client: Who,
    /// As registered, on this machine; without a port a free one is taken (RFC 8252 §7.3)
    #[arg(long, value_name = "URI", default_value = "http://127.0.0.1/callback")]
    redirect_uri: String,
    /// Passed on, such as login or consent
    #[arg(long)]
    prompt: Option<String>,
    /// Passed on: who should sign in
    #[arg(long)]
    login_hint: Option<String>,
    /// How long to wait for the browser
    #[arg(long, value_name = "DURATION", value_parser = super::super::values::seconds, default_value = "5m")]
    timeout: Seconds,
}

pub(super) async fn run(arguments: Arguments) -> Result<Answer> {
    let party = Party::find(&arguments.client).await?;
    let (listener, redirect_uri) = listen(&arguments.redirect_uri).await?;
    let (state, nonce, verifier) = (random(), random(), random());
    let link = link(&party, &arguments, &redirect_uri, [&state, &nonce, &verifier])?;
    // Not on standard output: that is for the tokens.
    eprintln!("Open this in a browser:\n\n{link}\n");
    let patience = Duration::from_secs(u64::try_from(arguments.timeout.0).unwrap_or(0));
    let query = callback::query(&listener, redirect_uri.path(), patience).await?;
    let code = accepted(&party, &query, &state)?;
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.expose())
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("code_verifier", verifier.expose());
    let answer = party.tokens(form).await?;
    with_identity(answer, &party, &nonce)
}

/// 256 random bits as text.
fn random() -> Secret {
    let mut bytes = [0; 32];
    OsEntropy.fill(&mut bytes);
    Secret::from_random(&bytes)
}

/// Listens where the redirect URI points, and puts the port into it.
async fn listen(redirect_uri: &str) -> Result<(TcpListener, Url)> {
    let mut url = Url::parse(redirect_uri).context("--redirect-uri is not a URL")?;
    if url.scheme() != "http" || !is_loopback(&url) {
        bail!(
            "--redirect-uri must be on this machine, such as http://127.0.0.1/callback: that is where this waits"
        );
    }
    let host = url.host_str().unwrap_or("127.0.0.1").trim_matches(['[', ']']).to_owned();
    let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
    let listener = TcpListener::bind((host.as_str(), url.port().unwrap_or(0)))
        .await
        .with_context(|| format!("cannot listen for {redirect_uri}"))?;
    if url.port().is_none() {
        let port = listener.local_addr()?.port();
        url.set_port(Some(port)).map_err(|()| anyhow::anyhow!("--redirect-uri takes no port"))?;
    }
    Ok((listener, url))
}

fn link(party: &Party<'_>, arguments: &Arguments, redirect_uri: &Url, secrets: [&Secret; 3]) -> Result<Url> {
    let [state, nonce, verifier] = secrets;
    let challenge = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.expose().as_bytes());
    let mut form = Serializer::new(String::new());
    form.append_pair("response_type", "code")
        .append_pair("client_id", &arguments.client.client_id)
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("state", state.expose())
        .append_pair("code_challenge", &BASE64URL_NOPAD.encode(challenge.as_ref()))
        .append_pair("code_challenge_method", "S256");
    let openid =
        arguments.client.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|name| name == "openid"));
    if openid {
        form.append_pair("nonce", nonce.expose());
    }
    for (name, value) in [("prompt", &arguments.prompt), ("login_hint", &arguments.login_hint)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    party.ask_for(&mut form);
    let mut url = party.metadata.endpoint("authorization_endpoint")?;
    let query = form.finish();
    url.set_query(Some(&match url.query() {
        Some(own) => format!("{own}&{query}"),
        None => query,
    }));
    Ok(url)
}

/// The code, if the answer is to our question and from our server.
fn accepted(party: &Party<'_>, query: &str, state: &Secret) -> Result<Secret> {
    let own = |name: &str| {
        let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| Secret::new(value.into_owned()))
    };
    if own("state").as_ref() != Some(state) {
        bail!("the browser came back with another state: this was not the answer to our link");
    }
    // RFC 9207 §2.4: an answer of another server must not be taken for ours.
    let issuer = own("iss");
    let expected = party.metadata.text("issuer").unwrap_or_default();
    if issuer.as_ref().is_some_and(|iss| iss.expose() != expected) {
        bail!("the answer came from another issuer");
    }
    if issuer.is_none() && party.metadata.flag("authorization_response_iss_parameter_supported") {
        bail!("the answer does not name its issuer, although the server promises it");
    }
    if let Some(error) = own("error") {
        let detail = own("error_description");
        bail!("{}: {}", error.expose(), detail.as_ref().map_or("no description", Secret::expose));
    }
    own("code").context("the browser came back without a code")
}

/// OIDC Core §3.1.3.7: issuer, audience and nonce of the ID token. It came straight from the server, so the connection
/// vouches for it in place of its signature.
fn with_identity(mut answer: Answer, party: &Party<'_>, nonce: &Secret) -> Result<Answer> {
    let Answer::One { json, .. } = &mut answer else { return Ok(answer) };
    let Some(token) = json["id_token"].as_str() else { return Ok(answer) };
    let payload = token.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
    let claims: Value =
        payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).context("the ID token is not one")?;
    let id = &party.client.client_id;
    let audience = claims["aud"] == id.as_str()
        || claims["aud"].as_array().is_some_and(|all| all.iter().any(|one| one == id));
    if claims["iss"].as_str() != party.metadata.text("issuer") || !audience {
        bail!("the ID token is not from this server for this client");
    }
    if claims["nonce"].as_str() != Some(nonce.expose()) {
        bail!("the ID token does not answer to our nonce");
    }
    json["sub"] = claims["sub"].clone();
    Ok(answer)
}
