//! A program that acts for itself: the client credentials grant.

use super::{Facts, Way, quoted, word};

pub(super) fn all(facts: &Facts) -> Vec<(&'static str, String)> {
    vec![
        ("curl", curl(facts)),
        ("Python", python(facts)),
        ("JavaScript", javascript(facts)),
        ("Rust", rust(facts)),
    ]
}

fn curl(facts: &Facts) -> String {
    let Facts { id, token, scope, .. } = facts;
    let proof = match facts.secret {
        Some(Way::Post) => format!("-d client_id={id} -d \"client_secret=$CLIENT_SECRET\""),
        _ => format!("-u \"{id}:$CLIENT_SECRET\""),
    };
    let scope = if scope.is_empty() {
        String::new()
    } else {
        format!(" --data-urlencode {}", word(&format!("scope={scope}")))
    };
    format!(
        "# a token for the application itself\ncurl {proof} \\\n  -d grant_type=client_credentials{scope} \\\n  {}",
        word(token)
    )
}

fn python(facts: &Facts) -> String {
    let method = if facts.secret == Some(Way::Post) { "client_secret_post" } else { "client_secret_basic" };
    format!(
        r#"
# pip install authlib requests
import os
from authlib.integrations.requests_client import OAuth2Session

client = OAuth2Session({id}, os.environ["CLIENT_SECRET"], scope={scope},
                       token_endpoint_auth_method="{method}")
token = client.fetch_token({token}, grant_type="client_credentials")
print(token["access_token"])
"#,
        id = quoted(&facts.id),
        scope = quoted(&facts.scope),
        token = quoted(&facts.token),
    )
}

fn javascript(facts: &Facts) -> String {
    let way = if facts.secret == Some(Way::Post) { "ClientSecretPost" } else { "ClientSecretBasic" };
    let plain = if facts.plain { ",\n  { execute: [client.allowInsecureRequests] }" } else { "" };
    format!(
        r"
// npm install openid-client
import * as client from 'openid-client'

const config = await client.discovery(
  new URL({issuer}), {id}, undefined,
  client.{way}(process.env.CLIENT_SECRET){plain})
const tokens = await client.clientCredentialsGrant(config, {{ scope: {scope} }})
console.log(tokens.access_token)
",
        issuer = quoted(&facts.issuer),
        id = quoted(&facts.id),
        scope = quoted(&facts.scope),
    )
}

fn rust(facts: &Facts) -> String {
    let scopes = facts.rust_scopes();
    let post =
        if facts.secret == Some(Way::Post) { "\n        .set_auth_type(AuthType::RequestBody)" } else { "" };
    format!(
        r#"
// cargo add oauth2 --features reqwest-blocking
use oauth2::{{basic::BasicClient, reqwest, *}};

fn main() -> Result<(), Box<dyn std::error::Error>> {{
    let client = BasicClient::new(ClientId::new({id}.into()))
        .set_client_secret(ClientSecret::new(std::env::var("CLIENT_SECRET")?)){post}
        .set_token_uri(TokenUrl::new({token}.into())?);
    let http = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let token = client.exchange_client_credentials(){scopes}
        .request(&http)?;
    println!("{{}}", token.access_token().secret());
    Ok(())
}}
"#,
        id = quoted(&facts.id),
        token = quoted(&facts.token),
    )
}
