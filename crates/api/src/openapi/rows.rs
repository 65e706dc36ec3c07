//! A row for each operation, in the order of the table of permissions.

use model::Transport;
use model::live::{Call, Registration};
use model::lock::Lock;
use model::record::{CallRecord, CallResult, Direction};
use utoipa::openapi::HttpMethod::{Delete, Get, Post, Put};
use utoipa::{PartialSchema as _, ToSchema};

use super::operation::{Operation, number, object, one_of, problem, switch, text, time, whole};
use crate::body::{
    Applied, Block, Certificates, Check, Destination, LogLine, NewPassword, PortRow, Revision,
    RevisionDetail, Status, Unblocked,
};
use crate::drill::Removed;
use crate::letters::{MailTrial, MailTried, UserTold};
use crate::live::AttackView;
use crate::objects::body::{
    AddressGroup, CertificateWish, Extension, Imported, PasswordBody, Revealed, User, Written,
};
use crate::views::body::{CallStory, DialPlanRow, Firewall};

/// Every operation.
pub(super) fn all() -> Vec<Operation> {
    let mut rows = Vec::new();
    rows.extend(super::doors::rows());
    rows.extend(live());
    rows.extend(guard());
    rows.extend(configuration());
    rows.extend(objects());
    rows.extend(letters());
    if let Some(first) = rows.first_mut() {
        first.schemas.push(problem());
    }
    rows
}

fn live() -> Vec<Operation> {
    vec![
        Operation::new(Get, "/openapi.json", "This document.")
            .gives_as(200, &[("application/json", object())]),
        Operation::new(Get, "/status", "How the server is.").gives::<Status>(200),
        Operation::new(Get, "/registrations", "Who is registered; all of them without a limit.")
            .paged(&["extension", "line", "source", "phone", "registered"])
            .query("transport", "Reached in this way alone.", Transport::schema())
            .lists::<Registration>(),
        Operation::new(Get, "/calls", "Who calls whom now.").lists::<Call>(),
        Operation::new(Delete, "/calls/{id}", "Hangs up.").done(),
        history(Operation::new(
            Get,
            "/history",
            "Who called whom; 50 rows without a limit, and not more than 1,000.",
        ))
        .query("after", "Where the page before ended, from its Link header.", text())
        .lists::<CallRecord>(),
        history(Operation::new(Get, "/history.csv", "The same as a table."))
            .query("after", "Where to go on, from a Link header.", text())
            .gives_as(200, &[("text/csv; charset=utf-8", text())]),
        Operation::new(Get, "/history/{id}", "One call, and what happened in it.").gives::<CallStory>(200),
        Operation::new(Get, "/dial-plan", "What can be dialled.").lists::<DialPlanRow>(),
        Operation::new(Get, "/firewall", "Who reaches which service, and the change that waits.")
            .gives::<Firewall>(200),
        Operation::new(Post, "/firewall/confirm", "Lets the firewall's change that waits stand.")
            .may(&[404, 500])
            .done(),
        Operation::new(Post, "/firewall/revert", "Takes it back now.").may(&[404, 409, 422, 500]).done(),
        Operation::new(Get, "/events", "What happens, as it happens: status, calls, changed, bye.")
            .gives_as(200, &[("text/event-stream", text())]),
        Operation::new(Get, "/attacks", "Who tried passwords lately, and at which accounts.")
            .query("since", "Tried then or later; a day at most.", time())
            .gives::<AttackView>(200),
        Operation::new(Get, "/logs/{name}", "A log, as text or as an array.")
            .query("since", "Lines of then or later.", time())
            .query("follow", "Go on with lines as they are written; text only.", switch())
            .lists::<LogLine>()
            .may(&[500])
            .also_text(),
        Operation::new(Get, "/destinations/{name}", "Where a host or SIP URI leads.")
            .gives::<Destination>(200),
        Operation::new(Get, "/ports", "What the outer firewall needs to know.").lists::<PortRow>(),
        Operation::new(Get, "/check", "What weakens the installation.").gives::<Check>(200),
        Operation::new(Post, "/drill", "Begins the rehearsal of an attack; on the control socket only.")
            .may(&[409])
            .gives_as(200, &[("application/x-ndjson", text())]),
        Operation::new(Delete, "/drill", "Ends it; answers when all is removed. On the control socket only.")
            .gives::<Removed>(200),
        Operation::new(Get, "/certificates", "What is shown to who connects.").gives::<Certificates>(200),
        Operation::new(Post, "/certificates", "Puts one's own certificate in force.")
            .takes::<CertificateWish>()
            .may(&[409, 422, 500])
            .gives::<Written>(201),
        Operation::new(Get, "/certificates/authority.der", "The local authority's certificate.")
            .gives_as(200, &[("application/pkix-cert", text())]),
    ]
}

fn history(operation: Operation) -> Operation {
    let results = CallResult::ALL.map(CallResult::text);
    operation
        .query("since", "Started then or later.", time())
        .query("until", "Started before.", time())
        .query("number", "From or to this number.", text())
        .query("result", "With this result.", one_of(&results))
        .query("direction", "Inside, inwards or outwards.", Direction::schema())
        .query("search", "Rows that hold this text.", text())
        .query("order", "The newest or the oldest first.", one_of(&["newest", "oldest"]))
        .query("limit", "Not more than so many.", whole(None))
        .may(&[500])
}

