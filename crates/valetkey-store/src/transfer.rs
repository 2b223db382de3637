//! From SQLite to PostgreSQL: every row, or nothing. Meanwhile the source can be read and not written; afterwards it stays so,
//! so that nobody goes on writing where nobody looks any more.

use crate::backup::{Fate, Table, fate};
use crate::engine::postgres::Receiver;
use crate::engine::{Cell, sqlite};
use crate::error::{OpenError, TransferError};
use crate::open::{Options, PostgresOptions};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// How many rows go with one statement.
const ROWS: usize = 500;

/// Moves everything. Answers how many rows each table has on both sides.
pub async fn transfer(from: &Options, to: &PostgresOptions) -> Result<Vec<(String, u64)>, TransferError> {
    let source = sqlite::open_whole(from)?;
    // Nobody writes from here on: a running server goes on reading, and refuses writes with "try again".
    source.execute_batch("BEGIN IMMEDIATE")?;
    let moved = copy(&source, to).await;
    match moved {
        Ok((receiver, counts)) => {
            close(&source, receiver.shown())?;
            // Committed there before here: if this fails, both are whole, and the source is not closed.
            receiver.commit().await?;
            source.execute_batch("COMMIT")?;
            Ok(counts)
        }
        Err(error) => {
            source.execute_batch("ROLLBACK")?;
            Err(error)
        }
    }
}

async fn copy(
    source: &Connection,
    to: &PostgresOptions,
) -> Result<(Receiver, Vec<(String, u64)>), TransferError> {
    let mut receiver = Receiver::open(to).await?;
    let mut counts = Vec::new();
    for table in tables(source)? {
        if receiver.count(&table.name).await? != 0 {
            return Err(TransferError::NotEmpty { table: table.name });
        }
        let sent = send(source, &table, &mut receiver).await?;
        let (here, there) = (count(source, &table.name)?, receiver.count(&table.name).await?);
        if here != sent || there != sent {
            return Err(TransferError::Differs { table: table.name, here, there });
        }
        counts.push((table.name, sent));
    }
    receiver.number_feed().await?;
    Ok((receiver, counts))
}

/// The tables whose rows are not their database's own affair.
pub(crate) fn tables(source: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut names = source.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let names = names.into_iter().filter(|name| fate(name) != Some(Fate::Own));
    names
        .map(|name| {
            let mut columns = source.prepare("SELECT name FROM pragma_table_info(?1)")?;
            let columns = columns.query_map([&name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(Table { name, columns })
        })
        .collect()
}

fn count(source: &Connection, table: &str) -> rusqlite::Result<u64> {
    // The name is one of the schema's own.
    source
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

async fn send(source: &Connection, table: &Table, receiver: &mut Receiver) -> Result<u64, TransferError> {
    let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
    let mut statement = source.prepare(&sql)?;
    let mut rows = statement.raw_query();
    let (mut batch, mut sent) = (Vec::with_capacity(ROWS), 0);
    loop {
        let row = rows.next()?;
        let more = row.is_some();
        if let Some(row) = row {
            let cells = (0..table.columns.len()).map(|n| Ok(cell(row.get_ref(n)?)));
            batch.push(cells.collect::<rusqlite::Result<Vec<Cell>>>()?);
        }
        if batch.len() == ROWS || (!more && !batch.is_empty()) {
            sent += receiver.insert(&table.name, &table.columns, &batch).await?;
            batch.clear();
        }
        if !more {
            return Ok(sent);
        }
    }
}

pub(crate) fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null | ValueRef::Real(_) => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
}

/// Lets nobody write any more, whoever has the file open.
fn close(source: &Connection, into: &str) -> rusqlite::Result<()> {
    source.execute_batch("CREATE TABLE moved (into_database TEXT NOT NULL) STRICT")?;
    source.execute("INSERT INTO moved (into_database) VALUES (?1)", [into])?;
    for Table { name, .. } in tables(source)? {
        for act in ["INSERT", "UPDATE", "DELETE"] {
            let sql = format!(
                "CREATE TRIGGER moved_{name}_{act} BEFORE {act} ON {name}
                 BEGIN SELECT RAISE(ABORT, 'this database was moved'); END"
            );
            source.execute_batch(&sql)?;
        }
    }
    Ok(())
}

/// Refuses a database that was moved away.
pub(crate) fn check_not_moved(connection: &Connection, options: &Options) -> Result<(), OpenError> {
    let failed = |source| OpenError::Sqlite { path: options.path.clone(), error: source };
    if !connection.table_exists(None, "moved").map_err(failed)? {
        return Ok(());
    }
    let into =
        connection.query_row("SELECT into_database FROM moved", [], |row| row.get(0)).map_err(failed)?;
    Err(OpenError::Moved { path: options.path.clone(), into })
}
