//! The 19 MiB that a hash works in: kept for the next one while logins come, given back when they stop.

use argon2::Block;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an arena waits for the next hash.
const IDLE: Duration = Duration::from_secs(30);

/// Blocks reserved at least: over 32 MiB. glibc unmaps so large a piece whenever it is freed; a smaller one it unmaps once
/// and keeps from the second time on (`mallopt(3)`, `M_MMAP_THRESHOLD`). What no hash touches costs no memory.
const ROOM: usize = 33 * 1024;

/// What a hash works in.
pub(super) type Arena = Vec<Block>;

/// Arenas that nobody uses now. There are never more than hashes that ran at once: two for each permit (`lanes.rs`).
#[derive(Default)]
pub(super) struct Arenas {
    free: Mutex<Vec<(Arena, Instant)>>,
}

impl std::fmt::Debug for Arenas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arenas({} free)", self.count())
    }
}

impl Arenas {
    /// An arena of at least so many blocks. One that is new is filled by whoever uses it first: see `fitted`.
    pub(super) fn take(&self, blocks: usize) -> Arena {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.map(|(arena, _)| arena).filter(|arena| arena.len() >= blocks).unwrap_or_default()
    }

    pub(super) fn give_back(&self, arena: Arena) {
        // An imported hash may have wanted more; that much is not kept.
        if arena.len() <= super::phc::BLOCKS {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push((arena, Instant::now()));
        }
    }

    /// Drops the arenas that have waited too long.
    pub(super) fn trim(&self) {
        self.trim_unused_since(Instant::now().checked_sub(IDLE));
    }

    pub(super) fn trim_unused_since(&self, since: Option<Instant>) {
        let Some(since) = since else { return };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.retain(|(_, used)| *used > since);
        free.shrink_to_fit();
    }

    pub(super) fn count(&self) -> usize {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Makes an arena what a hash of so many blocks needs. Some milliseconds where it is new: on the thread that hashes.
pub(super) fn fitted(arena: &mut Arena, blocks: usize) -> &mut [Block] {
    if arena.len() < blocks {
        arena.reserve_exact(blocks.max(ROOM));
        arena.resize(blocks, Block::new());
    }
    arena
}
