//! The decision, the same for the gateway and for every proxy that asks: who is it, and may they do this here?

use crate::challenge::Refusal;
use crate::identity::Absent;
use crate::{Caller, Inner, browser, policy, verify};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use valetkey_core::context::Server;
use valetkey_core::error::{Code, Denial};
use valetkey_core::jose::jwk::Algorithm;
use valetkey_core::login::browser_mode::Person;
use valetkey_core::proof::dpop::{self, Proven};
use valetkey_core::proof::holder::Shown;
use valetkey_core::route::{Method, Ruling};
use valetkey_core::scope::Scope;
use valetkey_core::store::Api;
use valetkey_core::time::Timestamp;
use valetkey_core::token::access::{AccessToken, Verified};
use valetkey_core::token::may_prove_by;

/// A request to be judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a, 'q> {
    pub(crate) api: &'a Api,
    pub(crate) ruling: Ruling<'a>,
    pub(crate) method: Method,
    /// Its path below the API's prefix.
    pub(crate) rest: &'q str,
    pub(crate) headers: &'q HeaderMap,
    pub(crate) token: Option<&'q str>,
    /// Whether it came by the scheme `DPoP`: then with a proof for this method at this path, as the caller sees them.
    pub(crate) dpop: bool,
    pub(crate) at: (&'q str, &'q str),
    pub(crate) now: Timestamp,
}

/// Who may pass.
#[derive(Debug)]
pub(crate) enum Who {
    Bearer(Verified),
    Browser(Box<Person>),
    /// The benchmark's baseline.
    #[cfg(feature = "unchecked")]
    Anybody,
}

impl Who {
    pub(crate) fn token<'a>(&'a self, api: &'a Api) -> Option<AccessToken<'a>> {
        match self {
            Self::Bearer(verified) => verified.token(),
            Self::Browser(person) => Some(person.token(api)),
            #[cfg(feature = "unchecked")]
            Self::Anybody => None,
        }
    }

    /// Tells an upstream who calls.
    pub(crate) fn introduce(
        &self,
        gateway: &Inner,
        (api, now): (&Api, Timestamp),
        headers: &mut HeaderMap,
        absent: Absent,
    ) -> Result<(), Refusal<'static>> {
        #[cfg(feature = "unchecked")]
        if matches!(self, Self::Anybody) {
            return Ok(());
        }
        let token = self.token(api).ok_or(Refusal::Failed)?;
        let said = gateway.identities.identify((&gateway.server, api), &token, now, (headers, absent));
        said.map_err(|_| Refusal::Failed)
    }
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Judged<'a> {
    Passes(Who),
    /// A person in a browser who has to sign in first.
    SignsIn,
    /// A person who signs out.
    SignsOut,
    Refused(Refusal<'a>),
}

pub(crate) async fn judge<'a>(gateway: &Inner, question: Question<'a, '_>, caller: Caller<'_>) -> Judged<'a> {
    #[cfg(feature = "unchecked")]
    if question.now.0 > 0 {
        return Judged::Passes(Who::Anybody);
    }
    let Question { api, ruling, headers, token, now, .. } = question;
    // Whoever shows a token, good or bad, is judged by it.
    if token.is_none() && api.browser && !headers.contains_key(AUTHORIZATION) {
        return browser::judge(gateway, question, caller).await;
    }
    if gateway.server.hear().await.is_err() {
        return Judged::Refused(Refusal::Away);
    }
    let (shown, by) = match shown(gateway, question, caller) {
        Ok(shown) => shown,
        Err(refusal) => return Judged::Refused(refusal),
    };
    let verified = match bearer(&gateway.server, api, ruling, (token, &shown), now) {
        Ok(verified) => verified,
        Err(refusal) => return Judged::Refused(refusal),
    };
    // A caller without a proof costs nothing here.
    if let (Some(by), Some(token)) = (by, verified.token()) {
        let may = may_prove_by(&browser::context(gateway, caller), token.client, by).await;
        match may {
            Ok(Ok(())) => {}
            Ok(Err(denial)) => return Judged::Refused(Refusal::Proof(denial)),
            Err(_) => return Judged::Refused(Refusal::Away),
        }
    }
    Judged::Passes(Who::Bearer(verified))
}

/// RFC 9449 §7.1, RFC 8705 §3 — what the caller shows that its token may be bound to, a certificate or a key by a proof; and
/// by which algorithm that is signed.
fn shown(
    gateway: &Inner,
    question: Question<'_, '_>,
    caller: Caller<'_>,
) -> Result<(Shown, Option<Algorithm>), Refusal<'static>> {
    let certificate = caller.certificate;
    if !question.dpop {
        return Ok((Shown { key: None, certificate }, None));
    }
    let mut proofs = question.headers.get_all("dpop").iter();
    let (Some(proof), None) = (proofs.next().and_then(|proof| proof.to_str().ok()), proofs.next()) else {
        return Err(Refusal::Proof(NO_PROOF));
    };
    let (method, path) = question.at;
    let target = dpop::Shown { method, path, access_token: question.token };
    let Proven { key, algorithm } =
        dpop::check(&browser::context(gateway, caller), proof, &target).map_err(Refusal::Proof)?;
    Ok((Shown { key: Some(key), certificate }, Some(algorithm)))
}

const NO_PROOF: Denial = Code::InvalidDpopProof.because("send one DPoP header with one proof in it");

fn bearer<'a>(
    server: &Server,
    api: &Api,
    ruling: Ruling<'a>,
    (token, shown): (Option<&str>, &Shown),
    now: Timestamp,
) -> Result<Verified, Refusal<'a>> {
    let verified = verify::verify(server, api, (token.ok_or(Refusal::Missing)?, shown), now)?;
    let token = verified.token().ok_or(Refusal::Failed)?;
    policy::decide(ruling, &token, now, |wanted| {
        policy::by_token(&server.settings.acr, &token, now, wanted)
    })?;
    Ok(verified)
}

/// The scopes an endpoint needs, where it has a rule.
pub(crate) fn needs(ruling: Ruling<'_>) -> Option<&Scope> {
    if let Ruling::Rule(rule) = ruling { Some(&rule.scopes) } else { None }
}
