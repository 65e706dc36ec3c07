//! The configuration from outside: files in, plans, errors and exports out.

mod apply;
mod errors;
mod groups;
mod guessing;
mod import;
mod mail;
mod object;
mod properties;
mod undo;

use super::{Mode, Office, Options, Plan, Problems, Refusal, Source, Supply, plan};
use crate::{Entropy, IdMint, Wall};

pub(super) const OFFICE: &str = include_str!("office.toml");

pub(super) fn supply() -> Supply {
    let mut entropy = Entropy::from_seed([42; 32]);
    let mint = IdMint::new(1, &mut entropy);
    Supply { entropy, mint, wall: Wall::from_millis(1_795_369_458_123), verify: |_, _| false }
}

pub(super) fn try_apply(office: &Office, text: &str, options: &Options) -> Result<Plan, Refusal> {
    plan(office, Source::Toml("office.toml", text), options, &mut supply())
}

/// The office after `text`, as the store would leave it: hashes are made up.
pub(super) fn applied(office: &Office, text: &str) -> Office {
    carried_out(try_apply(office, text, &Options::default()).expect("applies"))
}

pub(super) fn merged(office: &Office, text: &str) -> Office {
    let options = Options { mode: Mode::Merge, ..Options::default() };
    carried_out(try_apply(office, text, &options).expect("merges"))
}

pub(super) fn carried_out(plan: Plan) -> Office {
    let mut after = plan.after;
    for (login, new) in plan.effects.people {
        if let Some(super::NewPassword::Plain(_)) = new {
            let hash =
                "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
            after.password_hashes.insert(login, crate::Secret::new(hash.into()));
        }
    }
    after
}

pub(super) fn problems(office: &Office, text: &str) -> Problems {
    match try_apply(office, text, &Options::default()) {
        Err(Refusal::Problems(problems)) => problems,
        other => panic!("no problems but {other:?}"),
    }
}

pub(super) fn office() -> Office {
    applied(&Office::default(), OFFICE)
}
