//! What the shell and `sim` say to the exchange and hear from it.

use std::sync::Arc;

use bytes::Bytes;
use ipnet::IpNet;
use model::directory::Directory;
use model::event::Event;
use model::live::{Binding, BindingUpdate};
use model::lock::Outgoing;
use model::record::RecordUpdate;
use model::{CallId, Entropy, Flow, FlowId, Wall};
use wire::message_summary::Summary;

/// What an exchange starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Number of this node, part of every call's id.
    pub node: u16,
    /// How many media shards there are; 0 counts as 1.
    pub shards: usize,
    /// Who can be called and who may call.
    pub directory: Arc<Directory>,
    /// Where random bytes come from.
    pub entropy: Entropy,
}

/// What happens to the exchange.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message arrived.
    Received {
        /// Where from, and where its answer goes.
        flow: Flow,
        /// The message.
        message: wire::sip::Message,
    },
    /// A stream connection ended.
    Closed(FlowId),
    /// A media shard says something. Legs are named per shard.
    Media {
        /// Which shard.
        shard: usize,
        /// What.
        event: media::Event,
    },
    /// The time of [`crate::Exchange::next_wake`] has come.
    Wake,
    /// Somebody wants something.
    Command(Command),
}

/// What administrators, and the server itself, want of a running exchange.
#[derive(Clone, Debug)]
pub enum Command {
    /// The configuration changed. Running calls go on as they are.
    Directory(Arc<Directory>),
    /// Who reaches SIP changed (SPEC R4.2). Running calls can be finished.
    Row(Arc<guard::Row>),
    /// Registrations of before a restart, each with the flow it is reached on; `None`: not before the phone is back.
    Restore(Vec<(Binding, Option<Flow>)>),
    /// End a call, if it runs.
    Hangup {
        /// Which.
        call: CallId,
        /// Who wants it, for the log.
        author: String,
    },
    /// Drop the registrations of the line with this SIP username: its password changed.
    ForgetLine(Arc<str>),
    /// This waits in an extension's mailbox. None does until this is said.
    Mailbox {
        /// The extension's number.
        extension: Arc<str>,
        /// What waits.
        summary: Summary,
    },
    /// Blocks of before a restart, which the gate knows already.
    RestoreBlocks(Vec<guard::Block>),
    /// Where phones were registered within a day before a restart. To be given before [`Command::Restore`].
    RestoreKnown(Vec<guard::KnownSource>),
    /// An administrator blocks an address or a network.
    Block {
        /// Which.
        prefix: IpNet,
        /// Until when; `None`: until lifted.
        until: Option<Wall>,
        /// Who wants it.
        author: String,
        /// Why.
        why: String,
    },
    /// An administrator lifts every block within these addresses or around them, and their counters begin anew.
    Unblock {
        /// Which.
        prefix: IpNet,
        /// Who wants it.
        author: String,
    },
    /// Whether calls may leave the house from now on; those that have left it go on.
    Outgoing(Outgoing),
    /// No new calls from now on.
    Drain,
    /// End every call: the server stops.
    EndAll,
}

/// What the exchange wants done outside.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send these bytes on this flow.
    Send {
        /// Where.
        flow: Flow,
        /// One whole SIP message.
        bytes: Bytes,
    },
    /// Close this connection.
    Close(FlowId),
    /// Tell a media shard.
    Media {
        /// Which shard.
        shard: usize,
        /// What.
        command: media::Command,
    },
    /// Keep a call's record.
    Record(RecordUpdate),
    /// Keep or forget a registration.
    Binding(BindingUpdate),
    /// The guard has ruled: put it in force before anything that follows is sent.
    Ruling(guard::Ruling),
    /// Write a log line.
    Event(Event),
}

impl From<sip::Output> for Output {
    fn from(output: sip::Output) -> Output {
        match output {
            sip::Output::Send { flow, bytes } => Output::Send { flow, bytes },
            sip::Output::Close(flow) => Output::Close(flow),
            sip::Output::Binding(update) => Output::Binding(update),
            sip::Output::Ruling(guard::Ruling::Event(event)) | sip::Output::Event(event) => {
                Output::Event(event)
            }
            sip::Output::Ruling(ruling) => Output::Ruling(ruling),
        }
    }
}