fn guard() -> Vec<Operation> {
    vec![
        Operation::new(Get, "/blocks", "Who is refused, and why.").lists::<Block>(),
        Operation::new(Put, "/blocks/{address}", "Refuses an address or a network everything.")
            .query("for_s", "For so long; else until lifted.", number())
            .query("why", "Why, for who reads the list.", text())
            .query("yes", "A very wide network is meant.", switch())
            .may(&[422, 500])
            .gives::<Block>(200),
        Operation::new(Delete, "/blocks/{address}", "Lifts the blocks there, and sets the counters to zero.")
            .query("yes", "Also more than 20 of them.", switch())
            .may(&[422, 500])
            .gives::<Unblocked>(200),
        Operation::new(Put, "/lock", "Locks outgoing calls.")
            .query("why", "Why.", text())
            .may(&[422, 500])
            .gives::<Lock>(200),
        Operation::new(Delete, "/lock", "Lets outgoing calls out again.").may(&[422, 500]).done(),
    ]
}

fn apply(operation: Operation) -> Operation {
    operation
        .query("merge", "Add and change only.", switch())
        .query("dry_run", "Change nothing, only say.", switch())
        .query("yes", "Many deletions are meant.", switch())
        .query("if_revision", "Refuse if this is not the current revision.", whole(None))
        .query("file", "What the file is called, for messages.", text())
        .may(&[409, 422, 500])
        .gives::<Applied>(200)
}

fn configuration() -> Vec<Operation> {
    vec![
        Operation::new(Get, "/revisions", "What was configured when.").lists::<Revision>(),
        Operation::new(Get, "/revisions/{number}", "One of them.").gives::<RevisionDetail>(200),
        apply(Operation::new(Post, "/revisions/{number}/rollback", "Goes back to one.")),
        Operation::new(Get, "/configuration", "All of it as a file; with secrets it needs reveal.")
            .query("secrets", "With its secrets.", switch())
            .gives_as(200, &[("application/toml", text())]),
        apply(Operation::new(Put, "/configuration", "Applies a file.").takes_as("application/toml", text())),
        Operation::new(Get, "/settings", "All sections.").gives_as(200, &[("application/json", object())]),
        Operation::new(Get, "/settings/{section}", "One section.")
            .gives_as(200, &[("application/json", object())]),
        Operation::new(Put, "/settings/{section}", "Replaces a section.")
            .takes_as("application/json", object())
            .tagged()
            .may(&[409])
            .gives::<Written>(200),
    ]
}

fn objects() -> Vec<Operation> {
    vec![
        Operation::new(Get, "/extensions", "A page of extensions.")
            .paged(&["number", "description", "registered"])
            .lists::<Extension>(),
        create::<Extension>(Operation::new(
            Post,
            "/extensions",
            "A new one; passwords that were made are shown once.",
        )),
        Operation::new(
            Post,
            "/extensions.csv",
            "New extensions from a table, all or none; passwords that were made are shown once.",
        )
        .query("dry_run", "Change nothing, only say.", switch())
        .takes_as("text/csv", text())
        .may(&[409, 422, 500])
        .gives::<Imported>(200)
        .gives::<Imported>(201),
        Operation::new(Get, "/extensions/{number}", "One extension.").gives::<Extension>(200),
        replace::<Extension>(Operation::new(
            Put,
            "/extensions/{number}",
            "Replaces it; another number renames it.",
        )),
        remove(Operation::new(Delete, "/extensions/{number}", "Deletes it.")),
        Operation::new(Post, "/extensions/{number}/password", "A new generated SIP password.")
            .query("line", "Which line; else the only one.", text())
            .query("show", "Answer with the password.", switch())
            .may(&[409, 422, 500])
            .gives::<NewPassword>(200),
        Operation::new(Get, "/extensions/{number}/password", "The stored SIP password, which is logged.")
            .query("line", "Which line; else the only one.", text())
            .may(&[422])
            .gives::<Revealed>(200),
        Operation::new(Get, "/users", "A page of users.").paged(&[]).lists::<User>(),
        create::<User>(Operation::new(Post, "/users", "A new one; with `password` its first password.")),
        Operation::new(Get, "/users/{login}", "One user.").gives::<User>(200),
        replace::<User>(Operation::new(Put, "/users/{login}", "Replaces it.")),
        remove(Operation::new(Delete, "/users/{login}", "Deletes it.")),
        Operation::new(Put, "/users/{login}/password", "Sets somebody's password.")
            .takes::<PasswordBody>()
            .may(&[409])
            .done(),
        Operation::new(Get, "/address-groups", "A page of address groups.")
            .paged(&[])
            .lists::<AddressGroup>(),
        create::<AddressGroup>(Operation::new(Post, "/address-groups", "A new one.")),
        Operation::new(Get, "/address-groups/{name}", "One group.").gives::<AddressGroup>(200),
        replace::<AddressGroup>(Operation::new(Put, "/address-groups/{name}", "Replaces it.")),
        remove(Operation::new(Delete, "/address-groups/{name}", "Deletes it.")),
    ]
}

fn letters() -> Vec<Operation> {
    vec![
        Operation::new(
            Post,
            "/mail/test",
            "Sends a letter to try the mail server with, and tells what that says.",
        )
        .takes::<MailTrial>()
        .gives::<MailTried>(200),
        Operation::new(
            Post,
            "/attacks/{extension}/mail",
            "Writes to the users of an extension what was tried with it and what was done: once an hour.",
        )
        .may(&[422, 500])
        .gives::<UserTold>(200),
    ]
}

fn create<T: ToSchema>(operation: Operation) -> Operation {
    operation.takes::<T>().may(&[409]).gives::<Written>(201)
}

fn replace<T: ToSchema>(operation: Operation) -> Operation {
    operation.takes::<T>().tagged().may(&[409]).gives::<Written>(200)
}

fn remove(operation: Operation) -> Operation {
    operation.tagged().may(&[409, 422, 500]).gives::<Written>(200)
}
