//! Places at the hashing of passwords, which takes a core and 19 MB for 50 ms: few at once, few that wait, and half of
//! those for addresses where somebody is signed in or was within a day, so that strangers can't keep an administrator out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Passwords hashed at once.
const HASHING: usize = 2;
/// Passwords hashed or waiting for it; who comes later is told to.
const MAX: usize = 10;
/// Of these, from addresses where nobody is signed in or was lately.
const MAX_OF_STRANGERS: usize = MAX / 2;

/// Who asks for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Somebody is signed in at the address, or was lately.
    Known,
    /// Nobody is or was.
    Stranger,
}

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    turns: Arc<Semaphore>,
    taken: Arc<AtomicUsize>,
}

/// A place, given back when dropped: so it goes with the work, not with who waits for it and may go away.
#[derive(Debug)]
pub(super) struct Place {
    _turn: OwnedSemaphorePermit,
    _taken: Taken,
}

#[derive(Debug)]
struct Taken(Arc<AtomicUsize>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Places {
    pub(super) fn new() -> Places {
        Places { turns: Arc::new(Semaphore::new(HASHING)), taken: Arc::default() }
    }

    /// Waits for a place; `None`: too many wait already.
    pub(super) async fn take(&self, standing: Standing) -> Option<Place> {
        let most = match standing {
            Standing::Known => MAX,
            Standing::Stranger => MAX_OF_STRANGERS,
        };
        let before = self.taken.fetch_add(1, Ordering::AcqRel);
        let taken = Taken(self.taken.clone());
        if before >= most {
            return None;
        }
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        Some(Place { _turn: turn, _taken: taken })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    type Asked<'a> = Pin<Box<dyn Future<Output = Option<Place>> + 'a>>;

    /// Asks once; whether the answer is to wait.
    async fn waits(asked: &mut Asked<'_>) -> bool {
        poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_leaves_the_place() {
        let places = Places::new();
        let _turns = [places.take(Standing::Stranger).await, places.take(Standing::Stranger).await];
        for _ in 0..100 {
            let mut asked: Asked<'_> = Box::pin(places.take(Standing::Stranger));
            assert!(waits(&mut asked).await, "there is room to wait");
        }
    }

    #[tokio::test]
    async fn strangers_leave_places_for_who_is_known() {
        let places = Places::new();
        let _turns = [places.take(Standing::Stranger).await, places.take(Standing::Stranger).await];
        let mut waiting = Vec::new();
        for _ in 0..MAX_OF_STRANGERS - HASHING {
            let mut asked: Asked<'_> = Box::pin(places.take(Standing::Stranger));
            assert!(waits(&mut asked).await);
            waiting.push(asked);
        }
        assert!(places.take(Standing::Stranger).await.is_none(), "strangers have no more room");
        let mut known: Asked<'_> = Box::pin(places.take(Standing::Known));
        assert!(waits(&mut known).await, "an administrator has");
    }
}
