//! OIDC Core §3.1.2.3, §5.5.1, RFC 9470 §5 — whether who is signed in will do, and what goes with the answer

use crate::context::Context;
use crate::error::{Code, Denial, Fault};
use crate::interaction::{Interaction, LoginReason, Prompt, Step};
use crate::login::acr;
use crate::scope::Scope;
use crate::store::Session;
use crate::token::details::Details;

const ANOTHER: Denial =
    Code::LoginRequired.because("another account is signed in than the one that the request is about");
const UNMET: Denial = Code::UnmetAuthenticationRequirements
    .because("the user cannot be authenticated in a way that the request insists on");
const NOT_SO: Denial =
    Code::LoginRequired.because("the user was not authenticated in a way that the request insists on");

/// What is missing although somebody is signed in; `None`: nothing.
pub(super) async fn lacking(
    cx: &Context,
    interaction: &Interaction,
    session: &Session,
) -> Result<Option<Step>, Fault> {
    match missing(cx, interaction, session) {
        Some(step) => Ok(Some(step)),
        None => gated(cx, interaction, session).await,
    }
}

fn missing(cx: &Context, interaction: &Interaction, session: &Session) -> Option<Step> {
    let details = &interaction.request.details;
    let quiet = interaction.request.prompts.contains(&Prompt::None);
    let here = interaction.signed_in == Some(session.id);
    if details.expected.as_ref().is_some_and(|people| !people.contains(&session.user)) {
        return Some(if quiet || here { Step::Refuse(ANOTHER) } else { Step::Login(LoginReason::SignedOut) });
    }
    // OIDC Core §5.5.1.1: essential, or as good as it gets.
    let essential = details.claims.as_ref().and_then(|claims| claims.acr()).filter(|acr| acr.essential);
    if let Some(wish) = essential.filter(|wish| !acr::fulfils(cx, session, &wish.values)) {
        return Some(match (quiet, here || !acr::could(cx, &wish.values)) {
            (_, true) => Step::Refuse(UNMET),
            (true, false) => Step::Refuse(NOT_SO),
            (false, false) => Step::Login(LoginReason::Again),
        });
    }
    let wishes = wishes(details);
    let better = !acr::fulfils(cx, session, &wishes) && acr::could(cx, &wishes);
    (better && !quiet && !here).then_some(Step::Login(LoginReason::Again))
}

const UNPROVEN: Denial =
    Code::InteractionRequired.because("the user's e-mail address must be confirmed first, and is not yet");

/// The gate on the account: what no grant would be given for is not asked about.
async fn gated(cx: &Context, interaction: &Interaction, session: &Session) -> Result<Option<Step>, Fault> {
    let accounts = &cx.settings.accounts;
    if !accounts.require_verified_email {
        return Ok(None);
    }
    let user = cx.store.user(&session.user).await?;
    if !user.is_some_and(|user| user.lacks_verified_email(accounts)) {
        return Ok(None);
    }
    let quiet = interaction.request.prompts.contains(&Prompt::None);
    Ok(Some(if quiet { Step::Refuse(UNPROVEN) } else { Step::VerifiedEmail }))
}

/// How the client would like the person to be authenticated; what it insists on goes first.
fn wishes(details: &Details) -> Vec<String> {
    let named = details.claims.as_ref().and_then(|claims| claims.acr()).map(|wish| wish.values.clone());
    named.into_iter().flatten().chain(details.acr_values.iter().cloned()).collect()
}

/// What goes with code, grant and tokens, of what was asked and what was allowed.
pub(super) fn agreed(cx: &Context, interaction: &Interaction, session: &Session, granted: &Scope) -> Details {
    let asked = &interaction.request.details;
    let may = |name: &str| interaction.request.allows_claim(granted, name);
    Details {
        acr: acr::said(cx, session, &wishes(asked)),
        amr: session.amr.clone(),
        claims: asked.claims.as_ref().map(|claims| claims.filter(may)).filter(|claims| !claims.is_empty()),
        expected: None,
        ..asked.agreed()
    }
}
