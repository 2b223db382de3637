//! OIDC Core §3.1.2.1, §5.5 — the rows about whom the answer must be about, how they were authenticated, and what is said

use super::Draft;
use crate::claims::Requested;
use crate::client::subject;
use crate::error::{Code, Denial};
use crate::ids::UserId;
use crate::jose::jwt::{self, Type};
use serde::Deserialize;

/// More ways to be authenticated than anybody tells apart.
const MOST_ACR_VALUES: usize = 16;

// OIDC Core §5.5.
pub(super) fn claims(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let Some(text) = draft.params.one("claims") else { return Ok(()) };
    let requested = Requested::parse(text)?;
    // §5.5.1: the answer is about this person, or there is none.
    for wish in requested.subjects().filter(|wish| !wish.values.is_empty()) {
        let client = &draft.addressee.client;
        let people = wish.values.iter().filter_map(|sub| subject::user(draft.cx, client, sub)).collect();
        expect(draft, people);
    }
    draft.request.details.claims = (!requested.is_empty()).then_some(requested);
    Ok(())
}

/// Whoever is expected already stays so only if expected now.
fn expect(draft: &mut Draft<'_>, people: Vec<UserId>) {
    let both = match draft.request.details.expected.take() {
        Some(before) => before.into_iter().filter(|person| people.contains(person)).collect(),
        None => people,
    };
    draft.request.details.expected = Some(both);
}

// OIDC Core §3.1.2.1; OIDC Registration §2 where the request says nothing.
pub(super) fn acr_values(draft: &mut Draft<'_>) -> Result<(), Denial> {
    let text = draft.params.one("acr_values").unwrap_or_default();
    let mut values: Vec<String> =
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if values.len() > MOST_ACR_VALUES || text.len() > 2048 {
        return Err(Code::InvalidRequest.because("acr_values has at most 16 values"));
    }
    if values.is_empty() {
        values.clone_from(&draft.addressee.client.profile.openid.default_acr_values);
    }
    draft.request.details.acr_values = values;
    Ok(())
}

#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: String,
}

// OIDC Core §3.1.2.1, §3.1.2.2: one of ours, for this client; its time does not matter.
pub(super) fn id_token_hint(draft: &mut Draft<'_>) -> Result<(), Denial> {
    const BAD: Denial = Code::InvalidRequest
        .because("id_token_hint must be an ID token that this server signed for this very client");
    let Some(text) = draft.params.one("id_token_hint") else { return Ok(()) };
    let keys = draft.cx.keys();
    let json = jwt::open(keys.signing(), Type::IdToken, text).ok_or(BAD)?;
    let hint: Hint = serde_json::from_slice(&json).map_err(|_| BAD)?;
    let client = &draft.addressee.client;
    if hint.iss != draft.cx.settings.issuer() || hint.aud != client.id.as_str() {
        return Err(BAD);
    }
    let person = subject::user(draft.cx, client, &hint.sub).ok_or(BAD)?;
    expect(draft, vec![person]);
    Ok(())
}
