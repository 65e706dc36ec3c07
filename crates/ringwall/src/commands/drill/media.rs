//! Media injection: a call between two phones of the drill, and a third address that knows the ports. Its packets must reach
//! nobody, and must not draw the call's sound to it.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::field::{ANSWER_WITHIN, Field, Halt};
use super::phone::{Message, Phone, Wish};
use super::report::{Finding, Trial, Verdict};

const CALLER: u8 = 1;
const CALLEE: u8 = 2;
const INJECTOR: u8 = 3;
/// Packets of each, 20 ms apart: a second of speech.
const PACKETS: u16 = 50;
/// Between two packets.
const PACE: Duration = Duration::from_millis(20);
/// Samples in a packet of G.711.
const SAMPLES: usize = 160;

/// One end of the call's sound: a socket, where it sends, and what it says.
struct Mouth {
    socket: UdpSocket,
    to: SocketAddr,
    says: u8,
}

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let mut caller = field.phone(CALLER)?;
    let callee = &mut field.phone(CALLEE)?;
    for (phone, canary) in [(&mut caller, field.caller()?), (&mut *callee, field.callee()?)] {
        if phone.sign_in(canary)? != 200 {
            return Err(Halt::Unable("a phone of the drill could not register".to_owned()));
        }
    }
    let sockets = [CALLER, CALLEE, INJECTOR].map(|source| net::drill::udp(field.source(source)));
    let [one, other, third] = sockets;
    let (one, other, third) = (one?, other?, third?);
    let (answer, offer) = call(field, &mut caller, callee, &one, &other)?;
    let (Some(to_one), Some(to_other)) = (sound(answer.body()), sound(offer.body())) else {
        return Err(Halt::Unable("the call's ports could not be read".to_owned()));
    };
    let one = Mouth { socket: one, to: to_one, says: 0x11 };
    let other = Mouth { socket: other, to: to_other, says: 0x22 };
    let third = Mouth { socket: third, to: to_one, says: 0xee };
    let heard = talk(field, &one, &other, &third, to_other)?;
    hang_up(&mut caller, callee, &answer)?;
    findings.push(judge(&heard));
    Ok(())
}

/// What arrived where.
struct Heard {
    one: Vec<u8>,
    other: Vec<u8>,
    third: usize,
}

/// First the injector alone, then everybody.
fn talk(field: &Field, one: &Mouth, other: &Mouth, third: &Mouth, second: SocketAddr) -> Result<Heard, Halt> {
    for socket in [&one.socket, &other.socket, &third.socket] {
        socket.set_nonblocking(true)?;
    }
    let mut heard = Heard { one: Vec::new(), other: Vec::new(), third: 0 };
    for sequence in 0..PACKETS.saturating_mul(2) {
        let both = sequence >= PACKETS;
        third.say(field, sequence, third.to)?;
        third.say(field, sequence, second)?;
        if both {
            one.say(field, sequence, one.to)?;
            other.say(field, sequence, other.to)?;
        }
        // The pace of speech; nothing is waited for.
        std::thread::sleep(PACE);
        one.listen(&mut heard.one);
        other.listen(&mut heard.other);
        let mut drawn = Vec::new();
        third.listen(&mut drawn);
        heard.third += drawn.len();
    }
    Ok(heard)
}

impl Mouth {
    /// One packet (RFC 3550 section 5.1), PCMU.
    fn say(&self, field: &Field, sequence: u16, to: SocketAddr) -> Result<(), Halt> {
        field.spend()?;
        let mut packet = vec![0x80, 0];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * 160).to_be_bytes());
        packet.extend([0xd2, 0x11, 0x11, self.says]);
        packet.extend([self.says; SAMPLES]);
        // A port that nobody listens on refuses: what is lost is counted where it should arrive.
        let _ = self.socket.send_to(&packet, to);
        Ok(())
    }

    /// The last byte of each packet that has come.
    fn listen(&self, heard: &mut Vec<u8>) {
        let mut buffer = [0; 2_048];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            heard.extend(buffer.get(..length).and_then(<[u8]>::last));
        }
    }
}

