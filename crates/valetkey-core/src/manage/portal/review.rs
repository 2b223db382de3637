//! Somebody looks at an application before the public is let in.

use super::super::client::{self, Change, Logo};
use super::super::{ManageError, refused};
use super::{Declined, record_of};
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::client::listing::Review;
use crate::context::Context;
use crate::directory::User;
use crate::ids::ClientId;

const REASON_LIMIT: usize = 500;

/// Lets the public in.
pub async fn approve(cx: &Context, actor: &Actor, id: &ClientId) -> Result<Client, ManageError> {
    client::update(cx, actor, id, Event::ClientApproved, |client| client.listing.review = Review::Approved)
        .await
}

/// Shuts it, for its owners too; what it holds dies. The reason is for its owners.
pub async fn reject(cx: &Context, actor: &Actor, id: &ClientId, reason: &str) -> Result<Client, ManageError> {
    if reason.chars().count() > REASON_LIMIT {
        return Err(refused("a reason has at most 500 characters"));
    }
    let reason = reason.trim().to_owned();
    let review = Review::Rejected { reason };
    client::update(cx, actor, id, Event::ClientRejected, |client| client.listing.review = review.clone())
        .await
}

/// An owner asks to look again.
pub async fn ask_again(cx: &Context, user: &User, id: &ClientId) -> Result<Client, Declined> {
    let record = record_of(cx, user, Event::ClientReviewAsked, id);
    client::change(cx, Change { id, record, mark: None, logo: Logo::Stays }, |client| {
        if !matches!(client.listing.review, Review::Rejected { .. }) {
            return Err(refused("nobody has refused this application").into());
        }
        client.listing.review = Review::Pending;
        Ok(())
    })
    .await
}
