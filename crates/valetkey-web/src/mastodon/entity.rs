//! Mastodon's entities, with what there is here; the rest is what an account or a server without posts would say

use crate::pages::view::When;
use serde_json::{Value, json};
use valetkey_core::context::Context;
use valetkey_core::directory::User;

/// The newest version of Mastodon whose way of registering and signing in this is.
const VERSION: &str = concat!("4.3.0 (compatible; Valetkey ", env!("CARGO_PKG_VERSION"), ")");

/// CredentialAccount.
pub(super) fn account(cx: &Context, user: &User) -> Value {
    let page = cx.settings.url("/account");
    let picture = cx.settings.url("/favicon.ico");
    let name = user.name.as_deref().unwrap_or(&user.username);
    json!({
        "id": user.id,
        "username": user.username,
        "acct": user.username,
        "display_name": name,
        "locked": false,
        "bot": false,
        "group": false,
        "discoverable": false,
        "indexable": false,
        "created_at": When::new(user.created_at, cx.now).iso.replace('Z', ".000Z"),
        "note": "",
        "url": page,
        "uri": page,
        "avatar": picture,
        "avatar_static": picture,
        "header": picture,
        "header_static": picture,
        "followers_count": 0,
        "following_count": 0,
        "statuses_count": 0,
        "last_status_at": null,
        "emojis": [],
        "fields": [],
        "source": {
            "privacy": "public", "sensitive": false, "language": null, "note": "", "fields": [],
            "follow_requests_count": 0, "hide_collections": null, "discoverable": false, "indexable": false,
        },
        "role": { "id": "-99", "name": "", "color": "", "permissions": "0", "highlighted": false },
    })
}

/// V1::Instance.
pub(super) fn instance(cx: &Context, name: &str) -> Value {
    json!({
        "uri": cx.settings.host(),
        "title": name,
        "short_description": "",
        "description": "",
        "email": "",
        "version": VERSION,
        "urls": {},
        "stats": { "user_count": 0, "status_count": 0, "domain_count": 0 },
        "thumbnail": null,
        "languages": ["en"],
        "registrations": false,
        "approval_required": false,
        "invites_enabled": false,
        "configuration": configuration(),
        "contact_account": null,
        "rules": [],
    })
}

/// Instance.
pub(super) fn instance_v2(cx: &Context, name: &str) -> Value {
    json!({
        "domain": cx.settings.host(),
        "title": name,
        "version": VERSION,
        "source_url": "",
        "description": "",
        "usage": { "users": { "active_month": 0 } },
        "thumbnail": { "url": cx.settings.url("/favicon.ico") },
        "languages": ["en"],
        "configuration": configuration(),
        "registrations": { "enabled": false, "approval_required": false, "message": null, "url": null },
        "api_versions": { "mastodon": 2 },
        "contact": { "email": "", "account": null },
        "rules": [],
    })
}

fn configuration() -> Value {
    json!({
        "urls": {},
        "vapid": { "public_key": "" },
        "accounts": { "max_featured_tags": 0, "max_pinned_statuses": 0 },
        "statuses": { "max_characters": 0, "max_media_attachments": 0, "characters_reserved_per_url": 0 },
        "media_attachments": { "supported_mime_types": [] },
        "polls": { "max_options": 0 },
        "translation": { "enabled": false },
    })
}
