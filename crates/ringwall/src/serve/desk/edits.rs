//! Changes of one object or section, as the console and scripts make them: judged against what its maker saw, then the
//! same way as every other change.

use std::sync::Arc;

use api::Problem;
use api::objects::{Asker, EditWish, IfMatch, Tag};
use model::Secret;
use model::config::{self, Edit, Kind, Plan, Refusal};

use super::{Desk, Work, finished, pending_note, refusal};
use crate::serve::{firewall, notes};

/// What is changed.
pub enum Job {
    /// An object of a list.
    Object(Kind, EditWish),
    /// A section: its name and the JSON.
    Section(String, String),
    /// A person's password.
    Password(String, Secret),
}

/// What a change came to.
pub struct Done {
    /// The revision in force.
    pub revision: u64,
    /// The object's natural key, or the section's name.
    pub key: String,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// SIP passwords that were made.
    pub generated: Vec<(String, Secret)>,
    /// It waits for a confirmation.
    pub pending: Option<store::PendingChange>,
}

/// What a job is planned to be.
struct Planned {
    plan: Plan,
    key: String,
    generated: Vec<(String, Secret)>,
}

impl Desk {
    /// Does one job, if the object still is what `expected` says.
    ///
    /// # Errors
    /// It is refused whole, and nothing was changed.
    pub async fn edit(self: &Arc<Desk>, asker: Asker, job: Job, expected: IfMatch) -> Result<Done, Problem> {
        let desk = self.clone();
        // A task of its own: it is done to its end also when who asked has gone.
        let work = async move {
            let result = desk.do_edit(&asker, &job, &expected).await;
            if let Err(problem) = &result {
                desk.tell_refused(&asker.author, problem);
            }
            result
        };
        finished(tokio::spawn(work).await)
    }

    async fn do_edit(&self, asker: &Asker, job: &Job, expected: &IfMatch) -> Result<Done, Problem> {
        let plan = |work: &mut Work, office: &config::Office| {
            if let Some(found) = found(office, job)? {
                expected.check(&found)?;
            }
            plan_job(work, office, job).map_err(|why| Box::new(refusal(why)))
        };
        let (mut work, office, Planned { plan, key, generated }) =
            self.planned(plan, |planned| &planned.plan).await?;
        let mut notes = plan.notes.clone();
        if notes::concern(&plan) {
            notes.extend(notes::of(&plan.after, &self.hosts.unresolved(&plan.after)));
        }
        let rows = self.rows_of(&office, &plan).map_err(|dead| {
            let why = config::misfits(None, dead);
            refusal(match job {
                Job::Section(section, _) => config::below_section(why, section),
                _ => why,
            })
        })?;
        if let Some(rows) = &rows {
            let registered = self.control.ask(|exchange, now| exchange.registrations(now)).await;
            let registered = registered.map_err(|_| Problem::stopping())?;
            notes.extend(firewall::warnings(&plan.after, &self.rows(), rows, &registered));
        }
        let revision = if plan.is_empty() {
            office.revision
        } else {
            self.carry_out_rows(&mut work, &asker.author, plan, rows.as_deref(), asker.seat).await?
        };
        let pending = self.pending().filter(|_| rows.is_some());
        notes.extend(pending.as_ref().map(pending_note));
        Ok(Done { revision, key, notes, generated, pending })
    }
}

fn plan_job(work: &mut Work, office: &config::Office, job: &Job) -> Result<Planned, Refusal> {
    let mut supply = work.supply();
    let plain = |plan, key: &str| Planned { plan, key: key.to_owned(), generated: Vec::new() };
    match job {
        Job::Object(kind, wish) => {
            let edit = match wish {
                EditWish::Create(json) => Edit::Create(json),
                EditWish::Replace(key, json) => Edit::Replace(key, json),
                EditWish::Delete(key) => Edit::Delete(key),
            };
            let edited = config::edit(office, *kind, edit, &mut supply);
            edited.map(|edited| Planned { plan: edited.plan, key: edited.key, generated: edited.generated })
        }
        Job::Section(section, json) => {
            config::edit_section(office, section, json, &mut supply).map(|plan| plain(plan, section))
        }
        Job::Password(login, password) => {
            config::set_password(office, login, password, &mut supply).map(|plan| plain(plan, login))
        }
    }
}

/// The tag of what the job changes; `None` where it makes something new.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn found(office: &config::Office, job: &Job) -> Result<Option<Tag>, Problem> {
    let (content, name) = match job {
        Job::Object(_, EditWish::Create(_)) | Job::Password(..) => return Ok(None),
        Job::Object(kind, EditWish::Replace(key, _) | EditWish::Delete(key)) => {
            (config::content(office, *kind, key), format!("{kind} {key}"))
        }
        Job::Section(section, _) => (config::section_content(office, section), format!("section {section}")),
    };
    match content {
        Some(content) => Ok(Some(Tag::of(&content))),
        None => Err(refusal(Refusal::Unknown(name))),
    }
}
