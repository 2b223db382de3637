//! Migrations: numbered SQL files, embedded, each applied once in its own transaction.

use crate::error::OpenError;
use std::path::{Path, PathBuf};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    /// The last step that a program must know at least to go on working after this one. A step that only adds names one
    /// before itself; one that takes something away names the step by which nobody needed it any more.
    pub(crate) compatible_from: i64,
    pub(crate) sql: &'static str,
}

macro_rules! step {
    ($version:literal, $name:literal, $from:literal, $engine:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            compatible_from: $from,
            sql: include_str!(concat!("migrations/", $engine, "/", $file)),
        }
    };
}

macro_rules! steps {
    ($engine:literal) => {
        &[
            step!(1, "init", 1, $engine, "0001_init.sql"),
            step!(2, "tenants", 2, $engine, "0002_tenants.sql"),
            step!(3, "settings", 3, $engine, "0003_settings.sql"),
            step!(4, "portal", 4, $engine, "0004_portal.sql"),
            step!(5, "upstream", 5, $engine, "0005_upstream.sql"),
            step!(8, "spent", 8, $engine, "0008_spent.sql"),
            step!(9, "details", 8, $engine, "0009_details.sql"),
            step!(10, "claims", 8, $engine, "0010_claims.sql"),
            step!(11, "approvals", 8, $engine, "0011_approvals.sql"),
            step!(12, "logout", 8, $engine, "0012_logout.sql"),
            step!(13, "nodes", 8, $engine, "0013_nodes.sql"),
            step!(14, "issuers", 8, $engine, "0014_issuers.sql"),
            step!(15, "refusals", 8, $engine, "0015_refusals.sql"),
        ]
    };
}

/// Every step, in order: number, name, what a program must know to run beside it (see [`Migration`]), file.
pub(crate) const SQLITE: &[Migration] = steps!("sqlite");

/// The same steps for PostgreSQL, under the same numbers.
pub(crate) const POSTGRES: &[Migration] = steps!("postgres");

/// The last step that this program knows.
pub(crate) fn known(steps: &[Migration]) -> i64 {
    steps.last().map_or(0, |step| step.version)
}

/// A step that stands in a database's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) version: i64,
    pub(crate) checksum: i64,
    pub(crate) compatible_from: i64,
}

/// What may go wrong; the caller knows the path.
#[derive(Debug)]
pub(crate) enum Refused {
    Newer {
        found: i64,
        known: i64,
    },
    Altered {
        version: i64,
    },
    /// A server runs that could not go on after this step.
    Behind {
        version: i64,
    },
    Copy {
        to: PathBuf,
        source: std::io::Error,
    },
    Sqlite(rusqlite::Error),
}

impl Refused {
    pub(crate) fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Newer { found, known } => OpenError::Newer { path, found, known },
            Self::Altered { version } => OpenError::Altered { path, version },
            Self::Behind { version } => OpenError::Behind { path, version },
            Self::Copy { to, source } => OpenError::NotCopied { path, to, error: source },
            Self::Sqlite(source) => OpenError::Sqlite { path, error: source },
        }
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The steps that are missing. Refuses a history that is no beginning of `steps`, unless what goes beyond them was made by
/// a newer version that leaves room for this one.
pub(crate) fn pending<'s>(done: &[Applied], steps: &'s [Migration]) -> Result<&'s [Migration], Refused> {
    for (n, found) in done.iter().enumerate() {
        let known = known(steps);
        match steps.get(n) {
            Some(step) if step.version == found.version && checksum(step.sql) == found.checksum => {}
            Some(_) => return Err(Refused::Altered { version: found.version }),
            None if found.compatible_from <= known => {}
            None => return Err(Refused::Newer { found: found.version, known }),
        }
    }
    Ok(steps.get(done.len()..).unwrap_or_default())
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

    const fn step(version: i64, compatible_from: i64) -> Migration {
        Migration { version, name: "step", compatible_from, sql: "SELECT 1" }
    }

    fn history(steps: &[Migration]) -> Vec<Applied> {
        let of = |step: &Migration| Applied {
            version: step.version,
            checksum: checksum(step.sql),
            compatible_from: step.compatible_from,
        };
        steps.iter().map(of).collect()
    }

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
    fn what_is_missing_is_a_tail_and_a_changed_step_is_refused() {
        let steps = [step(1, 1), step(3, 1), step(4, 1)];
        for n in 0..=3 {
            let missing = pending(&history(&steps[..n]), &steps).unwrap();
            assert_eq!(missing.len(), 3 - n);
        }
        let edited = [Migration { sql: "SELECT 2", ..steps[0] }, steps[1]];
        assert!(matches!(pending(&history(&edited), &steps), Err(Refused::Altered { version: 1 })));
        let between = [steps[0], step(2, 1), steps[1]];
        assert!(matches!(pending(&history(&between), &steps), Err(Refused::Altered { version: 2 })));
    }

    #[test]
    fn an_older_program_runs_on_what_was_added_and_not_on_what_was_taken_away() {
        let own = [step(1, 1), step(2, 1)];
        for (later, runs) in [
            (vec![step(3, 1)], true),
            (vec![step(3, 2), step(4, 2)], true),
            (vec![step(3, 3)], false),
            (vec![step(3, 1), step(4, 3)], false),
            // A later step never takes back what an earlier one asks for.
            (vec![step(3, 3), step(4, 1)], false),
        ] {
            let found = [&own[..], &later].concat();
            let answer = pending(&history(&found), &own);
            assert_eq!(answer.is_ok(), runs, "{later:?}");
            assert!(answer.is_err() || answer.is_ok_and(<[_]>::is_empty));
        }
    }

    #[test]
    fn a_step_that_leaves_room_for_older_versions_takes_nothing_from_them() {
        for (engine, steps) in [("sqlite", SQLITE), ("postgres", POSTGRES)] {
            for step in steps.iter().filter(|step| step.compatible_from < step.version) {
                for statement in statements(step.sql) {
                    assert!(leaves_room(&statement, step.sql), "{engine} {}: {statement}", step.version);
                }
            }
        }
        for taking in [
            "DROP TABLE a",
            "ALTER TABLE a DROP COLUMN b",
            "ALTER TABLE a RENAME COLUMN b TO c",
            "ALTER TABLE a ADD COLUMN b TEXT NOT NULL",
            "CREATE UNIQUE INDEX a_by_b ON a (b)",
            "UPDATE a SET b = 1",
        ] {
            assert!(!leaves_room(taking, taking), "{taking}");
        }
    }

    fn statements(sql: &str) -> Vec<String> {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
        let text = lines.collect::<Vec<_>>().join(" ");
        let words = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
        text.split(';').map(words).filter(|statement| !statement.is_empty()).collect()
    }

    /// What an older version does not notice: new tables, new columns that may be left out, indexes that refuse nothing.
    fn leaves_room(statement: &str, step: &str) -> bool {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let is_new = |table: &str| step.contains(&format!("CREATE TABLE {table} "));
        match words.as_slice() {
            ["CREATE", "TABLE" | "INDEX", ..] => true,
            ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] | ["INSERT", "INTO", table, ..] => {
                is_new(table)
            }
            ["ALTER", "TABLE", _, "ADD", "COLUMN", _, _, rest @ ..] => {
                !rest.contains(&"NOT") || rest.contains(&"DEFAULT")
            }
            _ => false,
        }
    }
}
