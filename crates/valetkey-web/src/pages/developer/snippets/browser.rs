//! A program in a web page: the code grant with PKCE, all of it in the visitor's browser.

use super::{Facts, person, quoted};

pub(super) fn all(facts: &Facts) -> Vec<(&'static str, String)> {
    let rest = person::all(facts).into_iter().filter(|(language, _)| *language != "JavaScript");
    std::iter::once(("JavaScript", javascript(facts))).chain(rest).collect()
}

fn javascript(facts: &Facts) -> String {
    let plain = if facts.plain { ",\n  { execute: [client.allowInsecureRequests] }" } else { "" };
    format!(
        r"
// npm install openid-client, in the page at your callback
import * as client from 'openid-client'

const config = await client.discovery(
  new URL({issuer}), {id}, undefined, client.None(){plain})
const here = new URL(location.href)
if (here.searchParams.has('state')) {{
  const tokens = await client.authorizationCodeGrant(config, here, {{
    pkceCodeVerifier: sessionStorage.verifier, expectedState: sessionStorage.state,
  }})
  history.replaceState(null, '', here.pathname)
  console.log(tokens.access_token)
}} else {{
  sessionStorage.verifier = client.randomPKCECodeVerifier()
  sessionStorage.state = client.randomState()
  location.href = client.buildAuthorizationUrl(config, {{
    redirect_uri: {redirect_uri},
    scope: {scope}, state: sessionStorage.state,
    code_challenge: await client.calculatePKCECodeChallenge(sessionStorage.verifier),
    code_challenge_method: 'S256',
  }}).href
}}
",
        issuer = quoted(&facts.issuer),
        id = quoted(&facts.id),
        redirect_uri = quoted(&facts.redirect_uri),
        scope = quoted(&facts.scope),
    )
}
