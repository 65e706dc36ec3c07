//! What changes or shows the configuration.

use api::body::{Applied, NewPassword, Revision, RevisionDetail};
use hyper::Method;
use hyper::body::Bytes;

use super::{complain, read_file, say, say_json};
use crate::cli::{Apply, Revisions};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::Table;

/// Whether a change was only tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trial {
    DryRun,
    Real,
}

pub(super) async fn apply(client: &Client<'_>, options: Apply) -> Result<(), Failure> {
    let bytes = read_file(&options.file)?;
    let name = if options.file.as_os_str() == "-" { "stdin".into() } else { options.file.to_string_lossy() };
    let resource = Resource::new(&["configuration"])
        .with("file", name)
        .with_switch("merge", options.merge)
        .with_switch("dry_run", options.dry_run)
        .with_switch("yes", options.yes)
        .with_some("if_revision", options.if_revision);
    let body = client.ask(Method::PUT, resource, bytes.into(), "application/json").await;
    let body = match body {
        Ok(body) => body,
        // A file that is wrong is refused; only a wrong command line is wrong usage.
        Err(failure) if failure.code == 2 => return Err(Failure { code: 1, ..failure }),
        Err(failure) => {
            if let (true, Some(problem)) = (options.json, &failure.problem) {
                say_json(&serde_json::to_vec(problem).unwrap_or_default())?;
            }
            return Err(failure);
        }
    };
    show_applied(&body, options.json, if options.dry_run { Trial::DryRun } else { Trial::Real })
}

fn show_applied(body: &[u8], json: bool, trial: Trial) -> Result<(), Failure> {
    if json {
        return say_json(body);
    }
    let applied: Applied = read(body)?;
    applied.notes.iter().for_each(|note| complain(&format!("note: {note}")));
    let mut text = String::new();
    for line in &applied.difference {
        text.push_str(line);
        text.push('\n');
    }
    for lost in &applied.lost {
        text.push_str(&format!("lost for good: {lost}\n"));
    }
    text.push_str(&match (applied.changed, trial) {
        (false, _) => format!("nothing to change; revision {} is in force\n", applied.revision),
        (true, Trial::DryRun) => "nothing was changed: this was a dry run\n".to_owned(),
        (true, Trial::Real) => format!("revision {} is in force\n", applied.revision),
    });
    say(&text)
}

pub(super) async fn export(client: &Client<'_>, with_secrets: bool) -> Result<(), Failure> {
    let resource = Resource::new(&["configuration"]).with_switch("secrets", with_secrets);
    let body = client.ask(Method::GET, resource, Bytes::new(), "application/toml").await?;
    say(&String::from_utf8_lossy(&body))
}

pub(super) async fn revisions(
    client: &Client<'_>,
    action: Option<Revisions>,
    json: bool,
) -> Result<(), Failure> {
    match action {
        None => list(&client.get(Resource::new(&["revisions"])).await?, json),
        Some(Revisions::Show { number, json }) => {
            let body = client.get(Resource::new(&["revisions", &number.to_string()])).await?;
            if json { say_json(&body) } else { show(&read(&body)?) }
        }
        Some(Revisions::Rollback { number, dry_run, yes, json }) => {
            let resource = Resource::new(&["revisions", &number.to_string(), "rollback"])
                .with_switch("dry_run", dry_run)
                .with_switch("yes", yes);
            let body = client.ask(Method::POST, resource, Bytes::new(), "application/json").await?;
            show_applied(&body, json, if dry_run { Trial::DryRun } else { Trial::Real })
        }
    }
}

fn list(body: &[u8], json: bool) -> Result<(), Failure> {
    if json {
        return say_json(body);
    }
    let mut table = Table::new(&["revision", "time", "author", "changes", "summary"]);
    for Revision { number, time, author, changes, summary } in read::<Vec<Revision>>(body)? {
        table.row([number.to_string(), time.to_string(), author, changes.to_string(), summary]);
    }
    say(&table.text("nothing has been configured yet"))
}

fn show(detail: &RevisionDetail) -> Result<(), Failure> {
    let RevisionDetail { number, time, author, difference, .. } = detail;
    let mut text = format!("revision {number} of {time}, by {author}\n");
    for line in difference {
        text.push_str(line);
        text.push('\n');
    }
    say(&text)
}

pub(super) async fn password(
    client: &Client<'_>,
    extension: &str,
    line: Option<String>,
    show: bool,
    json: bool,
) -> Result<(), Failure> {
    let resource = Resource::new(&["extensions", extension, "password"])
        .with_some("line", line)
        .with_switch("show", show);
    let body = client.ask(Method::POST, resource, Bytes::new(), "application/json").await?;
    if json {
        return say_json(&body);
    }
    let NewPassword { line, password, .. } = read(&body)?;
    match password {
        Some(password) => say(&format!("{password}\n")),
        None => say(&format!(
            "line {line} has a new password and its registrations are dropped; `ringwall export --with-secrets` shows it\n"
        )),
    }
}
