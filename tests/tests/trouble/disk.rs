//! The disk is full.

use crate::common::{Pair, expect_logged, expect_no_trouble};
use blackbox::{Office, Pbx};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk of its own, until dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(path: &Path) -> Self {
        fs::create_dir_all(path).expect("a folder");
        let options = "size=24m,mode=0700";
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).status();
        assert!(
            mount.expect("mount").success(),
            "a disk of its own needs root: run this test by `sudo -E ./test`"
        );
        Self(path.to_path_buf())
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).expect("a file");
        let zeros = [0; 4_096];
        while filler.write_all(&zeros).is_ok() {}
        while filler.write_all(&zeros[..1]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is being stopped may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_people_talk_a_change_is_refused_and_each_record_is_there_when_it_has_room_again() {
    let mut pbx = Pbx::prepare(Office::of(101, 2).with_old_phones());
    let disk = SmallDisk::at(&pbx.data());
    pbx.launch();
    let mut pair = Pair::of(&pbx);
    pair.talk();

    disk.fill();
    pair.hear();
    pair.hang_up();
    pair.talk();
    pair.hang_up();
    let change = "[[extensions]]\nnumber = \"150\"\nlines = [{ username = \"150\" }]\n";
    let refused = pbx.apply(change, &["--merge"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("disk") || refused.stderr.contains("full"), "{refused:?}");
    assert!(!pbx.run(&["export"]).done().contains("\"150\""), "a refused change is nowhere");
    let troubles = pbx.status()["troubles"].to_string();
    assert!(troubles.contains("disk"), "{troubles}");

    disk.free();
    pair.talk();
    pair.hear();
    pair.hang_up();
    let records = pbx.expect_records(3);
    assert!(records.iter().all(|record| record["result"] == "answered"), "{records:#?}");
    pbx.apply(change, &["--merge"]).done();
    expect_logged(&pbx, "error", "store.failed");
    expect_no_trouble(&pbx);
    pbx.expect_nothing_held();
    assert!(pbx.terminate().success());
    pbx.restart();
    assert_eq!(pbx.expect_records(3).len(), 3);
    drop(pbx);
    drop(disk);
}
