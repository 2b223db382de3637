//! `/account/requests/{id}`: what an application asks of this person by the back channel (CIBA Core §8)

use super::super::flow;
use super::super::respond::{app, failed, plain_error};
use super::super::view::account::below;
use super::super::view::{ErrorKind, RequestRow, When};
use super::visitor;
use crate::extract::Call;
use axum::extract::Path;
use axum::response::Response;
use valetkey_core::approval;
use valetkey_core::error::Fault;
use valetkey_core::ids::{Id, UserId};
use valetkey_core::interaction::Interaction;

/// What waits for a person, the newest first.
pub(super) async fn all(call: &Call, user: &UserId) -> Result<Vec<RequestRow>, Fault> {
    let cx = &call.cx;
    let mut rows = Vec::new();
    for row in cx.store.approvals_of(user, cx.now).await? {
        let Some(waiting) = approval::open(cx, row) else { continue };
        let client = cx.registered(waiting.row.client.as_str()).await?.filter(|client| !client.disabled);
        let Some(client) = client else { continue };
        rows.push(RequestRow {
            look: below(&format!("requests/{}", waiting.row.id)),
            app: app(&client),
            message: waiting.pending.binding_message,
            asked: When::new(waiting.row.created_at, cx.now),
        });
    }
    Ok(rows)
}

/// Goes on to the consent page, in this browser and for this person alone.
pub(crate) async fn get(Path(id): Path<String>, call: Call) -> Response {
    let session = match visitor(&call).await {
        Ok((session, _)) => session,
        Err(response) => return response,
    };
    let Ok(id) = id.parse::<Id>() else { return plain_error(&call, ErrorKind::NotFound) };
    let waiting = match approval::of(&call.cx, id).await {
        Ok(found) => found.filter(|waiting| waiting.row.user.as_ref() == Some(&session.user)),
        Err(fault) => return failed(&call, &fault),
    };
    // Somebody else's is nothing, as one that never was.
    let Some(waiting) = waiting else { return plain_error(&call, ErrorKind::NotFound) };
    let (browser, fresh) = flow::browser(&call);
    let interaction = Interaction::new(&call.cx, waiting.pending.request, &browser).deciding(id);
    let mut response = flow::resume(&call, interaction).await;
    if fresh {
        flow::keep_browser(&call, &mut response, &browser);
    }
    response
}
