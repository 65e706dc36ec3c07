//! The store on real folders with the real SQLite: what survives, what is refused, what never reaches the disk.

mod blocks;
mod console;
mod crash;
mod factors;
mod folder;
mod known;
mod letters;
mod logs;
mod office;
mod records;

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use model::config::{Office, Options, Plan, Source, Supply, plan};
use model::live::Binding;
use model::record::{CallRecord, CallResult, Direction};
use model::{CallId, Entropy, Id, IdMint, Transport, Wall};

use crate::{Echo, OpenError, Opened, Settings, Store};

/// A folder of its own for each test, gone afterwards.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ringwall-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A copy of the folder as it lies on the disk now, as a crash would leave it.
    pub(super) fn copy(&self) -> Scratch {
        let copy = Scratch::new();
        copy_folder(&self.0, &copy.0);
        copy
    }

    /// Every byte of every file in the folder, with the files' names.
    pub(super) fn bytes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    // A journal goes when its database's last connection closes, which may be just now.
                    match fs::read(&path) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        bytes => found.push((path, bytes.unwrap())),
                    }
                }
            }
        }
        found
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(super) fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(work)
}

pub(super) async fn try_open(folder: &Path) -> Result<Opened, OpenError> {
    Store::open(Settings { folder: folder.to_owned(), echo: Echo::Off }).await
}

pub(super) async fn open(folder: &Scratch) -> Opened {
    try_open(folder.path()).await.unwrap()
}

pub(super) fn supply() -> Supply {
    let mut entropy = Entropy::from_seed(*vault::random_key().unwrap());
    let mint = IdMint::new(1, &mut entropy);
    Supply { entropy, mint, wall: crate::wall(), verify: crate::passwords::verify }
}

pub(super) fn planned(office: &Office, text: &str) -> Plan {
    plan(office, Source::Toml("test.toml", text), &Options::default(), &mut supply()).unwrap()
}

/// Plans and commits `text`.
pub(super) async fn apply(store: &Store, text: &str) -> std::sync::Arc<Office> {
    store.commit(planned(&store.office(), text), "tester", crate::wall()).await.unwrap()
}

/// Polls until `holds`, for ten seconds at most.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) fn record(number: u128, started: i64, ended: Option<i64>) -> CallRecord {
    CallRecord {
        id: CallId(Id::from_bits(number)),
        from: "101".into(),
        to: format!("{}", 102 + number % 2),
        direction: Direction::Internal,
        started: Wall::from_millis(started),
        answered: Some(Wall::from_millis(started + 1_000)),
        ended: ended.map(Wall::from_millis),
        duration_s: ended.map_or(0.0, |ended| (ended - started - 1_000) as f64 / 1_000.0),
        result: ended.map(|_| CallResult::Answered),
        reason: String::new(),
        route: String::new(),
        quality: None,
    }
}

pub(super) fn binding(line: &str, contact: &str, expires: Wall) -> Binding {
    Binding {
        line: line.into(),
        extension: line.into(),
        contact: contact.into(),
        transport: Transport::Udp,
        local: "127.0.0.1:5060".parse().unwrap(),
        source: "127.0.0.1:5070".parse().unwrap(),
        user_agent: "test".into(),
        call_id: "c".into(),
        cseq: 1,
        q: 1_000,
        instance: None,
        reg_id: None,
        registered: crate::wall(),
        expires,
    }
}

pub(super) const TWO: &str = "\
[[extensions]]
number = \"101\"
lines = [{ username = \"101\", password = \"planted-Sip-secret-8241\" }]
[[extensions]]
number = \"102\"
lines = [{ username = \"102\" }]
[[users]]
login = \"root\"
role = \"full\"
password = \"planted people phrase\"
";
