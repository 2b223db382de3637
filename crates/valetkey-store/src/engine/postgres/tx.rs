//! A transaction on one connection. What needs no answer is sent without waiting for one, so that a verb costs as few
//! round trips as it asks questions.

use super::connection::Connection;
use super::fault::{After, after, fault, is_overtaken};
use super::value::{Bound, typed};
use crate::engine::{Cell, Row, Tx, Value};
use futures_util::{FutureExt, TryStreamExt};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::types::Type;
use valetkey_core::error::Fault;

type Sent<'c> = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'c>>;

/// One entry of the change feed that is still to be numbered.
struct Told {
    at: i64,
    kind: i64,
    key: Vec<u8>,
}

/// Statements on a connection: each on its own, or all of them in one transaction.
pub(super) struct PostgresTx<'c> {
    connection: &'c Connection,
    /// `None`: every statement stands for itself.
    begin: Option<Begin>,
    sent: Vec<Sent<'c>>,
    told: Vec<Told>,
    notify: bool,
    /// What the first error allows.
    pub(super) broken: Option<After>,
    /// The order to commit is on its way: from here on nobody can say that it was not carried out.
    pub(super) committing: bool,
}

/// How a transaction begins, and whether it has.
struct Begin {
    begun: bool,
    limit: Option<Duration>,
}

/// Numbers one entry of the feed. The counter's row stays locked until the commit, so numbers are given in the order of
/// the commits, and none is ever given that is not kept.
const NUMBER: &str = "WITH n AS (UPDATE feed SET seq = seq + 1 WHERE id = 1 RETURNING seq)
    INSERT INTO changes (seq, at, kind, key) SELECT n.seq, $1, $2, $3 FROM n";

pub(super) const CHANNEL: &str = "valetkey_changes";

impl<'c> PostgresTx<'c> {
    /// Each statement on its own, for what only reads or is one statement.
    pub(super) fn single(connection: &'c Connection) -> Self {
        Self::new(connection, None, false)
    }

    /// All in one transaction, begun with the first statement.
    pub(super) fn whole(connection: &'c Connection, limit: Option<Duration>, notify: bool) -> Self {
        Self::new(connection, Some(Begin { begun: false, limit }), notify)
    }

    fn new(connection: &'c Connection, begin: Option<Begin>, notify: bool) -> Self {
        let (sent, told) = (Vec::new(), Vec::new());
        Self { connection, begin, sent, told, notify, broken: None, committing: false }
    }

