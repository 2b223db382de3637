//! A program that a person signs in to: the authorization code grant with PKCE.

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
    let Facts { id, authorize, token, redirect_uri, scope, .. } = facts;
    let proof = match facts.secret {
        Some(Way::Basic) => format!("-u \"{id}:$CLIENT_SECRET\""),
        Some(Way::Post) => format!("-d client_id={id} -d \"client_secret=$CLIENT_SECRET\""),
        None => format!("-d client_id={id}"),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", id)
        .append_pair("redirect_uri", redirect_uri);
    if !scope.is_empty() {
        query.append_pair("scope", scope);
    }
    let link = format!("{authorize}?{}", query.finish());
    format!(
        r#"
# 1. A verifier, and the link to open in a browser
VERIFIER=$(openssl rand -base64 48 | tr '+/' '-_' | tr -d '=\n')
CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\n')
echo {link}"&state=$RANDOM$RANDOM&code_challenge_method=S256&code_challenge=$CHALLENGE"

# 2. Within a minute: the code that came back, for tokens
read -p "code= " CODE
curl {proof} \
  -d grant_type=authorization_code -d "code=$CODE" -d "code_verifier=$VERIFIER" \
  --data-urlencode {redirect} \
  {token}
"#,
        link = format_args!("'{}'", link.replace('\'', "%27")),
        redirect = word(&format!("redirect_uri={redirect_uri}")),
        token = word(token),
    )
}

fn python(facts: &Facts) -> String {
    let (secret, method) = match facts.secret {
        Some(Way::Basic) => ("os.environ[\"CLIENT_SECRET\"]", "client_secret_basic"),
        Some(Way::Post) => ("os.environ[\"CLIENT_SECRET\"]", "client_secret_post"),
        None => ("None", "none"),
    };
    let os = if facts.secret.is_some() { "import os\n" } else { "" };
    format!(
        r#"
# pip install authlib requests
{os}from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

client = OAuth2Session({id}, {secret}, scope={scope},
                       redirect_uri={redirect_uri},
                       token_endpoint_auth_method="{method}",
                       code_challenge_method="S256")
verifier = generate_token(48)
link, state = client.create_authorization_url({authorize}, code_verifier=verifier)
print("Open", link)
came = input("The address that you came back to: ")
token = client.fetch_token({token}, authorization_response=came,
                           state=state, code_verifier=verifier)
print(token["access_token"])
"#,
        id = quoted(&facts.id),
        scope = quoted(&facts.scope),
        redirect_uri = quoted(&facts.redirect_uri),
        authorize = quoted(&facts.authorize),
        token = quoted(&facts.token),
    )
}

fn javascript(facts: &Facts) -> String {
    let proof = match facts.secret {
        Some(Way::Basic) => "client.ClientSecretBasic(process.env.CLIENT_SECRET)",
        Some(Way::Post) => "client.ClientSecretPost(process.env.CLIENT_SECRET)",
        None => "client.None()",
    };
    let plain = if facts.plain { ",\n  { execute: [client.allowInsecureRequests] }" } else { "" };
    format!(
        r"
// npm install openid-client
import * as client from 'openid-client'
import {{ createInterface }} from 'node:readline/promises'

const config = await client.discovery(
  new URL({issuer}), {id}, undefined,
  {proof}{plain})
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const link = client.buildAuthorizationUrl(config, {{
  redirect_uri: {redirect_uri},
  scope: {scope}, state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}})
console.log('Open', link.href)
const ask = createInterface({{ input: process.stdin, output: process.stdout }})
const came = await ask.question('The address that you came back to: ')
ask.close()
const tokens = await client.authorizationCodeGrant(config, new URL(came), {{
  pkceCodeVerifier: verifier, expectedState: state,
}})
console.log(tokens.access_token)
",
        issuer = quoted(&facts.issuer),
        id = quoted(&facts.id),
        redirect_uri = quoted(&facts.redirect_uri),
        scope = quoted(&facts.scope),
    )
}

fn rust(facts: &Facts) -> String {
    let secret = match facts.secret {
        Some(Way::Basic) => {
            "\n        .set_client_secret(ClientSecret::new(std::env::var(\"CLIENT_SECRET\")?))"
        }
        Some(Way::Post) => {
            "\n        .set_client_secret(ClientSecret::new(std::env::var(\"CLIENT_SECRET\")?))\n        .set_auth_type(AuthType::RequestBody)"
        }
        None => "",
    };
    let scopes = facts.rust_scopes();
    format!(
        r#"
// cargo add oauth2 --features reqwest-blocking
use oauth2::{{basic::BasicClient, reqwest, *}};

fn main() -> Result<(), Box<dyn std::error::Error>> {{
    let client = BasicClient::new(ClientId::new({id}.into())){secret}
        .set_auth_uri(AuthUrl::new({authorize}.into())?)
        .set_token_uri(TokenUrl::new({token}.into())?)
        .set_redirect_uri(RedirectUrl::new({redirect_uri}.into())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (link, state) = client.authorize_url(CsrfToken::new_random){scopes}
        .set_pkce_challenge(challenge).url();
    println!("Open {{link}}\nCome back only with state={{}}. The code:", state.secret());
    let mut code = String::new();
    std::io::stdin().read_line(&mut code)?;
    let http = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let token = client.exchange_code(AuthorizationCode::new(code.trim().into()))
        .set_pkce_verifier(verifier).request(&http)?;
    println!("{{}}", token.access_token().secret());
    Ok(())
}}
"#,
        id = quoted(&facts.id),
        authorize = quoted(&facts.authorize),
        token = quoted(&facts.token),
        redirect_uri = quoted(&facts.redirect_uri),
    )
}
