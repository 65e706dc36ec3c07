//! Floods: a few thousand packets from a few addresses, while a phone of the drill registers again and again.

use std::sync::atomic::{AtomicBool, Ordering};

use super::field::{Field, Halt};
use super::report::{Finding, Trial};

/// Who floods, each with something else.
const FLOODERS: [u8; 4] = [50, 51, 52, 53];
/// Whose phone registers meanwhile.
const PHONE: u8 = 54;
/// Packets of each flooder: enough to use up what one address may ask at once.
const PACKETS: usize = 1_000;
/// Registrations meanwhile.
const REGISTRATIONS: usize = 8;

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let account = field.caller()?;
    // Known before, as an office's phones are: strangers come after them (SPEC R4.17).
    if field.phone(PHONE)?.sign_in(account)? != 200 {
        return Err(Halt::Unable("a phone of the drill could not register".to_owned()));
    }
    let over = AtomicBool::new(false);
    let (sent, registered) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| pour(field, &over));
        let mut good = 0;
        let outcome = (0..REGISTRATIONS).try_for_each(|_| {
            good += usize::from(field.phone(PHONE)?.register(account)? == 200);
            Ok::<(), Halt>(())
        });
        over.store(outcome.is_err(), Ordering::Relaxed);
        let sent = flood.join().unwrap_or_else(|_| Err(Halt::Unable("the flood broke off".to_owned())))?;
        outcome.map(|()| (sent, good))
    })?;
    findings.push(
        Trial {
            step: "floods",
            tried: format!(
                "{sent} packets (REGISTER, INVITE, OPTIONS, garbage) from {} addresses, as fast as they go",
                FLOODERS.len()
            ),
            expected: "a phone registers meanwhile, every time",
            cure: "look at `ringwall status` for what is shed, and at this machine's load",
        }
        .judged(if registered == REGISTRATIONS {
            Ok(format!("all {REGISTRATIONS} registrations succeeded"))
        } else {
            Err(format!("{registered} of {REGISTRATIONS} registrations succeeded"))
        }),
    );
    Ok(())
}

/// Sends until it is enough, or over: how many packets.
fn pour(field: &Field, over: &AtomicBool) -> Result<usize, Halt> {
    let name = field.nobody(7);
    let mut phones = Vec::new();
    for source in FLOODERS {
        phones.push(field.phone(source)?);
    }
    let mut sent = 0;
    for _ in 0..PACKETS {
        for (kind, phone) in phones.iter_mut().enumerate() {
            if over.load(Ordering::Relaxed) {
                return Ok(sent);
            }
            let wish = match kind {
                0 => phone.registration(&name, 120),
                1 => phone.invitation("flood", &name, String::new()),
                _ => super::phone::Wish { method: "OPTIONS", ..phone.registration(&name, 120) },
            };
            let text = if kind == 3 { "garbage".repeat(40) } else { phone.compose(&wish).0 };
            // What the system does not take any more is no packet of ours.
            match phone.send(text.as_bytes()) {
                Ok(()) => sent += 1,
                Err(Halt::Unable(_)) => {}
                Err(ended) => return Err(ended),
            }
        }
    }
    Ok(sent)
}
