//! Where the build's crates come from and under which licences, by the rules of `deny.toml`, for machines without
//! cargo-deny. Advisories need its database and are not here.

use serde_json::Value;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::process::Command;

#[test]
fn every_crate_has_a_licence_we_accept() {
    let rules = rules();
    let accepted = list(&rules, "allow = [");
    assert!(accepted.len() > 3, "{accepted:?}");
    for package in foreign_packages() {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(
            is_accepted(licence, &accepted),
            "{}: {licence:?} is not accepted by deny.toml",
            package["name"]
        );
    }
}

#[test]
fn every_crate_comes_from_the_one_registry_and_none_is_banned() {
    let banned = list(&rules(), "deny = [");
    assert!(banned.len() > 1, "{banned:?}");
    for package in foreign_packages() {
        let source = package["source"].as_str().unwrap_or_default();
        assert!(source.contains("crates.io-index"), "{} comes from {source:?}", package["name"]);
        let name = package["name"].as_str().unwrap_or_default();
        assert!(!banned.iter().any(|b| b == name), "{name} is banned by deny.toml");
    }
}

/// All packages of the build that are not ours, on Linux.
fn foreign_packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(blackbox::pbx::root())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let built = built(&cargo);
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let is_foreign = |p: &Value| {
        let text = |name: &str| p[name].as_str().unwrap_or_default().to_owned();
        !p["source"].is_null() && built.contains(&format!("{} v{}", text("name"), text("version")))
    };
    let foreign: Vec<_> = packages.into_iter().filter(is_foreign).collect();
    assert!(foreign.len() > 20, "only {} packages", foreign.len());
    foreign
}

/// Name and version of what is built. Only `cargo tree` knows: the lock file and `cargo metadata` also name what is optional
/// and switched off.
fn built(cargo: &OsStr) -> HashSet<String> {
    let output = Command::new(cargo)
        .args(["tree", "--workspace", "--locked", "--target", "x86_64-unknown-linux-gnu"])
        .args(["--edges", "normal,build,dev", "--prefix", "none", "--no-dedupe", "--format", "{p}"])
        .current_dir(blackbox::pbx::root())
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn rules() -> String {
    std::fs::read_to_string(blackbox::pbx::root().join("deny.toml")).expect("deny.toml")
}

/// The quoted strings of a list in the file, comments aside.
fn list(rules: &str, begin: &str) -> Vec<String> {
    let start = rules.find(begin).expect("a list of deny.toml") + begin.len();
    let body = &rules[start..start + rules[start..].find("\n]").expect("its end")];
    let lines = body.lines().filter_map(|line| line.split('#').next());
    lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

/// An SPDX expression holds when one side of each OR holds; AND binds tighter; parentheses group.
fn is_accepted(expression: &str, accepted: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&words, &mut at, accepted) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, accepted: &[String]) -> bool {
    let mut holds = both(words, at, accepted);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= both(words, at, accepted);
    }
    holds
}

fn both(words: &[&str], at: &mut usize, accepted: &[String]) -> bool {
    let mut holds = one(words, at, accepted);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, accepted);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, accepted: &[String]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let holds = either(words, at, accepted);
        *at += 1;
        return holds;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{word} WITH {}", words.get(*at + 1).copied().unwrap_or_default());
        *at += 2;
    }
    accepted.contains(&licence)
}

#[test]
fn licence_expressions_are_read_as_spdx_has_them() {
    let accepted = ["MIT".to_owned(), "ISC".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for (expression, holds) in [
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR (MIT AND ISC)", true),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_accepted(expression, &accepted), holds, "{expression}");
    }
}
