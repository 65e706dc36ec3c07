//! A softphone without a desk: baresip plays a tone into the call, records what it hears, and is operated by its
//! control port.

use crate::config::password_of;
use crate::control::Control;
use crate::ear::{self, Ear};
use crate::place::{self, Place};
use crate::process::{Process, bound_to_us};
use crate::raw::Message;
use crate::tone::{Peak, Recording};
use crate::wait;
use crate::way::Transport;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

const MODULES: &str = "/usr/lib/baresip/modules";
/// How far a decoded tone may lie from what was played, in Hz: two bins of the spectrum.
const TOLERANCE: f32 = 8.0;
/// A tone quieter than this (dB below full scale) was not passed whole.
const QUIETEST: f32 = -30.0;

/// How to start one.
pub struct Setup {
    number: String,
    server: SocketAddr,
    transport: Transport,
    codec: &'static str,
    tone: u32,
    address: IpAddr,
    sip_port: u16,
    control_port: u16,
    namespace: Option<String>,
    answer: &'static str,
    authority: Option<PathBuf>,
}

/// A running phone.
pub struct Baresip {
    /// Its number.
    pub number: String,
    /// Where it listens.
    pub address: IpAddr,
    server: SocketAddr,
    place: Place,
    process: Process,
    control: Control,
}

impl Setup {
    /// SIP over TCP rather than UDP.
    pub fn over_tcp(self) -> Self {
        self.over(Transport::Tcp)
    }

    /// SIP over this transport.
    pub fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Trusts the servers that this authority's certificate vouches for.
    pub fn trusting(mut self, authority: &Path) -> Self {
        self.authority = Some(authority.into());
        self
    }

    /// Offers only this codec (`PCMA/8000/1`, `G722/16000/1`, `opus/48000/2`).
    pub fn speaking(mut self, codec: &'static str) -> Self {
        self.codec = codec;
        self
    }

    /// Plays a tone of so many hertz.
    pub fn playing(mut self, hertz: u32) -> Self {
        self.tone = hertz;
        self
    }

    /// Rings until told otherwise; by default it answers at once.
    pub fn answering_by_hand(mut self) -> Self {
        self.answer = "manual";
        self
    }

    /// Lives in a network namespace at this address.
    pub fn within(mut self, namespace: &str, address: Ipv4Addr) -> Self {
        self.namespace = Some(namespace.into());
        self.address = address.into();
        self.sip_port = 5060;
        self
    }

    /// Starts it and waits until it has registered.
    pub fn start(self) -> Baresip {
        let mut phone = self.start_unregistered();
        phone.process.expect_output("} 200 OK");
        phone
    }

    /// Starts it without waiting for its registration.
    pub fn start_unregistered(self) -> Baresip {
        let place = Place::new("baresip");
        std::fs::create_dir(place.join("heard")).expect("a folder for the recordings");
        place.write("config", &self.config(&place));
        place.write("accounts", &self.account());
        place.write("contacts", "");
        let folder = place.path().to_string_lossy().into_owned();
        let version = if self.address.is_ipv6() { "-6" } else { "-4" };
        // With its SIP messages on its output, for Baresip::replaces and for a failure's report.
        let words = ["baresip", "-s", version, "-f", &folder];
        let process = match &self.namespace {
            None => Process::start("baresip", words[0], &words[1..]),
            Some(name) => {
                let mut command = bound_to_us("ip");
                command.args(["netns", "exec", name]).args(words);
                Process::spawn("baresip", command)
            }
        };
        let control = SocketAddr::from((self.address, self.control_port));
        let control = match &self.namespace {
            None => Control::connect(control)
                .unwrap_or_else(|| panic!("baresip does not listen at {control}\n{}", process.last_words())),
            Some(name) => Control::over(crate::netns::connect(name, control)),
        };
        Baresip { number: self.number, address: self.address, server: self.server, place, process, control }
    }

    fn config(&self, place: &Place) -> String {
        let Self { address, tone, .. } = self;
        let (first_port, last_port) = (ear::PORTS.start(), ear::PORTS.end());
        let sip = SocketAddr::new(*address, self.sip_port);
        let control = SocketAddr::new(*address, self.control_port);
        let heard = place.join("heard");
        let heard = heard.display();
        let authority = self.authority.as_ref().map(|path| format!("sip_cafile {}\n", path.display()));
        let authority = authority.unwrap_or_default();
        format!(
            "poll_method epoll\nsip_listen {sip}\nnet_interface {address}\naudio_source ausine,{tone}\n\
             ausrc_srate 48000\nauplay_srate 48000\nausrc_channels 2\nauplay_channels 2\nrtp_ports {first_port}-{last_port}\n\
             module_path {MODULES}\nmodule g711.so\nmodule g722.so\nmodule opus.so\nmodule ausine.so\nmodule sndfile.so\n\
             snd_path {heard}\nmodule_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen {control}\n{authority}"
        )
    }

    fn account(&self) -> String {
        let Self { number, server, transport, codec, answer, .. } = self;
        let (password, transport) = (password_of(number), transport.parameter());
        format!(
            "<sip:{number}@{server};transport={transport}>;auth_user={number};auth_pass={password};\
             audio_codecs={codec};answermode={answer};regint=60\n"
        )
    }
}

