//! Wrong answers of late, by their mark: one that comes again, as UDP repeats what is not answered in time, is the same
//! guess and is counted once (SPEC R4.4).

use std::collections::{HashSet, VecDeque};

use wire::digest::Credentials;

use super::nonce::Nonce;
use crate::limits::MAX_WRONG_ANSWERS;

/// What tells one answer from another. Who makes another answer with the same mark only has it looked at no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark(u64);

/// The latest wrong answers.
#[derive(Debug)]
pub(crate) struct WrongAnswers {
    seed: u64,
    known: HashSet<Mark, foldhash::fast::RandomState>,
    order: VecDeque<Mark>,
}

impl WrongAnswers {
    pub(crate) fn new(seed: u64) -> WrongAnswers {
        WrongAnswers { seed, known: HashSet::default(), order: VecDeque::new() }
    }

    pub(crate) fn mark(&self, nonce: Nonce, credentials: &Credentials<'_>) -> Mark {
        use std::hash::BuildHasher;
        let answer = (nonce, credentials.response, &credentials.username, credentials.nc);
        Mark(foldhash::quality::FixedState::with_seed(self.seed).hash_one(answer))
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.known.contains(&mark)
    }

    /// Remembers one; beyond the limit the oldest is forgotten.
    pub(crate) fn note(&mut self, mark: Mark) {
        if !self.known.insert(mark) {
            return;
        }
        self.order.push_back(mark);
        if self.order.len() > MAX_WRONG_ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_wrong_answers_are_known_and_their_number_is_bounded() {
        let mut wrong = WrongAnswers::new(1);
        for n in 0..100_000 {
            wrong.note(Mark(n));
            wrong.note(Mark(n));
        }
        assert!(wrong.has(Mark(99_999)) && !wrong.has(Mark(0)));
        assert_eq!((wrong.known.len(), wrong.order.len()), (MAX_WRONG_ANSWERS, MAX_WRONG_ANSWERS));
    }
}
