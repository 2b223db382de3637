//! Taking an application's key back: the standing consent and every grant under it.

use super::ManageError;
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::{ClientId, UserId};
use crate::settings::LONGEST_OPTED_ACCESS_TOKEN;
use crate::store::{Mark, MarkKind};
use crate::token::revocation::consent_key;

pub async fn withdraw(
    cx: &Context,
    actor: Actor,
    user: &UserId,
    client: &ClientId,
) -> Result<(), ManageError> {
    let mark = Mark {
        kind: MarkKind::Consent,
        key: consent_key(user.as_str(), client.as_str()),
        not_after_ms: cx.mark_ms(),
        expires_at: cx.now + LONGEST_OPTED_ACCESS_TOKEN,
    };
    let mut record = cx.record(Event::ConsentWithdrawn, actor).client(client);
    record.user = Some(user.clone());
    if !cx.store.withdraw_consent(user, client, &mark, &record).await? {
        return Err(ManageError::Unknown("consent"));
    }
    cx.revoked.insert(&mark);
    cx.follow_changes().await?;
    Ok(())
}
