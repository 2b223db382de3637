//! RFC 6749 §10.2 — an application that nobody has looked at yet, where those who run the server look at each

use crate::client::Client;
use crate::client::listing::Review;
use crate::context::Context;
use crate::error::{Code, Denial, Fault};
use crate::store::Session;

const PENDING: Denial = Code::UnauthorizedClient.because(
    "this application waits for those who run this server to look at it: until then at most its owners can sign in to it",
);
const REJECTED: Denial =
    Code::UnauthorizedClient.because("those who run this server looked at this application and refused it");

/// Why this person cannot sign in to the application, if that is so.
pub(super) async fn shuts(cx: &Context, client: &Client, session: &Session) -> Result<Option<Denial>, Fault> {
    match client.listing.review {
        Review::NotNeeded | Review::Approved => Ok(None),
        Review::Rejected { .. } => Ok(Some(REJECTED)),
        Review::Pending => {
            // A stranger would give himself every scope through an application of his own.
            let stranger = cx.settings.accounts.lets_sign_up(&session.tenant);
            let owner = !stranger && cx.store.is_owner(&client.id, &session.user).await?;
            Ok((!owner).then_some(PENDING))
        }
    }
}
