//! The firewall's row for SIP in the world: who is shut out, whose connections end with it, and that nobody outside the
//! row's group is read who has nothing to finish (SPEC R4.3).
//!
//! Not here: how the server keeps its gate (`server::refused`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use guard::{AddressSet, Row, Rows, Service};
use model::{FlowId, Mono};

use super::World;
use crate::clock::secs;
use crate::server::Entrance;

/// What may still come of a call that is over, or of what we asked somebody before he was shut out: 64 x T1, twice.
const AFTERMATH: Duration = secs(66);

/// The rows in force, over a restart too.
#[derive(Default)]
pub(super) struct InForce {
    rows: Arc<Rows>,
    since: Mono,
}

impl World {
    /// From now on only these networks reach SIP.
    ///
    /// # Panics
    /// One of them is none.
    pub fn let_in_only(&mut self, networks: &[&str]) {
        let networks = networks.iter().map(|network| network.parse().expect("a network"));
        self.set_row(Row::Only(AddressSet::of(networks)));
    }

    /// From now on everybody reaches SIP who is not blocked.
    pub fn let_everybody_in(&mut self) {
        self.set_row(Row::Anybody);
    }

    fn set_row(&mut self, row: Row) {
        self.excuse_outsiders();
        let rows = Arc::new(Rows { sip: Arc::new(row), ..Rows::default() });
        self.in_force = InForce { rows, since: self.clock.now().mono };
        self.excuse_outsiders();
        self.enforce_rows();
    }

    /// Tells the server which rows are in force, if it runs.
    pub(super) fn enforce_rows(&mut self) {
        let (now, rows) = (self.now(), self.in_force.rows.clone());
        if let Some(server) = &mut self.server {
            server.change_rows(now, rows);
            self.settle_server();
        }
    }

    /// Whether the row shuts a phone out.
    pub fn is_shut_out(&self, phone: usize) -> bool {
        let (host, ip) = (self.host_of_phone[phone], self.phones[phone].address.ip());
        !self.in_force.rows.sip.admits(self.network.source_of(host, ip))
    }

    /// What a phone says is lost while it is shut out.
    fn excuse_outsiders(&mut self) {
        for phone in 0..self.phones.len() {
            if self.is_shut_out(phone) {
                self.excuse(self.host_of_phone[phone]);
            }
        }
    }

    /// Ends the connections of refused addresses but for those that may finish something, if the server wants it.
    pub(super) fn reset_refused(&mut self) {
        let Some(server) = &mut self.server else { return };
        if !std::mem::take(&mut server.resets) {
            return;
        }
        let open = self.streams.open.iter().filter(|(_, stream)| stream.server_open);
        let refused: Vec<FlowId> = open
            .filter(|(_, stream)| server.entrance(Service::Sip, stream.flow.remote) == Entrance::Closed)
            .map(|(id, _)| *id)
            .collect();
        for flow in refused {
            self.end_stream(flow);
        }
    }

    /// Somebody's message was read: he is in the row's group, or sits where somebody had something to finish when he was
    /// shut out.
    pub(super) fn check_reader(&mut self, from: SocketAddr) {
        let InForce { rows, since } = &self.in_force;
        let (now, since) = (self.clock.now().mono, *since);
        if rows.sip.admits(from.ip()) || now.saturating_since(since) < AFTERMATH {
            return self.check_stranger(from);
        }
        let has_finished = |ended: Option<Mono>| ended.is_some_and(|at| at + AFTERMATH < now);
        let may_finish = self.phones.iter().enumerate().any(|(number, phone)| {
            let here = self.network.source_of(self.host_of_phone[number], phone.address.ip()) == from.ip();
            here && phone.all_dialogs().any(|call| call.began <= since && !has_finished(call.ended))
        });
        if !may_finish {
            self.fail(format!(
                "a message of {from} is read, who is outside the row and has nothing to finish"
            ));
        }
    }

    /// Where no phone is there is never anything to finish.
    fn check_stranger(&mut self, from: SocketAddr) {
        let is_phone = |number: &usize| {
            let phone = &self.phones[*number];
            self.network.source_of(self.host_of_phone[*number], phone.address.ip()) == from.ip()
        };
        let outside = !self.in_force.rows.sip.admits(from.ip());
        if outside && !(0..self.phones.len()).any(|number| is_phone(&number)) {
            self.fail(format!("a message of {from} is read, a stranger outside the row"));
        }
    }
}
