//! Two people who talk while something fails.

use blackbox::{Baresip, Pbx, wait};

/// Two registered phones of extensions 101 and 102.
pub struct Pair {
    one: Baresip,
    other: Baresip,
}

impl Pair {
    /// Registers them.
    pub fn of(pbx: &Pbx) -> Self {
        let one = Baresip::phone("101", pbx.sip).playing(1000).start();
        let other = Baresip::phone("102", pbx.sip).playing(1600).start();
        pbx.expect_registrations(2);
        Self { one, other }
    }

    /// A call from 101 to 102 that both hear.
    pub fn talk(&mut self) {
        self.one.call("102");
        self.hear();
    }

    /// Each hears now what the other plays.
    pub fn hear(&self) {
        self.one.ear().expect_tone(1600);
        self.other.ear().expect_tone(1000);
    }

    /// 101 hangs up.
    pub fn hang_up(&mut self) {
        let before = self.other.events("CALL_CLOSED").len();
        self.one.hang_up();
        self.other.expect_events("CALL_CLOSED", before + 1);
    }
}

/// Waits until a line of this log has the text.
pub fn expect_logged(pbx: &Pbx, log: &str, text: &str) {
    wait::until(&format!("{text:?} in the log {log}"), || {
        pbx.run(&["log", log]).stdout.contains(text).then_some(())
    });
}

/// Waits until nothing is in trouble.
pub fn expect_no_trouble(pbx: &Pbx) {
    wait::until("no trouble", || pbx.status()["troubles"].as_array()?.is_empty().then_some(()));
}
