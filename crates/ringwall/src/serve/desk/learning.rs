//! Plans a change, and learns the addresses of host names that it brings before it goes on. Name servers may take
//! seconds to be silent; nobody else's change waits for that (SPEC R4.1): the desk is let go meanwhile, and the change is
//! planned again on what is in force then.

use std::sync::Arc;

use api::Problem;
use guard::Rows;
use model::config::{self, Kind, Office, Plan};
use tokio::sync::MutexGuard;

use super::{Desk, Work};
use crate::serve::{firewall, notes};

impl Desk {
    /// The desk, the office in force and what `plan` made of it, with what name servers said of the plan's names.
    ///
    /// # Errors
    /// The change is refused.
    pub(super) async fn planned<P>(
        &self,
        plan: impl Fn(&mut Work, &Office) -> Result<P, Box<Problem>>,
        plan_in: impl Fn(&P) -> &Plan,
    ) -> Result<(MutexGuard<'_, Work>, Arc<Office>, P), Problem> {
        let mut work = self.work.lock().await;
        let office = self.store.office();
        // Ten thousand extensions take a while; other tasks of this thread go elsewhere meanwhile.
        let first = tokio::task::block_in_place(|| plan(&mut work, &office)).map_err(|why| *why)?;
        let wanted = plan_in(&first);
        let unknown = if notes::concern(wanted) { self.hosts.unresolved(&wanted.after) } else { Vec::new() };
        if unknown.is_empty() {
            return Ok((work, office, first));
        }
        drop((work, office, first));
        self.hosts.look_up(unknown).await;
        let mut work = self.work.lock().await;
        let office = self.store.office();
        // Names that only now come into use by another's change are learnt by `look_after`.
        let second = tokio::task::block_in_place(|| plan(&mut work, &office)).map_err(|why| *why)?;
        Ok((work, office, second))
    }

    /// The rows that a plan leads to, if it may change them; refused if one of them would let nobody in.
    pub(super) fn rows_of(
        &self,
        office: &Office,
        plan: &Plan,
    ) -> Result<Option<Arc<Rows>>, Vec<config::Misfit>> {
        let concerns = |change: &config::Change| matches!(change.kind, Kind::Firewall | Kind::AddressGroup);
        if !plan.changes.iter().any(concerns) {
            return Ok(None);
        }
        let rows = firewall::rows(&plan.after, &self.hosts);
        let mut dead = firewall::dead(&plan.after, &rows);
        // A name server that is away since yesterday is no reason to refuse a change of something else.
        let before = firewall::dead(office, &self.rows());
        dead.retain(|row| !before.contains(row));
        if dead.is_empty() { Ok(Some(rows)) } else { Err(dead) }
    }
}
