//! Ours: the release binary with a configuration of as many extensions as asked, persistence and logs on.

use super::{SECURE_SERVER, SERVER, Server, folder, numbers, pinned};
use crate::digest::PASSWORD;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The binary: `RINGWALL_BIN`, else what `cargo build --release` left.
pub fn binary() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/ringwall");
    std::env::var_os("RINGWALL_BIN").map_or_else(built, PathBuf::from)
}

/// The configuration file.
pub fn office(users: usize) -> String {
    let ip = SERVER.ip();
    let mut text = format!(
        "[system]\nname = \"Bench\"\ndomain = \"{ip}\"\n\n[listen]\nsip_udp = [\"{SERVER}\"]\nsip_tcp = []\nsip_tls = [\"{SECURE_SERVER}\"]\nconsole = []\n\
         media_ports = \"20000-39999\"\n\n[network]\nkernel_offload = \"off\"\n\n\
         [[address_groups]]\nname = \"Load\"\nmembers = [\"127.2.0.0/16\", \"127.4.0.0/16\"]\n\n\
         [security.guessing]\ntrusted = \"Load\"\n"
    );
    for number in numbers(users) {
        let _ = write!(
            text,
            "\n[[extensions]]\nnumber = \"{number}\"\nlines = [{{ username = \"{number}\", password = \"{PASSWORD}\" }}]\n"
        );
    }
    text
}

pub fn start(users: usize) -> Server {
    let folder = folder("ringwall");
    let file = folder.join("office.toml");
    std::fs::write(&file, office(users)).expect("a file in its folder");
    let mut command = pinned(&binary().display().to_string());
    command.arg("serve").arg("--data").arg(folder.join("data")).arg("--apply").arg(&file);
    command.env("RINGWALL_ADMIN_PASSWORD", "correct horse battery staple");
    Server::start("ringwall", folder, &mut command)
        .await_ready(|server| server.said().lines().any(|l| l == "ready"))
}

/// Starts it again in the folder that it has left.
pub fn resume(server: &mut Server) {
    let folder = std::mem::take(&mut server.folder);
    let mut command = pinned(&binary().display().to_string());
    command.arg("serve").arg("--data").arg(folder.join("data"));
    *server = Server::start("ringwall", folder, &mut command)
        .await_ready(|server| server.said().lines().any(|l| l == "ready"));
}