    /// Makes durable what was done.
    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        for Told { at, kind, key } in std::mem::take(&mut self.told) {
            self.put(NUMBER, &[Value::Int(at), Value::Int(kind), Value::Blob(&key)]);
            if self.notify {
                // Equal words of one transaction are told once.
                self.put("SELECT pg_notify($1, '')", &[Value::Text(CHANNEL)]);
            }
        }
        if self.begin.as_ref().is_none_or(|begin| !begin.begun) {
            return self.settle().await;
        }
        self.committing = true;
        self.put_simple("COMMIT".into());
        self.settle().await
    }

    /// Undoes what was done. Whether the connection is of use still.
    pub(super) async fn roll_back(&mut self) -> bool {
        if self.begin.as_ref().is_none_or(|begin| !begin.begun) {
            return self.broken != Some(After::Lost);
        }
        // The errors of what was sent are known, or follow from those that are.
        self.sent.clear();
        self.broken != Some(After::Lost) && self.connection.client.batch_execute("ROLLBACK").await.is_ok()
    }

    /// Sends `BEGIN` before the first statement, without waiting.
    fn begin(&mut self) {
        let Some(begin) = &mut self.begin else { return };
        if begin.begun {
            return;
        }
        begin.begun = true;
        let words = match begin.limit {
            None => "BEGIN ISOLATION LEVEL READ COMMITTED".into(),
            Some(limit) => format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {}",
                limit.as_millis()
            ),
        };
        self.put_simple(words);
    }

    fn put_simple(&mut self, words: String) {
        let client = &self.connection.client;
        self.start(Box::pin(async move { client.batch_execute(&words).await.map(|()| 0) }));
    }

    /// Sends a statement; its answer is looked at later.
    fn put(&mut self, sql: &'static str, params: &[Value<'_>]) {
        self.begin();
        let client = &self.connection.client;
        let params: Vec<(Bound, Type)> = params.iter().map(typed).collect();
        self.start(Box::pin(async move {
            let params: Vec<_> = params.iter().map(|(bound, of)| (bound.as_sql(), of.clone())).collect();
            client.execute_typed(&spoken(sql), &params).await
        }));
    }

    /// The driver sends when a request is first polled.
    fn start(&mut self, mut request: Sent<'c>) {
        match (&mut request).now_or_never() {
            Some(answered) => self.sent.push(Box::pin(std::future::ready(answered))),
            None => self.sent.push(request),
        }
    }

    /// Waits for the answers to what was sent.
    async fn settle(&mut self) -> Result<(), Fault> {
        for request in std::mem::take(&mut self.sent) {
            if let Err(error) = request.await {
                return Err(self.note(&error));
            }
        }
        Ok(())
    }

    fn note(&mut self, error: &Error) -> Fault {
        self.broken.get_or_insert(after(error));
        fault(error)
    }

    /// A verb may ask to be run again.
    pub(super) fn asks_again(&self, fault: &Fault) -> bool {
        self.broken == Some(After::Again) || is_overtaken(fault)
    }
}

impl Tx for PostgresTx<'_> {
    async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64, Fault> {
        self.put(sql, params);
        let Some(last) = self.sent.pop() else { return Ok(0) };
        // Answers come in the order of the questions: those before are there when this one is.
        let answer = last.await;
        self.settle().await?;
        answer.map_err(|error| self.note(&error))
    }

    async fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        self.begin();
        let answer = rows(self.connection, sql, params).await;
        self.settle().await?;
        answer.map_err(|error| self.note(&error))
    }

    async fn post(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<(), Fault> {
        self.put(sql, params);
        Ok(())
    }

    async fn hold(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<(), Fault> {
        self.post(sql, params).await
    }

    async fn alone(&mut self, what: &'static str) -> Result<(), Fault> {
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ($1, '')
                   ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor";
        self.post(sql, &[Value::Text(what)]).await
    }

    async fn is_alone(&mut self, what: &'static str) -> Result<bool, Fault> {
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ($1, '') ON CONFLICT (task) DO NOTHING";
        self.post(sql, &[Value::Text(what)]).await?;
        let sql = "SELECT 1 FROM upkeep WHERE task = $1 FOR UPDATE SKIP LOCKED";
        Ok(self.one(sql, &[Value::Text(what)]).await?.is_some())
    }

    async fn announce(&mut self, at: i64, kind: i64, key: &[u8]) -> Result<(), Fault> {
        // Numbered at the end: whoever numbers keeps all others from numbering until the commit.
        self.told.push(Told { at, kind, key: key.to_vec() });
        Ok(())
    }
}

async fn rows(connection: &Connection, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
    let params: Vec<(Bound, Type)> = params.iter().map(typed).collect();
    let params = params.iter().map(|(bound, of)| (bound.as_sql(), of.clone()));
    let stream = connection.client.query_typed_raw(&spoken(sql), params).await?;
    let found: Vec<tokio_postgres::Row> = stream.try_collect().await?;
    found
        .iter()
        .map(|row| (0..row.len()).map(|n| row.try_get(n)).collect::<Result<Vec<Cell>, _>>().map(Row::new))
        .collect()
}

/// The statement as PostgreSQL is told it: what stands between `/*pg` and `*/` is for it alone.
fn spoken(sql: &'static str) -> Cow<'static, str> {
    if sql.contains("/*pg") { sql.replace("/*pg", "").replace("*/", "").into() } else { sql.into() }
}
