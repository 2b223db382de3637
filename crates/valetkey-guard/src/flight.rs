//! Identical questions asked at once become one, whose answer goes to all who wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// The questions that wait for an answer.
#[derive(Debug)]
pub(crate) struct Flights<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Copy, V: Clone> Flights<K, V> {
    /// What `known` says, or else the answer of `ask`, or of whoever asks the same already. If the one who asks goes away,
    /// the next who waits asks. `ask` makes its answer known before it returns; so nothing is asked twice.
    pub(crate) async fn join<F: Future<Output = V>>(
        &self,
        key: K,
        known: impl Fn() -> Option<V>,
        ask: impl FnOnce() -> F,
    ) -> V {
        let seat = {
            let mut flights = self.lock();
            if let Some(answer) = known() {
                return answer;
            }
            let cell = flights.entry(key).or_default();
            if cell.initialized() {
                *cell = Arc::default();
            }
            Seat { flights: self, key, cell: Arc::clone(cell) }
        };
        seat.cell.get_or_init(ask).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits; the last to leave clears the place.
struct Seat<'a, K: Hash + Eq + Copy, V: Clone> {
    flights: &'a Flights<K, V>,
    key: K,
    cell: Arc<OnceCell<V>>,
}

impl<K: Hash + Eq + Copy, V: Clone> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        // Seats come and go only under the lock, so that the count is right.
        let cell = std::mem::take(&mut self.cell);
        let is_ours = flights.get(&self.key).is_some_and(|kept| Arc::ptr_eq(kept, &cell));
        // Two: the map's and this one.
        if is_ours && (cell.initialized() || Arc::strong_count(&cell) == 2) {
            flights.remove(&self.key);
        }
        drop(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::cell::Cell;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn many_who_ask_at_once_are_answered_by_one_and_nothing_is_left() {
        let flights = Flights::<u8, u32>::default();
        let asked = Cell::new(0);
        let ask = || async {
            asked.set(asked.get() + 1);
            tokio::task::yield_now().await;
            asked.get()
        };
        let answers = futures_util::future::join_all((0..50).map(|_| flights.join(1, || None, ask))).await;
        assert_eq!((answers, asked.get()), (vec![1; 50], 1));
        assert!(flights.lock().is_empty());
        assert_eq!(flights.join(1, || None, ask).await, 2, "an answer is not kept");
        assert_eq!(flights.join(1, || Some(9), ask).await, 9);
    }

    #[tokio::test]
    async fn when_the_one_who_asks_goes_away_the_next_asks() {
        let flights = Flights::<u8, u32>::default();
        let mut first = Box::pin(flights.join(1, || None, pending::<u32>));
        assert!((&mut first).now_or_never().is_none());
        let mut second = Box::pin(flights.join(1, || None, || ready(2)));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert_eq!(second.await, 2);
        let mut lonely = Box::pin(flights.join(1, || None, pending::<u32>));
        assert!((&mut lonely).now_or_never().is_none());
        drop(lonely);
        assert!(flights.lock().is_empty());
    }
}
