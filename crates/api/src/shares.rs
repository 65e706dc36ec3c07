//! Places that many share, of which one person or token gets no more than a part.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many places in all, and so many for one.
#[derive(Debug)]
pub struct Shares {
    all: usize,
    of_one: usize,
    taken: AtomicUsize,
    /// How many each has.
    of_each: Mutex<HashMap<String, usize>>,
}

impl Shares {
    /// `all` places, `of_one` of them for one.
    pub fn new(all: usize, of_one: usize) -> Arc<Shares> {
        Arc::new(Shares { all, of_one, taken: AtomicUsize::new(0), of_each: Mutex::default() })
    }

    /// A place for `who`; `None`: he, or all together, have as many as there are.
    pub fn take(self: &Arc<Shares>, who: String) -> Option<Share> {
        let mut of_each = self.of_each();
        let own = of_each.get(&who).copied().unwrap_or(0);
        if own >= self.of_one || self.taken() >= self.all {
            return None;
        }
        of_each.insert(who.clone(), own.saturating_add(1));
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(Share { of: self.clone(), who })
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn of_each(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.of_each.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place; dropping it makes room.
#[derive(Debug)]
pub struct Share {
    of: Arc<Shares>,
    who: String,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut of_each = self.of.of_each();
        match of_each.get_mut(&self.who) {
            Some(own) if *own > 1 => *own = own.saturating_sub(1),
            _ => drop(of_each.remove(&self.who)),
        }
        self.of.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_and_nobody_takes_the_place_of_others() {
        let shares = Shares::new(10, 4);
        let own: Vec<_> = (0..4).map(|_| shares.take("admin".to_owned()).unwrap()).collect();
        assert!(shares.take("admin".to_owned()).is_none());
        let all: Vec<_> = (0..6).map(|number| shares.take(number.to_string()).unwrap()).collect();
        assert!(shares.take("one more".to_owned()).is_none());
        drop(own);
        assert!(shares.take("one more".to_owned()).is_some() && shares.take("admin".to_owned()).is_some());
        drop(all);
        assert_eq!(shares.taken(), 0);
        assert!(shares.of_each().is_empty());
    }
}
