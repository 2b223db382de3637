//! What becomes of each table at a restore. Whatever was handed out, and whatever gives more, is gone afterwards.

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is as it was when the backup was made.
    Kept,
    /// It begins anew: its rows stand for what was handed out, or could have been used up or taken back since.
    Emptied,
    /// It belongs to a database and not to what is in it: no backup has it.
    Own,
}

/// Every table. A new one needs its row: may what it holds have been used up, taken back or ended after a backup? Then it is
/// emptied.
pub(crate) const TABLES: &[(&str, Fate)] = &[
    ("apis", Fate::Kept),
    ("approvals", Fate::Emptied),
    ("attempts", Fate::Kept),
    ("audit", Fate::Kept),
    ("changes", Fate::Emptied),
    ("clients", Fate::Kept),
    ("consents", Fate::Emptied),
    ("failures", Fate::Kept),
    ("feed", Fate::Own),
    ("grants", Fate::Emptied),
    ("identities", Fate::Kept),
    ("issuers", Fate::Kept),
    ("keys", Fate::Emptied),
    ("logos", Fate::Kept),
    ("logouts", Fate::Emptied),
    ("moved", Fate::Own),
    ("nodes", Fate::Own),
    ("offers", Fate::Emptied),
    ("owners", Fate::Kept),
    ("refusals", Fate::Kept),
    ("revocations", Fate::Emptied),
    ("schema_history", Fate::Own),
    ("scopes", Fate::Kept),
    ("secret_uses", Fate::Kept),
    ("sessions", Fate::Emptied),
    ("settings", Fate::Kept),
    ("spent", Fate::Kept),
    ("tenants", Fate::Kept),
    ("upkeep", Fate::Own),
    ("upstreams", Fate::Kept),
    ("users", Fate::Kept),
];

pub(crate) fn fate(table: &str) -> Option<Fate> {
    TABLES.iter().find(|(name, _)| *name == table).map(|(_, fate)| *fate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::{POSTGRES, SQLITE};

    #[test]
    fn every_table_of_the_schema_has_its_fate() {
        for sql in SQLITE.iter().chain(POSTGRES).map(|step| step.sql) {
            let made = sql.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
            for name in made.filter_map(|rest| rest.split([' ', '(']).next()) {
                assert!(fate(name).is_some(), "say in TABLES what a restore does with {name}");
            }
        }
        assert!(TABLES.is_sorted_by_key(|(name, _)| *name));
    }
}
