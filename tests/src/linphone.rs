//! Another softphone without a desk: linphonec plays a file into the call, records what it hears into another, and is
//! operated by its standard input.

use crate::config::password_of;
use crate::place::{self, Place};
use crate::process::{Process, bound_to_us};
use crate::tone::{Peak, Recording, sine};
use crate::wait;
use crate::way::Transport;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// How far a decoded tone may lie from what was played, in Hz.
const TOLERANCE: f32 = 8.0;
/// A tone quieter than this (dB below full scale) was not passed whole.
const QUIETEST: f32 = -30.0;
/// Samples a second of what it records in a G.711 call.
const RATE: u32 = 8000;
/// It plays its file once, so that must outlast the call: seconds.
const PLAYS_FOR: u32 = 120;

/// How to start one.
pub struct Setup {
    number: String,
    server: SocketAddr,
    transport: Transport,
    tone: u32,
    authority: Option<PathBuf>,
    name: Option<&'static str>,
}

/// A running phone.
pub struct Linphone {
    /// Its number.
    pub number: String,
    server: String,
    place: Place,
    process: Process,
}

impl Setup {
    /// SIP over this transport.
    pub fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Trusts the servers that this authority's certificate vouches for, and no others.
    pub fn trusting(mut self, authority: &Path) -> Self {
        self.authority = Some(authority.into());
        self
    }

    /// Knows the server by this name rather than by its address: this Linphone finds no address in a certificate.
    pub fn knowing(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Plays a tone of so many hertz.
    pub fn playing(mut self, hertz: u32) -> Self {
        self.tone = hertz;
        self
    }

    /// Starts it; it registers by itself.
    pub fn start(self) -> Linphone {
        let place = Place::new("linphone");
        let rc = place.write("linphonerc", &self.settings());
        sine(self.tone, PLAYS_FOR).write(&place.join("played.wav"));
        let mut command = bound_to_us("linphonec");
        // Its database goes to its home.
        std::fs::create_dir_all(place.join(".local/share/linphone")).expect("a folder for its database");
        command
            .args(["-S", "-d", "5", "-l"])
            .arg(place.join("log"))
            .arg("-c")
            .arg(rc)
            .env("HOME", place.path());
        let process = Process::spawn_asking("linphonec", command);
        let mut phone = Linphone { number: self.number.clone(), server: self.host(), place, process };
        let (played, heard) = (phone.place.join("played.wav"), phone.place.join("heard.wav"));
        phone.say("soundcard use files");
        phone.say(&format!("play {}", played.display()));
        phone.say(&format!("record {}", heard.display()));
        phone
    }

    /// Name or address, and port.
    fn host(&self) -> String {
        let port = self.server.port();
        self.name.map_or_else(|| self.server.to_string(), |name| format!("{name}:{port}"))
    }

    fn settings(&self) -> String {
        let Self { number, server, transport, .. } = self;
        let host = self.host();
        let realm = self.name.map_or_else(|| server.ip().to_string(), Into::into);
        let here = match server.is_ipv6() {
            true => IpAddr::from(Ipv6Addr::LOCALHOST),
            false => Ipv4Addr::LOCALHOST.into(),
        };
        let me = SocketAddr::new(here, place::free_port());
        let (port, tls_port, password) = (me.port(), place::free_port(), password_of(number));
        let authority = self.authority.as_ref().map(|path| format!("root_ca={}\n", path.display()));
        format!(
            "[sip]\nsip_port={port}\nsip_tcp_port={port}\nsip_tls_port={tls_port}\nbind_address={here}\n\
             use_ipv6={}\nguess_hostname=0\ncontact=sip:{number}@{me}\nverify_server_certs=1\nverify_server_cn=1\n{}\n\
             [net]\nmtu=1300\n\n[rtp]\naudio_rtp_port=21000-21999\n\n[sound]\nechocancellation=0\n\n\
             [auth_info_0]\nusername={number}\nuserid={number}\npasswd={password}\nrealm={realm}\n\n\
             [proxy_0]\nreg_proxy=<sip:{host};transport={}>\nreg_identity=sip:{number}@{host}\nreg_expires=600\n\
             reg_sendregister=1\npublish=0\n",
            u8::from(server.is_ipv6()),
            authority.unwrap_or_default(),
            transport.parameter()
        )
    }
}

impl Linphone {
    /// A phone for this extension at this server: UDP, 1 kHz.
    pub fn phone(number: &str, server: impl Into<SocketAddr>) -> Setup {
        let number = number.into();
        Setup {
            number,
            server: server.into(),
            transport: Transport::Udp,
            tone: 1000,
            authority: None,
            name: None,
        }
    }

    /// Calls a number and waits until it is answered.
    pub fn call(&mut self, number: &str) {
        let target = format!("call sip:{number}@{}", self.server);
        self.say(&target);
        self.process.expect_output("connected");
    }

    /// Waits for a call and takes it.
    pub fn answer(&mut self) {
        self.process.expect_output("Receiving new incoming call");
        self.say("answer");
    }

    /// Waits until it has refused the server's certificate, by its log.
    pub fn expect_distrust(&self) {
        wait::until("linphone refuses the certificate", || {
            let log = std::fs::read_to_string(self.place.join("log")).ok()?;
            log.contains("Certificate verification failed").then_some(())
        });
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        self.say("terminate");
    }

    /// Waits until its call is over.
    pub fn expect_end(&mut self) {
        self.process.expect_output("ended");
    }

    /// Waits until half a second that it records from now on is a tone of so many hertz.
    pub fn expect_tone(&self, hertz: u32) {
        let heard = || Recording::read_unfinished(&self.place.join("heard.wav"), RATE);
        let old = heard().map_or(0, |recording| recording.samples.len());
        let mut last: Option<Peak> = None;
        let found = wait::within(wait::PATIENCE, || {
            let mut recording = heard()?;
            recording.samples.drain(..old.min(recording.samples.len()));
            last = recording.last_peak();
            let peak = last?;
            ((peak.frequency - hertz as f32).abs() <= TOLERANCE && peak.level_db >= QUIETEST).then_some(())
        });
        assert!(
            found.is_some(),
            "{}: {last:?} instead of {hertz} Hz\n{}",
            self.number,
            self.process.last_words()
        );
    }

    fn say(&mut self, line: &str) {
        self.process.say(line);
    }
}
