//! Another program holds the database: a copy that is being made, an administrator with a shell.

use crate::common::{Pair, expect_logged, expect_no_trouble};
use blackbox::process::Process;
use blackbox::{Office, Pbx, wait};

/// Locks the file until it reads a line.
const LOCK: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('BEGIN EXCLUSIVE' if sys.argv[2] == 'all' else 'BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.readline()
base.execute('ROLLBACK')
";

fn lock(pbx: &Pbx, how: &str) -> Process {
    let mut command = blackbox::process::bound_to_us("python3");
    command.args(["-c", LOCK]).arg(pbx.data().join("ringwall.db")).arg(how);
    let mut holder = Process::spawn_asking("python3", command);
    holder.expect_output("locked");
    holder
}

#[test]
fn while_the_database_is_held_people_talk_and_what_they_did_is_written_when_it_is_free() {
    let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let mut pair = Pair::of(&pbx);
    pair.talk();
    let mut holder = lock(&pbx, "write");
    pair.hear();
    pair.hang_up();
    wait::until("the trouble to be named", || {
        pbx.status()["troubles"].to_string().contains("call records").then_some(())
    });
    pair.talk();
    pair.hear();
    pair.hang_up();
    let check = pbx.json(&["check", "--json"]).to_string();
    assert!(check.contains("trouble.call-records"), "{check}");

    holder.say("");
    let records = pbx.expect_records(2);
    assert!(records.iter().all(|record| record["result"] == "answered"), "{records:#?}");
    expect_logged(&pbx, "error", "store.failed");
    expect_no_trouble(&pbx);
    pair.talk();
    pair.hang_up();
    pbx.expect_records(3);
    pbx.expect_nothing_held();
}
