//! Strangers: who calls or registers without a password, and who may only come encrypted but comes in clear.

use super::field::{ANSWER_WITHIN, Field, Halt};
use super::report::{Finding, Trial};

/// Who has no password.
const STRANGER: u8 = 70;
/// Who comes in clear.
const CLEAR: u8 = 71;
/// The callee's phone.
const CALLEE: u8 = 72;
/// A number outside that nobody has: country code 999 is assigned to nobody.
const OUTSIDE: &str = "00999555010";

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let (caller, callee) = (field.caller()?, field.callee()?);
    let mut rings = field.phone(CALLEE)?;
    if rings.sign_in(callee)? != 200 {
        return Err(Halt::Unable("a phone of the drill could not register".to_owned()));
    }
    let mut stranger = field.phone(STRANGER)?;
    for (what, from, number) in [
        ("an inside number", "stranger", callee.number.as_str()),
        ("an inside number, in an extension's name", caller.number.as_str(), callee.number.as_str()),
        ("an outside number", "stranger", OUTSIDE),
        ("an outside number, in an extension's name", caller.number.as_str(), OUTSIDE),
    ] {
        let wish = stranger.invitation(from, number, String::new());
        let answer = stranger.ask(&wish, ANSWER_WITHIN)?;
        let rang = rings.hears_nothing()?.is_some();
        findings.push(
            Trial {
                step: "calls without a password",
                tried: format!("a call to {what}, without a password"),
                expected: "it is refused, and no phone rings",
                cure: "please report this: nobody calls without a password",
            }
            .judged(match answer.map_or(0, |answer| answer.status()) {
                _ if rang => Err("the phone rang".to_owned()),
                0 => Ok("no answer; no phone rang".to_owned()),
                status @ 400.. => Ok(format!("refused with {status}; no phone rang")),
                status => Err(format!("answered {status}")),
            }),
        );
    }
    let answer = stranger.ask(&stranger.registration(&caller.number, 120), ANSWER_WITHIN)?;
    findings.push(
        Trial {
            step: "registrations without a password",
            tried: "a registration of an extension, without a password".to_owned(),
            expected: "it is refused",
            cure: "please report this: nobody registers without a password",
        }
        .judged(refused(answer.map_or(0, |answer| answer.status()))),
    );
    let status = field.phone(CLEAR)?.register(field.encrypted()?)?;
    findings.push(
        Trial {
            step: "unencrypted sign-in",
            tried: "a registration over UDP, with the right password, of an extension that must encrypt"
                .to_owned(),
            expected: "it is refused",
            cure: "please report this: encryption = \"required\" must hold",
        }
        .judged(refused(status)),
    );
    Ok(())
}

fn refused(status: u16) -> Result<String, String> {
    match status {
        0 => Ok("no answer".to_owned()),
        status @ 400.. => Ok(format!("refused with {status}")),
        status => Err(format!("answered {status}")),
    }
}