fn judge(heard: &Heard) -> Finding {
    let trial = Trial {
        step: "media injection",
        tried: "sound from a third address to both ports of a call, before and while the two phones talk"
            .to_owned(),
        expected: "it reaches neither phone, and the call's sound is not sent to it",
        cure: "please report this: a call's sound belongs to who agreed to it",
    };
    let injected = heard.one.iter().chain(&heard.other).filter(|said| **said == 0xee).count();
    let talked = heard.one.contains(&0x22) && heard.other.contains(&0x11);
    match (injected, heard.third, talked) {
        (0, 0, true) => trial.found(
            Verdict::Held,
            format!(
                "the phones heard each other ({} and {} packets) and nobody else",
                heard.one.len(),
                heard.other.len()
            ),
        ),
        (0, 0, false) => trial.found(Verdict::NotTested, "the two phones did not hear each other"),
        (injected, drawn, _) => trial.found(
            Verdict::GotThrough,
            format!("{injected} foreign packets reached a phone, {drawn} packets of the call went elsewhere"),
        ),
    }
}

/// Sets the call up: the answer that the caller got, and the offer that the callee got.
fn call(
    field: &Field,
    caller: &mut Phone<'_>,
    callee: &Phone<'_>,
    one: &UdpSocket,
    other: &UdpSocket,
) -> Result<(Message, Message), Halt> {
    let (from, to) = (field.caller()?, field.callee()?);
    let wish = caller.invitation(&from.number, &to.number, describe(one)?);
    let wish = caller.signed_invitation(&wish, &from.number, from.password.expose())?;
    caller.send(wish.as_bytes())?;
    let broken = || Halt::Unable("the call between the drill's phones did not come about".to_owned());
    let offer = await_message(callee, |message| message.is_request("INVITE"))?.ok_or_else(broken)?;
    let contact = format!("Contact: <sip:{}@{}>\r\nContent-Type: application/sdp\r\n", to.number, callee.at);
    callee.send(offer.answer(200, &contact, &describe(other)?).as_bytes())?;
    let answered = |message: &Message| message.status() == 200 && message.header("CSeq").ends_with("INVITE");
    let answer = await_message(caller, answered)?.ok_or_else(broken)?;
    let via = format!("SIP/2.0/UDP {};branch=z9hG4bK-ack-{};rport", caller.at, caller.at.port());
    caller.send(caller.ack(answer.contact(), &answer, &via).as_bytes())?;
    await_message(callee, |message| message.is_request("ACK"))?.ok_or_else(broken)?;
    Ok((answer, offer))
}

/// The first message that fits, among a few.
fn await_message(phone: &Phone<'_>, fits: impl Fn(&Message) -> bool) -> Result<Option<Message>, Halt> {
    for _ in 0..8 {
        match phone.receive(ANSWER_WITHIN)? {
            Some(message) if fits(&message) => return Ok(Some(message)),
            Some(_) => {}
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn hang_up(caller: &mut Phone<'_>, callee: &Phone<'_>, answer: &Message) -> Result<(), Halt> {
    let via = format!("SIP/2.0/UDP {};branch=z9hG4bK-bye-{};rport", caller.at, caller.at.port());
    let number: u32 = answer.header("CSeq").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let bye = caller.ack(answer.contact(), answer, &via).replacen("ACK ", "BYE ", 1);
    let bye = bye.replace(&format!("CSeq: {number} ACK"), &format!("CSeq: {} BYE", number.saturating_add(1)));
    caller.send(bye.as_bytes())?;
    if let Some(bye) = await_message(callee, |message| message.is_request("BYE"))? {
        callee.send(bye.answer(200, "", "").as_bytes())?;
    }
    await_message(caller, |message| message.status() == 200).map(drop)
}

/// A description of G.711 at this socket.
fn describe(socket: &UdpSocket) -> Result<String, Halt> {
    let at = socket.local_addr()?;
    Ok(format!(
        "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
        at.ip(),
        at.port()
    ))
}

/// Where a description wants its sound.
fn sound(body: &str) -> Option<SocketAddr> {
    let value = |key: &str| body.lines().find_map(|line| line.trim_end().strip_prefix(key));
    let address = value("c=IN IP4 ")?.parse::<std::net::Ipv4Addr>().ok()?;
    let port = value("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some((address, port).into())
}

impl Phone<'_> {
    /// An INVITE that answers the challenge to itself, composed.
    fn signed_invitation(&mut self, wish: &Wish, user: &str, password: &str) -> Result<String, Halt> {
        let challenge = self.ask(wish, ANSWER_WITHIN)?;
        let unasked = || Halt::Unable("the server did not ask the drill's phone for its password".to_owned());
        let challenge = challenge.ok_or_else(unasked)?;
        self.acknowledge(wish, &challenge)?;
        let line = challenge.signed(user, password, wish.method, &wish.uri).ok_or_else(unasked)?;
        let mut again = wish.clone();
        again.more.push_str(&line);
        Ok(self.compose(&again).0)
    }
}
