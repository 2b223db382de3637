//! The revocation index: in memory on every node, holding only what can still matter.

use crate::context::Context;
use crate::ids::{GrantId, TokenId};
use crate::settings::{LONGEST_ACCESS_TOKEN, LONGEST_OPTED_ACCESS_TOKEN};
use crate::store::{Mark, MarkKind};
use crate::time::{Seconds, Timestamp};
use crate::token::access::AccessToken;
use crate::token::details::Details;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

const SHARDS: usize = 16;

/// No statement of others is good for longer.
const LONGEST_STATEMENT: Seconds = Seconds::minutes(65);

/// What a token has to be older than to be dead, and until when it matters.
#[derive(Debug, Clone, Copy)]
struct Entry {
    not_after_ms: i64,
    expires_at: Timestamp,
}

/// The marks of one kind. Empty tables cost one atomic load; full ones a sharded read lock.
#[derive(Debug, Default)]
struct Table {
    count: AtomicUsize,
    shards: [RwLock<HashMap<Box<[u8]>, Entry>>; SHARDS],
}

impl Table {
    fn shard(&self, key: &[u8]) -> &RwLock<HashMap<Box<[u8]>, Entry>> {
        &self.shards[usize::from(key.last().copied().unwrap_or(0)) % SHARDS]
    }

    fn insert(&self, mark: &Mark) {
        let mut shard = self.shard(&mark.key).write().unwrap_or_else(PoisonError::into_inner);
        let fresh = Entry { not_after_ms: mark.not_after_ms, expires_at: mark.expires_at };
        if let Some(entry) = shard.get_mut(mark.key.as_slice()) {
            entry.not_after_ms = entry.not_after_ms.max(fresh.not_after_ms);
            entry.expires_at = entry.expires_at.max(fresh.expires_at);
        } else {
            shard.insert(mark.key.as_slice().into(), fresh);
            self.count.fetch_add(1, Ordering::Release);
        }
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether something of this key, made at `made_ms`, was taken back.
    fn kills(&self, key: &[u8], made_ms: i64) -> bool {
        if self.is_empty() {
            return false;
        }
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(key).is_some_and(|entry| made_ms <= entry.not_after_ms)
    }

    fn forget_expired(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let before = shard.len();
            shard.retain(|_, entry| entry.expires_at > now);
            self.count.fetch_sub(before - shard.len(), Ordering::Release);
        }
    }
}

/// Every revocation that can still matter.
#[derive(Debug, Default)]
pub struct RevocationIndex {
    tables: [Table; 6],
    /// The moment of the last restore in milliseconds; 0: never.
    epoch: AtomicI64,
}

/// The key of a `MarkKind::Consent` mark.
pub fn consent_key(user: &str, client: &str) -> Vec<u8> {
    [user.as_bytes(), &[0], client.as_bytes()].concat()
}

/// The mark that takes back a grant's access tokens; the store keeps it as long as the last of them lives.
pub(crate) fn grant_mark(cx: &Context, grant: GrantId) -> Mark {
    grant_mark_until(grant, cx.now + LONGEST_ACCESS_TOKEN)
}

/// The same, where it is known when the last of them expires.
pub(crate) fn grant_mark_until(grant: GrantId, expires_at: Timestamp) -> Mark {
    Mark { kind: MarkKind::Grant, key: grant.0.as_bytes().to_vec(), not_after_ms: i64::MAX, expires_at }
}

/// The mark that takes back one access token.
pub(crate) fn token_mark(token: &AccessToken<'_>) -> Mark {
    Mark {
        kind: MarkKind::Token,
        key: token.id.0.as_bytes().to_vec(),
        not_after_ms: i64::MAX,
        expires_at: token.expires_at,
    }
}

impl RevocationIndex {
    fn table(&self, kind: MarkKind) -> &Table {
        &self.tables[kind as usize - 1]
    }

    pub fn insert(&self, mark: &Mark) {
        if mark.kind == MarkKind::Everything {
            self.epoch.fetch_max(mark.not_after_ms, Ordering::AcqRel);
        } else {
            self.table(mark.kind).insert(mark);
        }
    }

