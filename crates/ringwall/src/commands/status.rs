//! `ringwall status`.

use api::body::Status;

use super::{say, say_json};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::{duration, visible};

pub(super) async fn status(client: &Client<'_>, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["status"])).await?;
    if json { say_json(&body) } else { say(&text(&read(&body)?)) }
}

fn text(status: &Status) -> String {
    let held = &status.held;
    let mut text = format!(
        "Ringwall {} on node {}, up {} (since {})\n\
         revision        {}\n\
         registrations   {}\n\
         calls           {}\n\
         lock            {}\n\
         held            {} transactions, {} dialogs, {} subscriptions, {} legs, {} media port pairs,\n\
         \x20               {} connections, {} file handles\n\
         vault           {}\n\
         kernel offload  {}\n\
         blocks          {}\n\
         dropped         {} denied, {} malformed, {} shed, {} unsent, {} media unsent, {} unstored, {} log lines\n\
         shed            {} of calls, {} with credentials, {} new from known addresses, {} new from strangers, {} late, {} unread;\n\
         \x20               connections: {} beyond limits, {} idle, {} slow\n",
        status.version,
        status.node,
        duration(status.uptime_s),
        status.started,
        status.revision,
        status.registrations,
        status.calls,
        status.lock.as_ref().map_or_else(
            || "off".to_owned(),
            |lock| { format!("{} (by {}, since {})", visible(&lock.cause), visible(&lock.by), lock.since) }
        ),
        held.transactions,
        held.dialogs,
        held.subscriptions,
        held.legs,
        held.media_ports,
        held.connections,
        held.file_handles,
        status.vault,
        status.kernel_offload,
        status.blocks,
        status.dropped.denied,
        status.dropped.malformed,
        status.dropped.shed,
        status.dropped.unsent,
        status.dropped.media_unsent,
        status.dropped.unstored,
        status.dropped.log_lines,
        status.shed.in_progress,
        status.shed.credentialed,
        status.shed.familiar,
        status.shed.unknown,
        status.shed.late,
        status.shed.unread,
        status.shed.connections,
        status.shed.idlers,
        status.shed.slow,
    );
    for trouble in &status.troubles {
        let since = trouble.since.map(|since| format!(" since {since}")).unwrap_or_default();
        text.push_str(&format!("TROUBLE         {}{since}: {}\n", trouble.part, visible(&trouble.why)));
        text.push_str(&format!("                {}\n", trouble.cure));
    }
    for listener in &status.listeners {
        let address = std::net::SocketAddr::new(listener.address, listener.port);
        text.push_str(&format!(
            "{:<15} {address} over {}: {}\n",
            listener.service, listener.transport, listener.state
        ));
    }
    text
}
