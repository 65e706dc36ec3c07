//! Two calls of people who never stop talking: each packet has a number, so what is lost is known exactly.

use blackbox::RawPhone;
use blackbox::call::Call;
use blackbox::wait;
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One packet's time.
const FRAME: Duration = Duration::from_millis(20);
/// RTP header and 160 samples.
const PACKET: usize = 172;
/// Those who talk; each hears his neighbour.
const ENDS: usize = 4;
/// What is on its way may take so long to arrive before it counts as lost; nobody would listen to it any more.
const LINGER: Duration = Duration::from_secs(2);

/// A call, seen from both phones.
pub struct Pair {
    /// The phones: who called and who was called.
    pub phones: [RawPhone; 2],
    calling: Call,
}

impl Pair {
    /// A call between two registered phones that are not in one.
    pub fn talk(mut phones: [RawPhone; 2]) -> (Self, [SocketAddrV4; 2]) {
        let [one, other] = &mut phones;
        let mut calling = one.dial(&other.number, "");
        let called = other.ring();
        other.take(&called);
        let answer = one.expect_answer(&mut calling);
        let ports = [answer.audio(), called.invite.audio()];
        (Self { phones, calling }, ports)
    }

    /// Who called hangs up, and hears that the server agrees: the call was alive.
    pub fn hang_up(&mut self) {
        let [one, other] = &mut self.phones;
        assert_eq!(one.ask_inside(&mut self.calling, "BYE", "", "").status(), 200);
        other.agree(&other.expect_request("BYE"));
    }
}

/// Of one frame: a bit for each end that sent its packet, and for each whose packet was heard.
#[derive(Clone, Copy, Default)]
struct Frame {
    sent: u8,
    heard: u8,
}

/// What was sent and did not arrive.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// Packets sent.
    pub sent: u32,
    /// Packets of these that nobody heard.
    pub lost: u32,
}

/// People who talk until this is dropped.
pub struct Talk {
    frames: Arc<Mutex<Vec<Frame>>>,
    halt: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Where Ringwall takes the audio of each.
    pub ports: [SocketAddrV4; ENDS],
}

impl Talk {
    /// They begin; returns when each hears the other.
    pub fn begin(pairs: [&Pair; 2], ports: [SocketAddrV4; ENDS]) -> Self {
        let sockets = [0, 1, 2, 3].map(|end: usize| {
            let phone = &pairs[end / 2].phones[end % 2];
            let socket = UdpSocket::bind((*phone.address.ip(), 4_000)).expect("as the phone's offer says");
            socket.set_nonblocking(true).expect("a socket");
            socket
        });
        let (frames, halt) = (Arc::<Mutex<Vec<Frame>>>::default(), Arc::<AtomicBool>::default());
        let (ledger, stopped) = (frames.clone(), halt.clone());
        let thread = std::thread::spawn(move || {
            let mut due = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                say(&sockets, ports, &ledger);
                listen(&sockets, &ledger);
                // Who was kept from running goes on from here: a burst would be no speech.
                due = (due + FRAME).max(Instant::now());
                std::thread::sleep(due.saturating_duration_since(Instant::now()).min(FRAME));
            }
        });
        let talk = Self { frames, halt, thread: Some(thread), ports };
        wait::until("all to hear each other", || {
            let frames = talk.frames.lock().expect("they talk");
            frames.iter().rev().take(20).any(|frame| frame.heard == 0b1111).then_some(())
        });
        talk
    }

    /// The number of the frame that comes next.
    pub fn now(&self) -> usize {
        self.frames.lock().expect("they talk").len()
    }

    /// What was lost of the frames from `first` until now.
    pub fn lost_since(&self, first: usize) -> Loss {
        let last = self.now();
        let count = || {
            let frames = self.frames.lock().expect("they talk");
            let window = frames.get(first..last).unwrap_or_default();
            let sent = window.iter().map(|frame| frame.sent.count_ones()).sum();
            let lost = window.iter().map(|frame| (frame.sent & !frame.heard).count_ones()).sum();
            Loss { sent, lost }
        };
        wait::within(LINGER, || Some(count()).filter(|loss| loss.lost == 0)).unwrap_or_else(count)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.halt.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn say(sockets: &[UdpSocket; ENDS], ports: [SocketAddrV4; ENDS], ledger: &Mutex<Vec<Frame>>) {
    let mut frames = ledger.lock().expect("nobody fails with it");
    let number = frames.len();
    let mut sent = 0;
    for (end, (socket, port)) in sockets.iter().zip(ports).enumerate() {
        let mut packet = [0xd5; PACKET];
        packet[..2].copy_from_slice(&[0x80, 8]);
        packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(number as u32).wrapping_mul(160).to_be_bytes());
        packet[8..12].copy_from_slice(&(end as u32 + 1).to_be_bytes());
        packet[12..16].copy_from_slice(&(number as u32).to_be_bytes());
        packet[16] = end as u8;
        sent |= u8::from(socket.send_to(&packet, port).is_ok()) << end;
    }
    frames.push(Frame { sent, heard: 0 });
}

fn listen(sockets: &[UdpSocket; ENDS], ledger: &Mutex<Vec<Frame>>) {
    let mut packet = [0; 2_048];
    for (end, socket) in sockets.iter().enumerate() {
        while let Ok(length) = socket.recv(&mut packet) {
            let number = u32::from_be_bytes(packet[12..16].try_into().expect("four bytes")) as usize;
            // Only what the neighbour said; whatever else came would be somebody's who broke in.
            assert!(
                length == PACKET && usize::from(packet[16]) == end ^ 1,
                "a stranger is heard in the call"
            );
            if let Some(frame) = ledger.lock().expect("nobody fails with it").get_mut(number) {
                frame.heard |= 1 << (end ^ 1);
            }
        }
    }
}
