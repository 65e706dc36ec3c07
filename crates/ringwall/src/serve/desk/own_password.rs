//! A new password of one's own is asked for with the present one, by whichever resource: an unattended window must not become a
//! password of its finder's.

use api::{Author, Problem};
use model::config::{NewPassword, Office, Plan};

/// Whether who is signed in as `author` gets another password by this plan, under whichever login.
pub(super) fn is_set(office: &Office, plan: &Plan, author: &Author) -> bool {
    let Some(own) = office.users.get(&author.0) else { return false };
    let kept = office.password_hashes.get(&author.0);
    plan.effects.people.iter().any(|(login, new)| {
        let renamed_only = |new: &NewPassword| matches!(new, NewPassword::Hash(hash) if Some(hash) == kept);
        plan.after.users.get(login).is_some_and(|user| user.id == own.id)
            && new.as_ref().is_some_and(|new| !renamed_only(new))
    })
}

/// How it is done.
pub fn refusal() -> Problem {
    Problem::refused(
        "your own password is changed under \"Your account\", with the present one; \
         without it: ringwall admin reset-password, on the machine",
    )
}
