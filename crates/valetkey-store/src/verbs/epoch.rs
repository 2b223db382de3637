//! A new epoch, after a backup was restored: nothing from before is good any more, and every server reads everything anew.

use super::audits::audit;
use super::revocations::write_mark;
use crate::engine::{Tx, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::token::revocation::epoch_mark;

/// The last word in the transaction of a restore.
pub(crate) struct NewEpoch<'r> {
    pub(crate) record: &'r Record,
}

impl Verb for NewEpoch<'_> {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        // What registered itself must not be swept for having no grants: nobody has any.
        let sql = "UPDATE clients SET swept_from = $1 WHERE swept_from IS NOT NULL";
        tx.execute(sql, params![self.record.at]).await?;
        // Ids begin with their milliseconds, and so does the record's.
        write_mark(tx, &epoch_mark(self.record.id.millis()), self.record.at).await?;
        audit(tx, self.record).await
    }
}

/// Where the feed goes on: at a number that no server has heard of, whatever the feed held before.
pub(crate) fn feed_from(record: &Record) -> i64 {
    record.id.millis().saturating_mul(1000)
}
