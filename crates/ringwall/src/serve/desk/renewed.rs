//! When lines got their passwords, as long as this server runs: for the letter that says whether one was changed since an attack.
//! The memory of attacks lives as long. Not here: the passwords.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use model::Wall;

/// Changes remembered: as many as the attack view remembers accounts. The oldest are forgotten first.
const REMEMBERED: usize = guard::MAX_REMEMBERED;

/// The last changes of passwords, oldest first.
#[derive(Default)]
pub struct Renewed(Mutex<VecDeque<(String, Wall)>>);

impl Renewed {
    /// These lines have other passwords now.
    pub(super) fn note(&self, lines: &[String], at: Wall) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            if known.len() >= REMEMBERED {
                known.pop_front();
            }
            known.push_back((line.clone(), at));
        }
    }

    /// When this line got its password, if that is remembered.
    pub fn last(&self, line: &str) -> Option<Wall> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().rev().find(|(name, _)| name == line).map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_line_is_remembered_and_the_oldest_is_forgotten() {
        let renewed = Renewed::default();
        let at = Wall::from_millis;
        renewed.note(&["101".to_owned()], at(1));
        renewed.note(&["101".to_owned(), "102".to_owned()], at(2));
        assert_eq!((renewed.last("101"), renewed.last("103")), (Some(at(2)), None));
        let many: Vec<String> = (0..REMEMBERED).map(|n| format!("line{n}")).collect();
        renewed.note(&many, at(3));
        assert_eq!((renewed.last("101"), renewed.last("line0")), (None, Some(at(3))));
    }
}
