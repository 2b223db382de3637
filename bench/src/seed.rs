//! Fills a store whose server is stopped: copies of a row that the server made, told apart by their keys. So the rows are of
//! the shape that this version of the server writes, whatever that is.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use rusqlite::Connection;

/// How many of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts {
    users: u32,
    grants: u32,
    clients: u32,
}

impl Amounts {
    pub(crate) fn of(quick: bool) -> Self {
        let part = if quick { 100 } else { 1 };
        Self { users: 1_000_000 / part, grants: 1_000_000 / part, clients: 100_000 / part }
    }
}

impl fmt::Display for Amounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users, {} grants and {} clients", self.users, self.grants, self.clients)
    }
}

/// What tells a copy from its original: a column, and its value by the copy's number `i`.
type Own = (&'static str, String);

pub(crate) fn fill(database: &Path, amounts: Amounts) -> Result<()> {
    let mut database = Connection::open(database)?;
    database
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000")?;
    let Amounts { users, grants, clients } = amounts;
    let own = |column, value: &str| (column, value.to_owned());
    let transaction = database.transaction()?;
    copy(
        &transaction,
        ("users", users),
        &[
            own("id", "printf('usr_%026d', i)"),
            own("username", "'full-' || i"),
            own("username_key", "'full-' || i"),
        ],
    )?;
    copy(
        &transaction,
        ("clients", clients),
        &[own("id", "'app_full_' || i"), own("document", "json_set(document, '$.id', 'app_full_' || i)")],
    )?;
    copy(
        &transaction,
        ("grants", grants),
        &[
            // As if a year of them had been made, one after the other.
            own("id", "unhex(printf('%012x%020x', 1700000000000 + i * 30000, i * 2654435761))"),
            own("user_id", &format!("printf('usr_%026d', 1 + i % {users})")),
            own("client_id", &format!("'app_full_' || (1 + i % {clients})")),
        ],
    )?;
    transaction.commit()?;
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// So many copies of the table's first row.
fn copy(database: &Connection, (table, count): (&str, u32), own: &[Own]) -> Result<()> {
    let mut columns = database.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
    let columns: Vec<String> =
        columns.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>().context("columns")?;
    let value = |column: &String| {
        own.iter().find(|(name, _)| name == column).map_or_else(|| column.clone(), |(_, value)| value.clone())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    database.execute_batch(&format!(
        "INSERT INTO {table} ({columns})
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}),
              t AS MATERIALIZED (SELECT * FROM {table} LIMIT 1)
         SELECT {values} FROM t, n"
    ))?;
    Ok(())
}