impl Baresip {
    /// A phone for this extension at this server: UDP, A-law, 1 kHz, answering at once. It lives at 127.0.0.1 or ::1, as
    /// the server does, with ports of its own: its audio leaves from there whatever address it is told to use, and a
    /// server rightly refuses audio from another address than was agreed.
    pub fn phone(number: &str, server: impl Into<SocketAddr>) -> Setup {
        let server = server.into();
        Setup {
            number: number.into(),
            server,
            transport: Transport::Udp,
            codec: "PCMA/8000/1",
            tone: 1000,
            address: if server.is_ipv6() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() },
            sip_port: place::free_port(),
            control_port: place::free_port(),
            namespace: None,
            answer: "auto",
            authority: None,
        }
    }

    /// Calls a number and waits until it is answered.
    pub fn call(&mut self, number: &str) {
        self.dial(number);
        self.expect_event("CALL_ESTABLISHED");
    }

    /// Calls a number.
    pub fn dial(&mut self, number: &str) {
        let target = format!("sip:{number}@{}", self.server);
        self.control.command("dial", &target);
    }

    /// Takes the call that rings.
    pub fn answer(&mut self) {
        self.control.command("accept", "");
    }

    /// Puts the other side on hold.
    pub fn hold(&mut self) {
        self.control.command("hold", "");
    }

    /// Takes the other side back.
    pub fn resume(&mut self) {
        self.control.command("resume", "");
    }

    /// Presses a key during the call.
    pub fn press(&mut self, key: &str) {
        self.control.command("sndcode", key);
    }

    /// Sends the other side of its call on to this number.
    pub fn transfer(&mut self, number: &str) {
        let target = format!("sip:{number}@{}", self.server);
        self.control.command("transfer", &target);
    }

    /// Connects the other side of its call with that of its other call, the one to this number. This baresip has no
    /// command for it, but refers to whatever URI it is given.
    pub fn transfer_attended(&mut self, number: &str) {
        let replaces = self.replaces(number).replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
        let target = format!("<sip:{number}@{}?Replaces={replaces}>", self.server);
        self.control.command("transfer", &target);
    }

    /// Its last call to this number as another call's Replaces names it (RFC 3891 section 3): from the answer to its
    /// INVITE, as it traced it.
    pub fn replaces(&self, number: &str) -> String {
        let said = self.process.stdout();
        let messages =
            said.split("SIP/2.0 200 OK").skip(1).map(|text| Message(format!("SIP/2.0 200 OK{text}")));
        let of_this_call = |m: &Message| {
            let invite = m.header("CSeq").is_some_and(|v| v.ends_with("INVITE"));
            invite && m.header("To").is_some_and(|to| to.contains(&format!("sip:{number}@")))
        };
        let answer = messages.filter(of_this_call).last().unwrap_or_else(|| panic!("no call to {number}"));
        let field = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        let tag =
            |name: &str| field(name).rsplit_once(";tag=").map(|(_, tag)| tag.to_owned()).unwrap_or_default();
        format!("{};to-tag={};from-tag={}", field("Call-ID"), tag("To"), tag("From"))
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        self.control.command("hangup", "");
    }

    /// The events of this type so far.
    pub fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        self.control.events(kind)
    }

    /// Waits for an event of this type.
    pub fn expect_event(&self, kind: &str) {
        self.expect_events(kind, 1);
    }

    /// Waits until there were so many events of this type.
    pub fn expect_events(&self, kind: &str, count: usize) {
        let seen = wait::within(wait::PATIENCE, || (self.control.events(kind).len() >= count).then_some(()));
        assert!(
            seen.is_some(),
            "{}: {count} {kind}? only: {}\n{}",
            self.number,
            self.control.story(),
            self.process.last_words()
        );
    }

    /// Waits until these keys were heard, in order.
    pub fn expect_keys(&self, keys: &str) {
        let mut heard = String::new();
        let all = wait::within(wait::PATIENCE, || {
            let events = self.control.events("CALL_DTMF_START");
            heard = events.iter().filter_map(|e| e["param"].as_str()).collect();
            (heard == keys).then_some(())
        });
        assert!(all.is_some(), "{}: keys {heard:?} instead of {keys:?}", self.number);
    }

    /// An ear at its audio ports: for calls with a hold, after which its own recorder hears nothing more.
    pub fn ear(&self) -> Ear {
        Ear::at(self.process.pid())
    }

    /// Waits until half a second that it records from now on is a tone of so many hertz.
    pub fn expect_tone(&self, hertz: u32) {
        let before: HashMap<PathBuf, usize> =
            self.recordings().into_iter().map(|path| (path.clone(), length(&path))).collect();
        let mut last: Option<Peak> = None;
        let found = wait::within(wait::PATIENCE, || {
            let path = self.recordings().pop()?;
            let mut recording = Recording::read(&path)?;
            let old = before.get(&path).copied().unwrap_or_default();
            recording.samples.drain(..old.min(recording.samples.len()));
            last = recording.last_peak();
            let peak = last?;
            let right = (peak.frequency - hertz as f32).abs() <= TOLERANCE && peak.level_db >= QUIETEST;
            right.then_some(())
        });
        assert!(
            found.is_some(),
            "{}: {last:?} instead of {hertz} Hz\n{}",
            self.number,
            self.process.last_words()
        );
    }

    fn recordings(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.place.join("heard")).expect("its folder");
        let mut files: Vec<_> = files.filter_map(|f| Some(f.ok()?.path())).collect();
        files.retain(|path| path.to_string_lossy().ends_with("-dec.wav"));
        files.sort();
        files
    }
}

/// Samples in a recording.
fn length(path: &Path) -> usize {
    Recording::read(path).map_or(0, |recording| recording.samples.len())
}
