//! RFC 6749 §1.3 — the ways to a token, and the one dispatch over them

mod authorization_code;
mod client_credentials;
mod code_as_refresh_token;
mod elsewhere;
mod gate;
mod jwt_bearer;
mod password;
mod refresh_token;
mod token_exchange;

use crate::client::Client;
use crate::client::compat::Compat;
use crate::client::listing::Review;
use crate::client::noted::{Endpoint, Refused};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::params::Params;
use crate::token::TokenResponse;
use serde::{Deserialize, Serialize};

/// `grant_type`. Discovery and registration read `ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    ClientCredentials,
    RefreshToken,
    /// RFC 6749 §4.3; only with the opt-in `password`.
    Password,
    /// RFC 6749 §4.2: no grant of the token endpoint; only with the opt-in `implicit`.
    Implicit,
    /// RFC 8628 §3.4.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// CIBA Core §10.1.
    #[serde(rename = "urn:openid:params:grant-type:ciba")]
    Ciba,
    /// RFC 8693 §2.1.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// RFC 7523 §2.1.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

impl GrantType {
    pub const ALL: [Self; 9] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::Password,
        Self::Implicit,
        Self::DeviceCode,
        Self::Ciba,
        Self::TokenExchange,
        Self::JwtBearer,
    ];

    /// The `grant_type` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::Password => "password",
            Self::Implicit => "implicit",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// Whether nobody signs in for it: nobody who could be seen to own the application.
    const fn needs_nobody(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::Password | Self::TokenExchange | Self::JwtBearer)
    }

    /// RFC 10027 §6: what lets others be asked from afar is there only where an operator registered a client for it; and so
    /// is what rests on the word of others.
    pub const fn is_by_registration(self) -> bool {
        matches!(self, Self::DeviceCode | Self::Ciba | Self::TokenExchange | Self::JwtBearer)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == text)
    }
}

/// Every parameter that means something at the token endpoint.
pub const KNOWN: [&str; 22] = [
    "grant_type",
    "client_id",
    "client_secret",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "username",
    "password",
    "tenant_id",
    "scope",
    "resource",
    "authorization_details",
    "device_code",
    "auth_req_id",
    "assertion",
    "audience",
    "requested_token_type",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
];

/// RFC 6749 §4: the grant asked for, if server and client both allow it. Call before the client is authenticated,
/// so that a malformed request is told what is wrong with it.
pub async fn requested(cx: &Context, params: &Params<'_>) -> Result<GrantType, Error> {
    params.refuse_repeats(&KNOWN)?;
    let name = params
        .one("grant_type")
        .ok_or(Code::InvalidRequest.because("grant_type is missing: send it in the form body"))?;
    // RFC 6749 §4.2: implicit is had at the authorization endpoint alone.
    let grant = GrantType::parse(name).filter(|grant| *grant != GrantType::Implicit).ok_or(NO_SUCH_GRANT)?;
    // What discovery does not promise does not exist.
    let rare = Compat::needed_for(grant).is_some() || grant.is_by_registration();
    if rare && !Box::pin(cx.offered_grants()).await?.contains(&grant) {
        return Err(NO_SUCH_GRANT.into());
    }
    Ok(grant)
}

const NO_SUCH_GRANT: Denial =
    Code::UnsupportedGrantType.because("this server has no such grant_type; its metadata lists those it has");

/// Exchanges a grant for tokens, on behalf of an authenticated client. What is refused, its owners can read.
pub async fn exchange(
    cx: &Context,
    client: &Client,
    grant: GrantType,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let exchanged = exchange_for(cx, client, grant, params).await;
    if let Err(Error::Denied(denial)) = &exchanged {
        // That a person has not decided yet, or said no, is no mistake of theirs.
        if !matches!(denial.code, Code::AuthorizationPending | Code::AccessDenied | Code::ExpiredToken) {
            cx.noted.refused(&client.id, Refused::at(Endpoint::Token, *denial), cx.now);
        }
    }
    exchanged
}

const NOT_REVIEWED: Denial = Code::UnauthorizedClient
    .because("this application waits for those who run this server to look at it, or they refused it");

async fn exchange_for(
    cx: &Context,
    client: &Client,
    grant: GrantType,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let opted = Compat::needed_for(grant).is_none_or(|compat| client.has(compat));
    if !client.allows(grant) || !opted {
        return Err(Code::UnauthorizedClient
            .because("this client is not registered for this grant_type")
            .into());
    }
    // Where nobody signs in, nobody could see that it is an owner.
    let refused = matches!(client.listing.review, Review::Rejected { .. });
    if refused || !client.listing.is_open() && grant.needs_nobody() {
        return Err(NOT_REVIEWED.into());
    }
    // Boxed: a request for the least of them would move room for the largest.
    match grant {
        GrantType::AuthorizationCode => Box::pin(authorization_code::exchange(cx, client, params)).await,
        GrantType::ClientCredentials => client_credentials::exchange(cx, client, params),
        GrantType::RefreshToken => Box::pin(refresh_token::exchange(cx, client, params)).await,
        GrantType::Password => Box::pin(password::exchange(cx, client, params)).await,
        GrantType::DeviceCode => Box::pin(elsewhere::device_code(cx, client, params)).await,
        GrantType::Ciba => Box::pin(elsewhere::auth_req_id(cx, client, params)).await,
        GrantType::TokenExchange => Box::pin(token_exchange::exchange(cx, client, params)).await,
        GrantType::JwtBearer => Box::pin(jwt_bearer::exchange(cx, client, params)).await,
        GrantType::Implicit => Err(NO_SUCH_GRANT.into()),
    }
}
