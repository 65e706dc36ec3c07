//! Embeds the console's pages, if they were built: each file of `ui/dist/admin` with its packed siblings. Never builds them:
//! cargo must work without npm.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let top = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../..");
    let dist = top.join("ui/dist");
    // What is missing would be looked at in each build, and each would compile this crate again.
    let watched = [dist.join("admin"), dist.clone(), top.join("ui/package.json")];
    let watched = watched.iter().find(|path| path.exists());
    println!(
        "cargo::rerun-if-changed={}",
        watched.map_or_else(|| "build.rs".to_owned(), |path| path.display().to_string())
    );
    println!("cargo::rerun-if-changed=build.rs");
    let root = dist.join("admin");
    let mut files = Vec::new();
    let root = root.canonicalize().unwrap_or(root);
    collect(&root, &mut files);
    files.sort();
    let mut text = String::from("static FILES: &[File] = &[\n");
    for file in files.iter().filter(|file| !is_packed(file)) {
        let name = file.strip_prefix(&root).expect("found below it").display().to_string();
        let packed = |suffix: &str| {
            let path = PathBuf::from(format!("{}.{suffix}", file.display()));
            if path.exists() { format!("Some(include_bytes!({path:?}))") } else { "None".to_owned() }
        };
        let (brotli, gzip) = (packed("br"), packed("gz"));
        writeln!(
            text,
            "    File {{ path: {name:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},"
        )
        .expect("text");
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("pages.rs"), text).expect("the build folder can be written");
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "br" || extension == "gz")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path.canonicalize().unwrap_or(path));
        }
    }
}
