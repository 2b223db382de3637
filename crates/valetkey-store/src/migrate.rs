//! Migrations: numbered SQL files, embedded, each applied once in its own transaction.

use crate::error::OpenError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// Every step, in order.
pub(crate) const SQLITE: &[Migration] = &[
    Migration { version: 1, name: "init", sql: include_str!("migrations/sqlite/0001_init.sql") },
    Migration { version: 2, name: "tenants", sql: include_str!("migrations/sqlite/0002_tenants.sql") },
    Migration { version: 3, name: "settings", sql: include_str!("migrations/sqlite/0003_settings.sql") },
    Migration { version: 4, name: "portal", sql: include_str!("migrations/sqlite/0004_portal.sql") },
    Migration { version: 5, name: "upstream", sql: include_str!("migrations/sqlite/0005_upstream.sql") },
    Migration { version: 8, name: "spent", sql: include_str!("migrations/sqlite/0008_spent.sql") },
    Migration { version: 9, name: "details", sql: include_str!("migrations/sqlite/0009_details.sql") },
];

/// The same steps for PostgreSQL, under the same numbers.
pub(crate) const POSTGRES: &[Migration] = &[
    Migration { version: 1, name: "init", sql: include_str!("migrations/postgres/0001_init.sql") },
    Migration { version: 2, name: "tenants", sql: include_str!("migrations/postgres/0002_tenants.sql") },
    Migration { version: 3, name: "settings", sql: include_str!("migrations/postgres/0003_settings.sql") },
    Migration { version: 4, name: "portal", sql: include_str!("migrations/postgres/0004_portal.sql") },
    Migration { version: 5, name: "upstream", sql: include_str!("migrations/postgres/0005_upstream.sql") },
    Migration { version: 8, name: "spent", sql: include_str!("migrations/postgres/0008_spent.sql") },
    Migration { version: 9, name: "details", sql: include_str!("migrations/postgres/0009_details.sql") },
];

/// What may go wrong; the caller knows the path.
pub(crate) enum Refused {
    Newer { found: i64, known: i64 },
    Altered { version: i64 },
    Sqlite(rusqlite::Error),
}

impl Refused {
    pub(crate) fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Newer { found, known } => OpenError::Newer { path, found, known },
            Self::Altered { version } => OpenError::Altered { path, version },
            Self::Sqlite(source) => OpenError::Sqlite { path, source },
        }
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Applies what is missing of `steps`; takes no write lock where nothing is. Two processes may call it at once.
pub(crate) fn run(connection: &mut Connection, steps: &[Migration]) -> Result<(), Refused> {
    for step in &steps[verified(&applied(connection)?, steps)?..] {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        if !applied(&tx)?.iter().any(|(version, _)| *version == step.version) {
            tx.execute_batch(HISTORY)?;
            tx.execute_batch(step.sql)?;
            tx.execute(
                "INSERT INTO schema_history (version, name, checksum, valetkey) VALUES (?1, ?2, ?3, ?4)",
                (step.version, step.name, checksum(step.sql), env!("CARGO_PKG_VERSION")),
            )?;
        }
        tx.commit()?;
    }
    Ok(())
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL, valetkey TEXT NOT NULL) STRICT";

/// How many steps stand already. Refuses a history that is not a beginning of `steps`.
pub(crate) fn verified(done: &[(i64, i64)], steps: &[Migration]) -> Result<usize, Refused> {
    for (n, (version, sum)) in done.iter().enumerate() {
        match steps.get(n) {
            Some(step) if step.version == *version && checksum(step.sql) == *sum => {}
            Some(_) => return Err(Refused::Altered { version: *version }),
            None => {
                return Err(Refused::Newer { found: *version, known: steps.last().map_or(0, |s| s.version) });
            }
        }
    }
    Ok(done.len())
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<(i64, i64)>> {
    if !connection.table_exists(None, "schema_history")? {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare("SELECT version, checksum FROM schema_history ORDER BY version")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// FNV-1a: against an edited file, not against an enemy.
pub(crate) fn checksum(sql: &str) -> i64 {
    let hash = sql
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration =
        Migration { version: 1, name: "one", sql: "CREATE TABLE one (a) ; INSERT INTO one VALUES (1);" };
    const TWO: Migration = Migration { version: 2, name: "two", sql: "ALTER TABLE one ADD COLUMN b" };

    /// Tables, and their columns, that a step makes.
    fn made(sql: &str) -> Vec<String> {
        let mut table = String::new();
        let mut found = Vec::new();
        for line in sql.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["CREATE", "TABLE", name, ..] => (*name).clone_into(&mut table),
                ["ALTER", "TABLE", name, "ADD", "COLUMN", column, ..] => {
                    found.push(format!("{name}.{column}"));
                }
                ["CREATE", "UNIQUE", "INDEX", name, ..] | ["CREATE", "INDEX", name, ..] => {
                    found.push((*name).to_owned());
                }
                [column, ..]
                    if line.starts_with("    ")
                        && column.chars().all(|c| c.is_ascii_lowercase() || c == '_') =>
                {
                    found.push(format!("{table}.{column}"));
                }
                _ => {}
            }
        }
        found.retain(|name| !name.starts_with("feed."));
        found
    }

    #[test]
    fn both_engines_have_the_same_steps_with_the_same_tables_columns_and_indexes() {
        let named = |steps: &[Migration]| steps.iter().map(|s| (s.version, s.name)).collect::<Vec<_>>();
        assert_eq!(named(POSTGRES), named(SQLITE));
        for (own, other) in POSTGRES.iter().zip(SQLITE) {
            assert_eq!(made(own.sql), made(other.sql), "step {}", own.version);
        }
    }

    #[test]
    fn steps_are_applied_once_and_in_order() {
        let mut db = Connection::open_in_memory().unwrap();
        for steps in [&[ONE][..], &[ONE, TWO], &[ONE, TWO]] {
            run(&mut db, steps).ok().unwrap();
        }
        let rows: i64 = db.query_row("SELECT count(b IS NULL) FROM one", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let mut db = Connection::open_in_memory().unwrap();
        let bad = Migration { version: 2, name: "bad", sql: "CREATE TABLE half (a); nonsense;" };
        assert!(matches!(run(&mut db, &[ONE, bad]), Err(Refused::Sqlite(_))));
        assert!(!db.table_exists(None, "half").unwrap());
        assert_eq!(applied(&db).unwrap().len(), 1);
    }

    #[test]
    fn a_newer_schema_and_an_edited_step_are_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[ONE, TWO]).ok().unwrap();
        assert!(matches!(run(&mut db, &[ONE]), Err(Refused::Newer { found: 2, known: 1 })));
        let edited = Migration { sql: "CREATE TABLE other (a)", ..ONE };
        assert!(matches!(run(&mut db, &[edited, TWO]), Err(Refused::Altered { version: 1 })));
    }
}
