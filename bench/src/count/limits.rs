//! What each path may cost: committed beside the benchmark, and written anew by `count --write`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// What one request costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Without those of the crypto library.
    pub(super) instructions: f64,
    #[serde(skip)]
    pub(super) crypto: f64,
    pub(super) allocations: f64,
}

/// What was counted when the limits were written. A count may lie above it by the tolerance, and no more.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Limits {
    /// Another compiler or C library may add so much, as a share.
    tolerance: f64,
    /// So many allocations more are no regression: background work falls into the count.
    allocations_more: f64,
    counted: BTreeMap<String, Counts>,
}

const TOLERANCE: f64 = 0.06;
const ALLOCATIONS_MORE: f64 = 1.5;

pub(super) fn place() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/limits.json").into()
}

impl Limits {
    pub(super) fn new(counted: BTreeMap<String, Counts>) -> Self {
        let whole = |counts: Counts| Counts {
            instructions: counts.instructions.round(),
            allocations: (counts.allocations * 10.0).round() / 10.0,
            ..counts
        };
        let counted = counted.into_iter().map(|(name, counts)| (name, whole(counts))).collect();
        Self { tolerance: TOLERANCE, allocations_more: ALLOCATIONS_MORE, counted }
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no limits", path.display()))
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// One complaint for each path that costs too much, or that no limit speaks of.
    pub(super) fn broken_by(&self, counted: &BTreeMap<String, Counts>) -> Vec<String> {
        let complaint = |(name, now): (&String, &Counts)| {
            let Some(then) = self.counted.get(name) else {
                return Some(format!("{name}: there is no limit for it (count --write)"));
            };
            let (most, more) =
                (then.instructions * (1.0 + self.tolerance), then.allocations + self.allocations_more);
            let slow = now.instructions > most || now.allocations > more;
            slow.then(|| {
                format!(
                    "{name}: {:.0} instructions and {:.1} allocations; at most {most:.0} and {more:.1}. Find out what \
                     was added (count --keep DIR, callgrind_annotate); if it is worth that, count --write",
                    now.instructions, now.allocations
                )
            })
        };
        counted.iter().filter_map(complaint).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(instructions: f64, allocations: f64) -> BTreeMap<String, Counts> {
        BTreeMap::from([("refresh".to_owned(), Counts { instructions, crypto: 0.0, allocations })])
    }

    #[test]
    fn a_path_may_cost_no_more_than_its_limit_and_the_tolerance() {
        let limits = Limits::new(of(1000.0, 20.0));
        let (most, more) = (1000.0 * (1.0 + TOLERANCE), 20.0 + ALLOCATIONS_MORE);
        for (counted, holds) in [
            (of(1000.0, 20.0), true),
            (of(most, more), true),
            (of(most + 1.0, 20.0), false),
            (of(1000.0, more + 0.1), false),
            (of(500.0, 1.0), true),
        ] {
            assert_eq!(limits.broken_by(&counted).is_empty(), holds, "{counted:?}");
        }
        let other = BTreeMap::from([("new".to_owned(), of(1.0, 1.0)["refresh"])]);
        assert_eq!(limits.broken_by(&other).len(), 1);
    }
}
