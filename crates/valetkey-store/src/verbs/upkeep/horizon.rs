//! Up to when what has ended may be forgotten.

use crate::engine::{Tx, Verb, params};
use valetkey_core::error::Fault;
use valetkey_core::horizon::Horizon;
use valetkey_core::time::{Seconds, Timestamp};

const TASK: &str = "horizon";

/// Moves the horizon on, and says where it stands.
pub(super) struct MoveHorizon {
    pub(super) now: Timestamp,
    pub(super) ran: Seconds,
}

impl Verb for MoveHorizon {
    type Out = Timestamp;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Timestamp, Fault> {
        let kept = tx.one("SELECT cursor FROM upkeep WHERE task = $1", params![TASK]).await?;
        let kept = kept.as_ref().map(|row| row.blob(0)).transpose()?;
        let horizon = match kept.and_then(read) {
            Some(horizon) => horizon.moved(self.now, self.ran),
            None => Horizon::begun(self.now),
        };
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ($1, $2)
                   ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor";
        tx.execute(sql, params![TASK, &written(horizon)]).await?;
        Ok(horizon.until)
    }
}

fn written(horizon: Horizon) -> [u8; 16] {
    (u128::from(horizon.until.0.cast_unsigned()) << 64 | u128::from(horizon.ahead.0.cast_unsigned()))
        .to_be_bytes()
}

fn read(bytes: &[u8]) -> Option<Horizon> {
    let (until, ahead) = bytes.split_first_chunk::<8>()?;
    let ahead = ahead.first_chunk::<8>()?;
    Some(Horizon { until: Timestamp(i64::from_be_bytes(*until)), ahead: Seconds(i64::from_be_bytes(*ahead)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (until, ahead) in [(0, 0), (-5, 7), (253_402_300_799, 604_800)] {
            let horizon = Horizon { until: Timestamp(until), ahead: Seconds(ahead) };
            assert_eq!(read(&written(horizon)), Some(horizon));
        }
        assert_eq!(read(b"short"), None);
    }
}
