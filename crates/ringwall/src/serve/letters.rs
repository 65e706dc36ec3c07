//! Letters that somebody asks for on the console. What the one to a guessed user says: `told`.

use std::collections::VecDeque;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use api::letters::{MailTrial, MailTried, UserTold};
use api::{Author, Problem};
use links::mail::Counter;
use model::event::{self, Event};
use model::{Entropy, Id, IdMint, Wall};
use tokio::sync::Mutex;

use super::office::Reception;
use super::told::{self, Told};
use super::{NODE, mail, now};

/// Trials within [`TRIAL_WINDOW`]: who sets a mail server up needs a few, and nobody is to flood a stranger with ours.
const TRIALS: usize = 20;
const TRIAL_WINDOW: Duration = Duration::from_secs(3_600);

/// What letters on demand need.
pub struct Writer {
    mint: StdMutex<IdMint>,
    /// When the trials of the last hour were; held for a whole one, so that there is one at a time.
    trials: Mutex<VecDeque<Wall>>,
    /// Where letters to users are handed in, and which went lately.
    pub counter: Counter,
    pub told: Mutex<Told>,
}

impl Writer {
    /// A writer who has written nothing yet.
    pub fn new(entropy: &mut Entropy, counter: Counter) -> Writer {
        Writer {
            mint: StdMutex::new(IdMint::new(NODE, entropy)),
            trials: Mutex::default(),
            counter,
            told: Mutex::default(),
        }
    }

    fn id(&self, now: Wall) -> Id {
        self.mint.lock().unwrap_or_else(PoisonError::into_inner).mint(now)
    }
}

impl api::Letters for Reception {
    async fn try_mail(&self, _: Author, trial: MailTrial) -> Result<MailTried, Problem> {
        let office = self.office();
        let Some(account) = mail::account(&office) else {
            return Err(Problem::refused(
                "no mail server is set; name one in the section mail and save it first",
            ));
        };
        let to = trial.to.filter(|to| !to.is_empty()).unwrap_or(office.security.guessing.warn_email.clone());
        if to.is_empty() {
            return Err(Problem::field("to", "missing", "write whom the letter goes to"));
        }
        if !model::config::is_email(&to) {
            return Err(Problem::field("to", "not an e-mail address", "write name@example.test"));
        }
        let Ok(mut trials) = self.writer().trials.try_lock() else {
            return Err(too_many("a test is under way; wait for what the mail server says to it"));
        };
        let at = now();
        trials.retain(|before| at.saturating_since(*before) < TRIAL_WINDOW);
        if trials.len() >= TRIALS {
            return Err(too_many("there were 20 tests within an hour; wait for a while"));
        }
        trials.push_back(at);
        let id = self.writer().id(at);
        let said = links::mail::try_out(&account, id, &to, at).await.map_err(Problem::refused)?;
        self.logs().write(
            Event::new(&event::MAIL_SENT, now()).with("to", &to).with("subject", "Test").with("id", id),
        );
        Ok(MailTried { to, server: format!("{}:{}", account.host, account.port), said })
    }

    async fn tell_user(&self, author: Author, extension: String) -> Result<UserTold, Problem> {
        told::tell(self, author, &extension).await
    }
}

pub fn too_many(why: &str) -> Problem {
    Problem::new(api::StatusCode::TOO_MANY_REQUESTS, "slow-down", why)
}
