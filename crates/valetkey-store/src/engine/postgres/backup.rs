//! Backup from one snapshot, as `pg_dump` takes it: nobody waits for it and it waits for nobody. Restore in one transaction
//! that makes the tables anew.

use super::connection::{Connection, Connector};
use super::fault::Words;
use super::migrate;
use super::nodes;
use super::receive::Receiver;
use super::tx::PostgresTx;
use crate::backup::{Fate, Head, Reader, Report, Rows, TABLES, Table, Writer, schema, split};
use crate::engine::{Cell, Verb};
use crate::error::{BackupError, OpenError};
use crate::migrate::{POSTGRES, pending};
use crate::open::PostgresOptions;
use crate::verbs::epoch::{NewEpoch, feed_from};
use futures_util::TryStreamExt;
use std::path::PathBuf;
use std::pin::pin;
use tokio_postgres::types::Type;
use valetkey_core::audit::Record;

/// How many rows go with one statement.
const ROWS: usize = 500;

/// A connection, and the place by its name.
struct Session {
    connection: Connection,
    at: PathBuf,
}

impl Session {
    async fn open(options: &PostgresOptions) -> Result<Self, BackupError> {
        let address = super::Address::parse(&options.url)?;
        let shown = address.shown.clone();
        let connector = Connector::new(address)?;
        let connection = connector.connect(None).await;
        let why = |fault: valetkey_core::error::Fault| OpenError::Unreachable {
            at: shown.clone(),
            why: fault.to_string(),
        };
        Ok(Self { connection: connection.map_err(why)?, at: PathBuf::from(&shown) })
    }

    fn failed(&self) -> impl Fn(tokio_postgres::Error) -> BackupError {
        let at = self.at.clone();
        move |error| BackupError::Database { at: at.clone(), why: Words::of(&error).to_string() }
    }

    async fn run(&self, sql: &str) -> Result<(), BackupError> {
        self.connection.client.batch_execute(sql).await.map_err(self.failed())
    }

    /// Those of our tables that are there, with their columns.
    async fn tables(&self) -> Result<Vec<Table>, BackupError> {
        let sql = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
                   WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
        let rows = self.connection.client.query_typed(sql, &[]).await.map_err(self.failed())?;
        let mut found: Vec<Table> = Vec::new();
        for row in rows {
            let name: String = row.try_get(0).map_err(self.failed())?;
            let column = row.try_get(1).map_err(self.failed())?;
            match found.last_mut().filter(|table| table.name == name) {
                Some(table) => table.columns.push(column),
                None => found.push(Table { name, columns: vec![column] }),
            }
        }
        found.retain(|table| TABLES.iter().any(|(name, _)| *name == table.name));
        Ok(found)
    }

    async fn count(&self, sql: &str) -> Result<i64, BackupError> {
        let rows = self.connection.client.query_typed(sql, &[]).await.map_err(self.failed())?;
        rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(self.failed())
    }
}

fn names(tables: &[Table]) -> String {
    tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn is_of(table: &Table, wanted: Fate) -> bool {
    TABLES.iter().any(|(name, fate)| *name == table.name && *fate == wanted)
}

pub(crate) async fn backup(
    options: &PostgresOptions,
    mut writer: Writer,
    mut head: Head<'_>,
) -> Result<Report, BackupError> {
    let session = Session::open(options).await?;
    if migrate::applied(&session.connection).await.map_err(session.failed())?.is_empty() {
        return Err(OpenError::Empty { at: session.at.display().to_string() }.into());
    }
    // Locked against changes of the schema before the moment is fixed: what is read is of one schema.
    let seen = session.tables().await?;
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
         SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '30s';
         LOCK TABLE {} IN ACCESS SHARE MODE",
        names(&seen)
    );
    session.run(&begin).await?;
    let done = migrate::applied(&session.connection).await.map_err(session.failed())?;
    head.about.schema = schema(&done, POSTGRES, &session.at)?;
    writer.begin(&head)?;
    for table in session.tables().await?.iter().filter(|table| is_of(table, Fate::Kept)) {
        send(&session, table, &mut writer).await?;
    }
    session.run("COMMIT").await?;
    Ok(Report { about: head.about, rows: writer.finish()? })
}

