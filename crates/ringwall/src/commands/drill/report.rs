//! What came of it, in plain words and as JSON.

use api::drill::Removed;
use serde::Serialize;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Held,
    /// Something got through.
    GotThrough,
    /// It could not be tried.
    NotTested,
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::GotThrough => "GOT THROUGH",
            Verdict::NotTested => "not tested",
        }
    }
}

/// One thing that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The step, one word.
    pub step: &'static str,
    /// What was tried.
    pub tried: String,
    /// What should happen.
    pub expected: String,
    /// What happened.
    pub happened: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What to do, if something got through.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cure: &'static str,
}

/// What can't be tried from the machine itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outside {
    /// What.
    pub what: &'static str,
    /// How it can be.
    pub how: &'static str,
}

/// What no drill on the machine itself can show.
pub const OUTSIDE: [Outside; 4] = [
    Outside {
        what: "the router and the outer firewall: every packet of the drill stayed on this machine",
        how: "scan your public address from another network (nmap -sU -sT -p 4021,5060,5061), and hold it against `ringwall ports`",
    },
    Outside {
        what: "packets with somebody else's address as their source: the system sends none from a socket",
        how: "ask your provider whether it drops forged sources (BCP 38); the drill borrowed and made up nonces instead",
    },
    Outside {
        what: "floods that fill the line: the drill sends a few thousand packets and stops",
        how: "a load test by agreement with your provider; its side of the line is the only place where that is stopped",
    },
    Outside {
        what: "IPv6, and the phones themselves",
        how: "repeat a scan over IPv6, and look whether the phones' own web pages can be reached from outside",
    },
];

/// The whole drill.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether all of it was gone through; else why not.
    pub ended: Option<&'static str>,
    /// Whether nothing got through.
    pub held: bool,
    /// What was tried, in order.
    pub findings: Vec<Finding>,
    /// What was not, and how to try it.
    pub outside: &'static [Outside],
    /// Packets and connections.
    pub packets: u64,
    /// How long it took.
    pub seconds: f64,
    /// What was removed at the end; `None`: the server was not there to say so.
    pub removed: Option<Removed>,
}

impl Report {
    /// In plain words.
    pub fn words(&self) -> String {
        let mut text = String::new();
        for (number, finding) in (1..).zip(&self.findings) {
            let Finding { step, tried, expected, happened, verdict, cure } = finding;
            text.push_str(&format!(
                "{number}. {step}: {}\n   tried:    {tried}\n   expected: {expected}\n   happened: {happened}\n",
                verdict.words()
            ));
            if *verdict == Verdict::GotThrough && !cure.is_empty() {
                text.push_str(&format!("   do:       {cure}\n"));
            }
        }
        text.push_str("\nCould not be tried from here:\n");
        for Outside { what, how } in self.outside {
            text.push_str(&format!("- {what}\n  {how}\n"));
        }
        text.push_str(&match &self.removed {
            Some(removed) => format!(
                "\nRemoved: {} accounts, {} registrations, {} calls, {} blocks of the drill's own addresses.\n",
                removed.accounts, removed.registrations, removed.calls, removed.blocks
            ),
            None => "\nThe server did not say what it removed; it does so by itself when the drill's connection ends.\n"
                .to_owned(),
        });
        if let Some(removed) = &self.removed
            && removed.kept > 0
        {
            text.push_str(&format!(
                "{} blocks stay, as an administrator's own block covers them.\n",
                removed.kept
            ));
        }
        text.push_str(&format!("{} packets in {:.0} seconds.\n", self.packets, self.seconds));
        text.push_str(&self.conclusion());
        text.push('\n');
        text
    }

    /// One sentence.
    pub fn conclusion(&self) -> String {
        let through = self.count(Verdict::GotThrough);
        if let Some(why) = self.ended {
            return format!("The drill did not come to its end: {why}. What it made is removed.");
        }
        match (through, self.count(Verdict::NotTested)) {
            (0, 0) => "Nothing got through.".to_owned(),
            (0, skipped) => format!("Nothing got through; {skipped} could not be tested."),
            (1, _) => "1 attack got through; look above for what to do.".to_owned(),
            (many, _) => format!("{many} attacks got through; look above for what to do."),
        }
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

/// Something about to be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The step, one word.
    pub step: &'static str,
    /// What is tried.
    pub tried: String,
    /// What should happen.
    pub expected: &'static str,
    /// What to do, if something gets through.
    pub cure: &'static str,
}

impl Trial {
    /// It was tried: whether it held, and what happened.
    pub fn found(self, verdict: Verdict, happened: impl Into<String>) -> Finding {
        let Trial { step, tried, expected, cure } = self;
        Finding { step, tried, expected: expected.to_owned(), happened: happened.into(), verdict, cure }
    }

    /// Held, with what happened; or got through, with what happened instead.
    pub fn judged(self, outcome: Result<String, String>) -> Finding {
        match outcome {
            Ok(happened) => self.found(Verdict::Held, happened),
            Err(happened) => self.found(Verdict::GotThrough, happened),
        }
    }
}
