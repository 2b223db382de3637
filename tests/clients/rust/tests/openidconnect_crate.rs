//! The `openidconnect` crate as a relying party: discovery, keys, ID token, userinfo.

mod support;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
};
use support::{Run, http};

#[test]
fn a_relying_party_discovers_verifies_and_reads_who_it_is() {
    let run = Run::read();
    let issuer = IssuerUrl::new(run.text("/issuer")).expect("issuer");
    let metadata = CoreProviderMetadata::discover(&issuer, &http).expect("discovery and keys");
    let id = ClientId::new(run.text("/clients/basic/client_id"));
    let redirect = RedirectUrl::new(run.text("/redirect/web")).expect("url");
    let client = CoreClient::from_provider_metadata(metadata, id, run.secret("basic").map(ClientSecret::new))
        .set_redirect_uri(redirect);

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email", "offline_access"].map(|name| Scope::new(name.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let answer = run.person("barbara").authorize(&target).expect("walk");
    assert_eq!(answer.get("state"), Some(state.secret().as_str()), "{answer:?}");

    let code = AuthorizationCode::new(answer.get("code").expect("code").to_owned());
    let tokens = client.exchange_code(code).expect("endpoint").set_pkce_verifier(verifier).request(&http);
    let tokens = tokens.expect("tokens");
    let (verifier, id_token) = (client.id_token_verifier(), tokens.id_token().expect("ID token"));
    let claims =
        id_token.claims(&verifier, &nonce).expect("signature, issuer, audience, time and nonce hold");
    assert_eq!(claims.subject().as_str(), run.text("/users/barbara/id"));
    assert!(id_token.claims(&verifier, &Nonce::new("another".to_owned())).is_err());

    let signed_with = id_token.signing_alg().expect("algorithm");
    let key = id_token.signing_key(&verifier).expect("key");
    let of_token = AccessTokenHash::from_token(tokens.access_token(), signed_with, key).expect("hash");
    assert_eq!(claims.access_token_hash(), Some(&of_token));

    let person: CoreUserInfoClaims = client
        .user_info(tokens.access_token().to_owned(), Some(claims.subject().clone()))
        .expect("endpoint")
        .request(&http)
        .expect("userinfo");
    assert_eq!(person.email().map(|email| email.as_str()), Some("barbara@example.org"));

    let refresh = tokens.refresh_token().expect("refresh token");
    let refreshed =
        client.exchange_refresh_token(refresh).expect("endpoint").request(&http).expect("refreshed");
    let again = refreshed.id_token().expect("ID token").claims(&verifier, |_: Option<&Nonce>| Ok(()));
    assert_eq!(again.expect("claims").subject(), claims.subject());
}
