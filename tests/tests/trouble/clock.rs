//! The wall clock jumps a day ahead, and two days back.

use crate::common::{Pair, expect_logged};
use blackbox::{Office, Pbx, Place, pbx, place, wait};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::process::Command;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A wall clock of the server's own (`tests/src/clock.c`).
struct Clock {
    offset: File,
    words: Vec<String>,
    _place: Place,
}

impl Clock {
    fn make() -> Self {
        let place = Place::new("clock");
        let (library, path) = (place.join("clock.so"), place.join("offset"));
        let source = pbx::root().join("tests/src/clock.c");
        let made =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
        assert!(made.expect("cc, which links Rust programs too").success());
        fs::write(&path, 0_i64.to_ne_bytes()).expect("written");
        let offset = File::options().write(true).open(&path).expect("just written");
        let preload = format!("LD_PRELOAD={}", library.display());
        let words = vec!["env".into(), preload, format!("CLOCK_OFFSET={}", path.display())];
        Self { offset, words, _place: place }
    }

    /// Sets it so far from ours, at once as somebody's hand or a time server would.
    fn set(&self, seconds: i64) {
        self.offset.write_all_at(&seconds.to_ne_bytes(), 0).expect("written");
    }
}

fn is_blocked(pbx: &Pbx, address: &str) -> bool {
    pbx.json(&["blocks", "--json"]).to_string().contains(address)
}

#[test]
fn when_the_clock_jumps_a_day_either_way_calls_and_registrations_go_on_and_blocks_end_by_the_clock() {
    let clock = Clock::make();
    let words: Vec<&str> = clock.words.iter().map(String::as_str).collect();
    let mut pbx = Pbx::prepare(Office::of(101, 2).with_old_phones()).under(&words);
    pbx.launch();
    let mut pair = Pair::of(&pbx);
    pair.talk();
    let (short, long) = (place::address().to_string(), place::address().to_string());
    pbx.run(&["block", &short, "--for", "1h", "--why", "short"]).done();
    pbx.run(&["block", &long, "--for", "48h", "--why", "long"]).done();
    assert!(is_blocked(&pbx, &short) && is_blocked(&pbx, &long));

    clock.set(DAY);
    wait::until("the block that is over ends", || (!is_blocked(&pbx, &short)).then_some(()));
    assert!(is_blocked(&pbx, &long), "the other one lasts");
    expect_logged(&pbx, "warning", "seconds=86400");
    pair.hear();
    assert_eq!(pbx.registrations().len(), 2);

    clock.set(-DAY);
    expect_logged(&pbx, "warning", "seconds=-172800");
    assert!(is_blocked(&pbx, &long));
    pair.hear();
    assert_eq!(pbx.registrations().len(), 2);
    pair.hang_up();
    pair.talk();
    pair.hang_up();
    clock.set(0);
    pair.talk();
    pair.hang_up();
    let records = pbx.expect_records(3);
    let sane = |record: &serde_json::Value| {
        record["result"] == "answered"
            && record["duration_s"].as_f64().is_some_and(|s| (0.0..3_600.0).contains(&s))
    };
    assert!(records.iter().all(sane), "{records:#?}");
    pbx.expect_nothing_held();
}
