//! Reads run where they are called, each thread on its own connection: a pool of blocking threads costs half the speed.

use super::Shared;
use super::connection;
use super::fault::fault;
use super::tx::{SqliteTx, complete};
use crate::engine::Verb;
use rusqlite::Connection;
use std::cell::RefCell;
use std::sync::{Arc, Weak};
use valetkey_core::error::Fault;

thread_local! {
    /// This thread's connections, one for each store it has read.
    static READERS: RefCell<Vec<(Weak<Shared>, Connection)>> = const { RefCell::new(Vec::new()) };
}

/// Runs a verb on one snapshot. A connection that met an I/O error or damage is not used again.
pub(super) fn read<V: Verb>(store: &Arc<Shared>, verb: &V) -> Result<V::Out, Fault> {
    let mut connection = match take(store) {
        Some(connection) => connection,
        None => connection::reader(store.path()).map_err(fault)?,
    };
    let (outcome, sound) = on_snapshot(&mut connection, verb);
    if sound {
        READERS.with_borrow_mut(|readers| readers.push((Arc::downgrade(store), connection)));
    }
    outcome
}

/// Takes the store's connection off the shelf, so that a panic inside the verb drops it.
fn take(store: &Arc<Shared>) -> Option<Connection> {
    READERS.with_borrow_mut(|readers| {
        let own = readers.iter().position(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(store)));
        if own.is_none() {
            readers.retain(|(of, _)| of.strong_count() > 0);
        }
        own.map(|at| readers.swap_remove(at).1)
    })
}

fn on_snapshot<V: Verb>(connection: &mut Connection, verb: &V) -> (Result<V::Out, Fault>, bool) {
    if let Err(error) = step(connection, "BEGIN") {
        return (Err(fault(error)), false);
    }
    let mut tx = SqliteTx::new(connection);
    let outcome = complete(verb, &mut tx);
    let spoiled = tx.broken.is_some();
    match step(connection, "COMMIT") {
        Ok(()) => (outcome, !spoiled),
        Err(error) => (outcome.and(Err(fault(error))), false),
    }
}

fn step(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(|_| ())
}
