//! A letter to try the mail server with: sent at once and by itself, past the outbox, since who asks waits for the
//! server's words.

use model::{Id, Wall};

use super::delivery::{Trouble, deliver};
use super::limits::TRIAL;
use super::{Account, Letter};

/// Sends a letter to `to` as warnings are sent. What the server said when it took it.
///
/// # Errors
/// Why it did not, in words fit to be shown, and what to look at.
pub async fn try_out(account: &Account, id: Id, to: &str, now: Wall) -> Result<String, String> {
    let account = Account { timeout: account.timeout.min(TRIAL), ..account.clone() };
    let letter = Letter {
        id,
        to: to.to_owned(),
        subject: format!("[{}] Test", account.office),
        text: "Somebody tried the mail settings of this telephone system, and this is the letter.\n\
               It arrived, so warnings will. There is nothing to do.\n"
            .to_owned(),
        written: now,
    };
    let server = format!("{}:{}", account.host, account.port);
    deliver(&account, &letter).await.map_err(|trouble| match trouble {
        Trouble::Server(why) => {
            format!("{server} can't be used: {why}; look at server, port, protection and login")
        }
        Trouble::Later(why) => {
            format!("{server} puts the letter off: {why}; warnings are tried again, a test is not")
        }
        Trouble::Never(why) => {
            format!("{server} does not take the letter: {why}; look at the sender and the recipient")
        }
    })
}