    /// When the store was last put back to an older state: what is from before counts for nothing.
    pub fn epoch_ms(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether what somebody else signed was made since the last restore: what was used up between backup and restore is
    /// not known. One that does not say when it was made counts once all that could have been used then have ended.
    pub fn is_since(&self, made: Option<Timestamp>, ends: Timestamp) -> bool {
        let epoch_ms = self.epoch_ms();
        let epoch = Timestamp(epoch_ms / 1000);
        epoch_ms == 0 || made.map_or(ends > epoch + LONGEST_STATEMENT, |made| made > epoch)
    }

    /// Whether a person took back, at that moment or later, what a client was allowed.
    pub fn is_withdrawn(&self, user: &str, client: &str, made_ms: i64) -> bool {
        self.table(MarkKind::Consent).kills(&consent_key(user, client), made_ms)
    }

    pub fn forget_expired(&self, now: Timestamp) {
        self.tables.iter().for_each(|table| table.forget_expired(now));
    }

    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.count.load(Ordering::Acquire)).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(Table::is_empty)
    }

    /// Whether a token was taken back: itself, its grant, or all of its client, user, tenant or consent up to then.
    pub fn kills(&self, token: &AccessToken<'_>) -> bool {
        let made = token.id.0.millis();
        let kills = |kind, key: &[u8]| self.table(kind).kills(key, made);
        made <= self.epoch_ms()
            || kills(MarkKind::Token, token.id.0.as_bytes())
            || token.grant.is_some_and(|grant| kills(MarkKind::Grant, grant.0.as_bytes()))
            || kills(MarkKind::Client, token.client.as_bytes())
            || kills(MarkKind::Tenant, token.tenant.as_bytes())
            || self.kills_a_source(token, made)
            || token.user.is_some_and(|user| {
                kills(MarkKind::User, user.as_bytes())
                    || (!self.table(MarkKind::Consent).is_empty()
                        && kills(MarkKind::Consent, &consent_key(user, token.client)))
            })
    }
}

/// The mark of a restore.
pub fn epoch_mark(now_ms: i64) -> Mark {
    let expires_at = Timestamp(now_ms / 1000) + LONGEST_OPTED_ACCESS_TOKEN;
    Mark { kind: MarkKind::Everything, key: Vec::new(), not_after_ms: now_ms, expires_at }
}

impl RevocationIndex {
    /// RFC 8693 §2.1: whether what the token was exchanged for was taken back.
    fn kills_a_source(&self, token: &AccessToken<'_>, made: i64) -> bool {
        let kills = |kind, key: &[u8]| self.table(kind).kills(key, made);
        Details::sources(token.details).iter().any(|source| {
            let id = source.token.as_deref().and_then(|text| text.parse::<TokenId>().ok());
            id.is_some_and(|id| kills(MarkKind::Token, id.0.as_bytes()))
                || kills(MarkKind::Client, source.client.as_bytes())
                || token.user.is_some_and(|user| kills(MarkKind::Consent, &consent_key(user, &source.client)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn token(made_ms: u64) -> AccessToken<'static> {
        AccessToken {
            details: "",
            id: TokenId(Id::new(made_ms, [1; 10])),
            client: "app",
            user: Some("usr_a"),
            tenant: "default",
            grant: Some(GrantId(Id::new(5, [2; 10]))),
            scope: "read",
            audience: Vec::new(),
            issued_at: Timestamp(0),
            expires_at: Timestamp(100),
            auth_time: None,
            confirmation: None,
        }
    }

    #[test]
    fn a_restore_kills_whatever_was_made_before_it() {
        let index = RevocationIndex::default();
        index.insert(&epoch_mark(1000));
        assert!(index.kills(&token(1000)) && !index.kills(&token(1001)));
        index.insert(&epoch_mark(500));
        assert_eq!(index.epoch_ms(), 1000, "it never goes back");
        let at = |second| Some(Timestamp(second));
        for (made, ends, holds) in [
            (at(1), 100, false),
            (at(2), 100, true),
            (None, 100, false),
            (None, 65 * 60 + 1, false),
            (None, 65 * 60 + 2, true),
        ] {
            assert_eq!(index.is_since(made, Timestamp(ends)), holds, "{made:?} {ends}");
        }
        assert!(RevocationIndex::default().is_since(None, Timestamp(0)), "there was no restore");
    }

    #[test]
    fn a_mark_kills_what_was_made_up_to_it_and_nothing_else() {
        let consent = consent_key("usr_a", "app");
        let grant = Id::new(5, [2; 10]);
        let own = Id::new(1000, [1; 10]);
        for (kind, key) in [
            (MarkKind::Token, own.as_bytes()),
            (MarkKind::Grant, grant.as_bytes()),
            (MarkKind::Client, b"app"),
            (MarkKind::User, b"usr_a"),
            (MarkKind::Tenant, b"default"),
            (MarkKind::Consent, &consent),
        ] {
            let index = RevocationIndex::default();
            assert!(!index.kills(&token(1000)));
            index.insert(&Mark { kind, key: key.to_vec(), not_after_ms: 1000, expires_at: Timestamp(100) });
            assert!(index.kills(&token(1000)), "{kind:?}");
            assert!(!index.kills(&token(1001)), "{kind:?} must spare what came later");
            index.forget_expired(Timestamp(100));
            assert!(
                index.is_empty() && !index.kills(&token(1000)),
                "{kind:?} must be forgotten once expired"
            );
        }
    }
}
