//! The `oauth2` crate does the whole flow; it lets us pass any HTTP client, so ours is sixty lines of std.

mod support;

use std::io;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, RevocationUrl,
    Scope, StandardRevocableToken, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use support::{Run, http};
use valetkey_person::Person;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;
type Outcome = Result<BasicTokenResponse, RequestTokenError<io::Error, oauth2::basic::BasicErrorResponse>>;

fn client(run: &Run, name: &str, auth: AuthType) -> Client {
    let issuer = run.text("/issuer");
    let redirect = if name == "public" {
        "http://127.0.0.1:40321/callback".to_owned()
    } else {
        run.text("/redirect/web")
    };
    // The crate takes no http revocation URL, loopback or not; the HTTP function below looks at host and path only.
    let revoke = format!("{}/oauth/revoke", issuer.replacen("http://", "https://", 1));
    let client = BasicClient::new(ClientId::new(run.text(&format!("/clients/{name}/client_id"))))
        .set_auth_uri(AuthUrl::new(format!("{issuer}/oauth/authorize")).expect("url"))
        .set_token_uri(TokenUrl::new(format!("{issuer}/oauth/token")).expect("url"))
        .set_revocation_url(RevocationUrl::new(revoke).expect("url"))
        .set_introspection_url(IntrospectionUrl::new(format!("{issuer}/oauth/introspect")).expect("url"))
        .set_redirect_uri(RedirectUrl::new(redirect).expect("url"))
        .set_auth_type(auth);
    match run.secret(name) {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret)),
        None => client,
    }
}

/// A code with the verifier that redeems it.
fn code(client: &Client, person: &mut Person, scopes: &[&str]) -> (AuthorizationCode, PkceCodeVerifier) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = scopes.iter().map(|scope| Scope::new((*scope).into()));
    let (url, state) =
        client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge).url();
    let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let answer = person.authorize(&target).expect("walk");
    assert_eq!(answer.get("state"), Some(state.secret().as_str()), "{answer:?}");
    (
        AuthorizationCode::new(answer.get("code").unwrap_or_else(|| panic!("no code: {answer:?}")).into()),
        verifier,
    )
}

fn refused_as(outcome: Outcome, expected: &BasicErrorResponseType) {
    match outcome {
        Err(RequestTokenError::ServerResponse(denial)) => assert_eq!(denial.error(), expected, "{denial:?}"),
        other => panic!("expected {expected:?}, got {other:?}"),
    }
}

fn whole_flow(name: &str, auth: AuthType) {
    let run = Run::read();
    let client = client(&run, name, auth);
    let (code, verifier) = code(&client, &mut run.person("barbara"), &["read", "offline_access"]);
    let token = client.exchange_code(code.clone()).set_pkce_verifier(verifier).request(&http).expect("token");
    assert!(token.expires_in().is_some());

    let refresh = token.refresh_token().expect("refresh token");
    let refreshed = client.exchange_refresh_token(refresh).request(&http).expect("refresh");
    let successor = refreshed.refresh_token().expect("rotated");
    assert_ne!(successor.secret(), refresh.secret());

    if name != "public" {
        assert!(client.introspect(refreshed.access_token()).request(&http).expect("introspection").active());
    }
    let revocable = StandardRevocableToken::from(successor.clone());
    client.revoke_token(revocable).expect("revocation request").request(&http).expect("revocation");
    refused_as(
        client.exchange_refresh_token(successor).request(&http),
        &BasicErrorResponseType::InvalidGrant,
    );
}

#[test]
fn code_refresh_revoke_with_basic() {
    whole_flow("basic", AuthType::BasicAuth);
}

#[test]
fn code_refresh_revoke_with_post() {
    whole_flow("post", AuthType::RequestBody);
}

#[test]
fn code_refresh_revoke_as_public_client() {
    whole_flow("public", AuthType::RequestBody);
}

#[test]
fn client_credentials_with_basic_and_post() {
    let run = Run::read();
    for (name, auth) in [
        ("service", AuthType::BasicAuth),
        ("service", AuthType::RequestBody),
        ("service_post", AuthType::RequestBody),
    ] {
        let client = client(&run, name, auth);
        let token = client
            .exchange_client_credentials()
            .add_scope(Scope::new("read".into()))
            .request(&http)
            .expect("token");
        assert!(token.refresh_token().is_none());
        let said = client.introspect(token.access_token()).request(&http).expect("introspection");
        assert!(said.active());
    }
}

#[test]
fn a_wrong_verifier_redeems_nothing() {
    let run = Run::read();
    let client = client(&run, "basic", AuthType::BasicAuth);
    let (code, _) = code(&client, &mut run.person("barbara"), &["read"]);
    let (_, wrong) = PkceCodeChallenge::new_random_sha256();
    refused_as(
        client.exchange_code(code).set_pkce_verifier(wrong).request(&http),
        &BasicErrorResponseType::InvalidGrant,
    );
}

#[test]
fn a_wrong_secret_is_refused() {
    let run = Run::read();
    let client =
        client(&run, "service", AuthType::BasicAuth).set_client_secret(ClientSecret::new("wrong".into()));
    refused_as(client.exchange_client_credentials().request(&http), &BasicErrorResponseType::InvalidClient);
}
