//! The plan of the house, held by tests: which room may know which, and that only one of them has doors to the street.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// Who may import whom (ARCHITECTURE.md, "Rooms"). A new crate or a new edge is a decision record.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &[]),
    ("vault", &["model"]),
    ("guard", &["model"]),
    ("sip", &["model", "wire", "guard"]),
    ("media", &["model", "wire"]),
    ("calls", &["model", "wire", "guard", "sip", "media"]),
    ("store", &["model", "vault"]),
    ("net", &["model", "wire", "guard", "sip", "media", "calls"]),
    ("links", &["model"]),
    ("api", &["model"]),
    (
        "ringwall",
        &["model", "wire", "guard", "sip", "media", "calls", "vault", "store", "net", "links", "api"],
    ),
    ("sim", &["model", "wire", "guard", "sip", "media", "calls"]),
    ("targets", &["model", "wire", "guard", "sip", "media", "calls", "sim"]),
    ("blackbox", &["model", "wire", "sim"]),
    ("bench", &["model", "wire", "guard", "sip", "media", "calls", "sim", "blackbox"]),
];

/// What opens a socket that others can reach.
const BINDING: &[&str] = &[
    "UdpSocket::bind(",
    "TcpListener::bind(",
    "UnixListener::bind(",
    "UnixDatagram::bind(",
    "TcpSocket::new",
    "UnixSocket::new",
    "Socket::new(",
    "net::socket(",
    "net::bind(",
    "socket2",
];

/// What writes a file. The control socket's entry in its folder is made and removed by `net`, which holds no data.
const WRITING: &[&str] =
    &["File::create", "File::options", "fs::write", "OpenOptions", "fs::rename", "fs::copy", "create_dir"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_crate_imports_only_whom_the_plan_lets_it() {
    let metadata = MetadataCommand::new().current_dir(top()).no_deps().exec().unwrap();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} has no row in the table"));
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            if ours.contains(other) && !allowed.contains(&other) {
                wrong.push(format!("{name} imports {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Rust sources of a folder, but for files and folders that hold tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// Lines of served code outside the crate `home` that hold one of `words`.
fn found_outside(home: &str, words: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for entry in fs::read_dir(top().join("crates")).expect("readable sources") {
        let folder = entry.expect("readable sources").path();
        let source = folder.join("src");
        // `sim` is a test world: it is in no binary that serves.
        if folder.ends_with(home) || folder.ends_with("sim") || !source.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        sources(&source, &mut files);
        for file in files {
            looked_at += 1;
            let text = fs::read_to_string(&file).expect("readable sources");
            let served = text.split("#[cfg(test)]\nmod ").next().expect("readable sources");
            let used = words.iter().filter(|word| served.contains(**word));
            wrong.extend(used.map(|word| format!("{}: {word}", file.display())));
        }
    }
    assert!(looked_at > 50, "the sources were not found");
    wrong
}

#[test]
fn only_net_binds_a_socket() {
    let wrong = found_outside("net", BINDING);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_store_writes_to_the_disk() {
    let wrong = found_outside("store", WRITING);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_threat_names_tests_that_exist() {
    let text = fs::read_to_string(top().join("SECURITY.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat"));
    let mut seen = 0;
    for row in rows {
        let named: Vec<_> = row.split('`').filter_map(|word| word.split_once(".rs::")).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for (file, function) in named {
            let source = fs::read_to_string(top().join(format!("{file}.rs"))).unwrap_or_default();
            assert!(source.contains(&format!("fn {function}(")), "{file}.rs has no test {function}");
            seen += 1;
        }
    }
    assert!(seen > 20, "the threats are read otherwise than they are written");
}

/// Weaknesses are for tests (docs/decisions/0025): no default has the feature, no other crate switches it on, and nothing
/// that builds what is used names it.
#[test]
fn no_build_that_is_used_has_planted_weaknesses() {
    let metadata = MetadataCommand::new().current_dir(top()).no_deps().exec().unwrap();
    let mut having = BTreeSet::new();
    for package in &metadata.packages {
        for (feature, parts) in &package.features {
            if feature == "weakness" || parts.iter().any(|part| part.contains("weakness")) {
                having.insert(format!("{} {feature} {parts:?}", package.name));
            }
        }
        for dependency in &package.dependencies {
            assert!(
                !dependency.features.iter().any(|f| f == "weakness"),
                "{}: {}",
                package.name,
                dependency.name
            );
        }
    }
    let expected = ["model weakness []", r#"ringwall weakness ["model/weakness"]"#];
    assert_eq!(having, expected.map(str::to_owned).into());
    for script in ["run", "bench/run", "ui/build", ".cargo/config.toml"] {
        let text = fs::read_to_string(top().join(script)).unwrap();
        assert!(!text.contains("weakness") && !text.contains("all-features"), "{script}");
    }
}
