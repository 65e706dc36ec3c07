//! Many extensions at once, from a table: judged whole, carried out as one change.

use std::sync::Arc;

use api::objects::TableWish;
use api::objects::body::{Imported, MadeLine};
use api::{Author, Problem};
use model::config::{self, Import, Office};

use super::{Desk, Work, finished, refusal};

impl Desk {
    /// Makes the extensions of a table, or only says what it would come to.
    ///
    /// # Errors
    /// It is refused whole, and nothing was changed.
    pub async fn import(self: &Arc<Desk>, author: Author, wish: TableWish) -> Result<Imported, Problem> {
        let desk = self.clone();
        // A task of its own: it is done to its end also when who asked has gone.
        let work = async move {
            let result = desk.do_import(&author, &wish).await;
            if let Err(problem) = &result
                && !wish.dry_run
            {
                desk.tell_refused(&author, problem);
            }
            result
        };
        finished(tokio::spawn(work).await)
    }

    async fn do_import(&self, author: &Author, wish: &TableWish) -> Result<Imported, Problem> {
        let plan = |work: &mut Work, office: &Office| {
            config::import(office, &wish.table, &mut work.supply()).map_err(|why| Box::new(refusal(why)))
        };
        let (mut work, office, Import { plan, numbers, generated }) =
            self.planned(plan, |import| &import.plan).await?;
        let notes = plan.notes.clone();
        if wish.dry_run {
            return Ok(Imported { revision: office.revision, numbers, notes, passwords: Vec::new() });
        }
        let revision = self.carry_out(&mut work, author, plan).await?;
        let made = |(extension, username, password): (String, String, model::Secret)| MadeLine {
            extension,
            username,
            password: password.expose().to_owned(),
        };
        Ok(Imported { revision, numbers, notes, passwords: generated.into_iter().map(made).collect() })
    }
}
