//! No file handle is free.

use crate::common::{Pair, expect_no_trouble};
use blackbox::{Office, Pbx, RawPhone};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// Allows the server so many open files from now on.
fn allow(pbx: &mut Pbx, handles: u64) {
    let pid = Pid::from_raw(i32::try_from(pbx.process().pid()).expect("a process id"));
    let maximum = getrlimit(Resource::Nofile).maximum;
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(handles), maximum })
        .expect("our own child's limit");
}

#[test]
fn without_file_handles_people_talk_new_calls_are_refused_in_words_and_it_goes_on_by_itself() {
    let mut pbx = Pbx::start(Office::of(101, 4).with_old_phones());
    let mut pair = Pair::of(&pbx);
    pair.talk();
    let open = pbx.status()["held"]["file_handles"].as_u64().expect("a number");
    allow(&mut pbx, open);
    pair.hear();
    let mut third = RawPhone::new("103", pbx.sip);
    let mut call = third.dial("102", "");
    let answer = third.expect_response(&mut call);
    assert_eq!(answer.status(), 503, "{}", answer.0);
    let troubles = pbx.status()["troubles"].to_string();
    assert!(troubles.contains("file handles"), "{troubles}");
    pair.hear();

    allow(&mut pbx, 10_000);
    expect_no_trouble(&pbx);
    pair.hang_up();
    pair.talk();
    pair.hang_up();
    pbx.expect_nothing_held();
}
