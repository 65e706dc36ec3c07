//! A stand-in for the server: Kamailio as registrar and proxy, so that the drivers of phones are themselves proved
//! against something that is known to work. When these tests and the real ones fail together, look at the driver.

use crate::config::password_of;
use crate::place::{self, Place};
use crate::process::{Farewell, Process};
use std::fmt::Write;
use std::net::SocketAddrV4;

/// A running Kamailio.
pub struct Kamailio {
    /// Where it listens, UDP and TCP.
    pub sip: SocketAddrV4,
    _process: Process,
    _place: Place,
}

impl Kamailio {
    /// Starts one that knows these extensions by their usual passwords.
    pub fn start(numbers: &[&str]) -> Self {
        let (sip, place) = (place::sip_address(), Place::new("kamailio"));
        let mut users = String::new();
        for number in numbers {
            writeln!(users, "    $sht(users=>{number}) = \"{}\";", password_of(number)).expect("text");
        }
        let config = CONFIG.replace("@LISTEN@", &sip.to_string()).replace("@USERS@", &users);
        let file = place.write("kamailio.cfg", &config);
        let (file, folder) = (file.display().to_string(), place.path().display().to_string());
        let pid = place.join("pid").display().to_string();
        let words = ["-DD", "-E", "-f", &file, "-Y", &folder, "-P", &pid];
        let process = Process::start("kamailio", "kamailio", words).farewell(Farewell::Terminate);
        let mut knock = crate::RawPhone::new("knock", sip);
        crate::wait::until("Kamailio answers", || {
            let uri = format!("sip:{sip}");
            let more = String::new();
            let request = crate::raw::Request {
                method: "OPTIONS",
                uri,
                from: "knock",
                to: "knock",
                more,
                body: String::new(),
            };
            let text = knock.compose(&request);
            knock.send(&text);
            knock.receive_within(std::time::Duration::from_millis(200))
        });
        Self { sip, _process: process, _place: place }
    }
}

const CONFIG: &str = include_str!("kamailio.cfg");