async fn send(session: &Session, table: &Table, writer: &mut Writer) -> Result<(), BackupError> {
    writer.table(table)?;
    let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
    let nothing = std::iter::empty::<(&str, Type)>();
    let rows = session.connection.client.query_typed_raw(&sql, nothing).await.map_err(session.failed())?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(session.failed())? {
        let cells = (0..row.len()).map(|n| row.try_get(n)).collect::<Result<Vec<Cell>, _>>();
        writer.row(&cells.map_err(session.failed())?)?;
    }
    Ok(())
}

pub(crate) async fn restore(
    options: &PostgresOptions,
    mut reader: Reader,
    force: bool,
    record: &Record,
) -> Result<Report, BackupError> {
    let session = Session::open(options).await?;
    let begin = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
                 SET LOCAL lock_timeout = '5s'";
    session.run(begin).await?;
    make_room(&session, force).await?;
    let (made, later) = split(POSTGRES, reader.about.schema);
    for step in made {
        migrate::apply(&session.connection, step).await.map_err(session.failed())?;
    }
    let tables = session.tables().await?;
    for table in tables.iter().filter(|table| is_of(table, Fate::Kept)) {
        // What a step put there stands in the backup as well, if it stood there still.
        session.run(&format!("DELETE FROM {}", table.name)).await?;
    }
    let Session { connection, at } = session;
    let receiver = Receiver::on(connection, at.display().to_string());
    let refused =
        |error: crate::TransferError| BackupError::Database { at: at.clone(), why: error.to_string() };
    let mut rows = Rows::new(&mut reader);
    while let Some((table, cells)) = rows.next(&tables)? {
        for some in cells.chunks(ROWS) {
            receiver.insert(&table.name, &table.columns, some).await.map_err(refused)?;
        }
    }
    let counts = rows.counts;
    let connection = receiver.connection();
    let failed = |error| BackupError::Database { at: at.clone(), why: Words::of(&error).to_string() };
    for step in later {
        migrate::apply(connection, step).await.map_err(failed)?;
    }
    begin_epoch(connection, record).await.map_err(|why| BackupError::Database { at: at.clone(), why })?;
    receiver.commit().await.map_err(refused)?;
    Ok(Report { about: reader.about, rows: counts })
}

/// Refuses what must not be replaced, and drops the rest.
async fn make_room(session: &Session, force: bool) -> Result<(), BackupError> {
    let client = &session.connection.client;
    if !migrate::lock(client).await.map_err(session.failed())? {
        return Err(BackupError::InUse { at: session.at.clone() });
    }
    let done = migrate::applied(&session.connection).await.map_err(session.failed())?;
    pending(&done, POSTGRES).map_err(|refused| refused.at(&session.at))?;
    let tables = session.tables().await?;
    if tables.is_empty() {
        return Ok(());
    }
    // From here on no server begins either: it waits for these, and finds them changed.
    session.run(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names(&tables))).await?;
    if tables.iter().any(|table| table.name == "nodes")
        && nodes::someone_is_there(client).await.map_err(session.failed())?
    {
        return Err(BackupError::InUse { at: session.at.clone() });
    }
    for table in tables.iter().filter(|table| !force && !is_of(table, Fate::Own)) {
        if session.count(&format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) f", table.name)).await? > 0
        {
            return Err(BackupError::NotEmpty { at: session.at.clone() });
        }
    }
    session.run(&format!("DROP TABLE {}", names(&tables))).await
}

async fn begin_epoch(connection: &Connection, record: &Record) -> Result<(), String> {
    let feed = format!("UPDATE feed SET seq = {} WHERE id = 1", feed_from(record));
    connection.client.batch_execute(&feed).await.map_err(|error| Words::of(&error).to_string())?;
    // The transaction is open: each statement of the verb stands in it.
    let mut tx = PostgresTx::single(connection);
    NewEpoch { record }.run(&mut tx).await.map_err(|fault| fault.to_string())?;
    tx.commit().await.map_err(|fault| fault.to_string())
}
