//! What can go wrong, split by whose word it is: a `Denial` is the standard's, a `Fault` is ours.

use std::fmt;

/// An error code of RFC 6749 §4.1.2.1/§5.2, its extensions and RFC 6750 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    /// RFC 8707 §2.
    InvalidTarget,
    AccessDenied,
    TemporarilyUnavailable,
    ServerError,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 9470 §3.
    InsufficientUserAuthentication,
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2.
    InvalidSoftwareStatement,
    /// RFC 7591 §3.2.2.
    UnapprovedSoftwareStatement,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
    /// OIDC Core §3.1.2.6.
    LoginRequired,
    /// OIDC Core §3.1.2.6.
    ConsentRequired,
    /// OIDC Core §3.1.2.6.
    InteractionRequired,
    /// OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2.
    UnmetAuthenticationRequirements,
    /// OIDC Core §3.1.2.6.
    RequestNotSupported,
    /// OIDC Core §3.1.2.6.
    RequestUriNotSupported,
    /// RFC 8628 §3.5.
    AuthorizationPending,
    /// RFC 8628 §3.5.
    SlowDown,
    /// RFC 8628 §3.5.
    ExpiredToken,
    /// RFC 9101 §7.
    InvalidRequestObject,
    /// RFC 9101 §7.
    InvalidRequestUri,
    /// RFC 9396 §5.
    InvalidAuthorizationDetails,
    /// CIBA Core §13.
    UnknownUserId,
    /// CIBA Core §13.
    InvalidBindingMessage,
}

impl Code {
    /// The code as it goes over the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::UnknownUserId => "unknown_user_id",
            Self::InvalidBindingMessage => "invalid_binding_message",
        }
    }

    /// A denial with a sentence that says what to change.
    pub const fn because(self, detail: &'static str) -> Denial {
        Denial { code: self, detail }
    }
}

/// A refusal that a standard names. The detail is a literal, so no input can leak through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    pub code: Code,
    pub detail: &'static str,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What kind of failure of ours it is: it decides the status and whether a retry helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Something we need is away or busy; a retry may succeed (503).
    Unavailable,
    /// Stored data cannot be what we wrote (503 as well, and an operator must look).
    Corrupt,
    /// A bug or an impossible state (500).
    Internal,
}

impl FaultKind {
    /// Whether the store is what fails, away or damaged: who asks can only wait (503).
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Unavailable | Self::Corrupt)
    }
}

/// A failure of ours. Logged once, in one layer, never shown.
#[derive(Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub what: &'static str,
    source: Option<Source>,
}

impl Fault {
    pub fn unavailable(what: &'static str, source: impl Into<Source>) -> Self {
        Self { kind: FaultKind::Unavailable, what, source: Some(source.into()) }
    }

    pub fn corrupt(what: &'static str, source: impl Into<Source>) -> Self {
        Self { kind: FaultKind::Corrupt, what, source: Some(source.into()) }
    }

    pub fn internal(what: &'static str, source: impl Into<Source>) -> Self {
        Self { kind: FaultKind::Internal, what, source: Some(source.into()) }
    }

    /// A fault with nothing behind it.
    pub const fn bare(kind: FaultKind, what: &'static str) -> Self {
        Self { kind, what, source: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.what),
            None => f.write_str(self.what),
        }
    }
}

impl std::error::Error for Fault {}

/// Everything a protocol operation can answer instead of its result.
#[derive(Debug)]
pub enum Error {
    Denied(Denial),
    Failed(Fault),
}

/// What an error is within another: `becomes!(Fault => Error::Failed)`, so that `?` does it.
macro_rules! becomes {
    ($($from:ty => $to:ident :: $variant:ident),+) => {
        $(impl From<$from> for $to {
            fn from(own: $from) -> Self {
                Self::$variant(own.into())
            }
        })+
    };
}

pub(crate) use becomes;

becomes!(Denial => Error::Denied, Fault => Error::Failed);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => denial.fmt(f),
            Self::Failed(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
