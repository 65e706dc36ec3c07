//! An office: the configuration file a test starts with, written against the contract of `ringwall apply`.

use std::fmt::Write;

/// One extension with one line of the same name.
#[derive(Clone)]
pub struct Extension {
    /// The number, and the SIP user name.
    pub number: String,
    /// Behind NAT.
    pub nat: bool,
    /// Which digests its line may answer with.
    pub digest: String,
    /// Further keys, as TOML lines.
    pub more: String,
}

/// What is applied.
#[derive(Clone, Default)]
pub struct Office {
    /// The people's phones.
    pub extensions: Vec<Extension>,
    /// Further sections, as TOML.
    pub more: String,
    /// The `[listen]` section's lines; filled in by [`crate::Pbx`] when empty.
    pub listen: String,
    /// Further lines of `[system]`.
    pub system: String,
    /// The SIP domain; the server's address when empty.
    pub domain: String,
}

impl Office {
    /// Extensions `first`, `first + 1`, ... `count` of them.
    pub fn of(first: u32, count: u32) -> Self {
        let extensions = (first..first + count)
            .map(|number| Extension {
                number: number.to_string(),
                nat: false,
                digest: "both".into(),
                more: String::new(),
            })
            .collect();
        Self { extensions, ..Self::default() }
    }

    /// Adds TOML lines to one extension.
    pub fn with(mut self, number: &str, lines: &str) -> Self {
        let extension =
            self.extensions.iter_mut().find(|e| e.number == number).expect("an extension of this office");
        writeln!(extension.more, "{lines}").expect("text");
        self
    }

    /// All lines are challenged with MD5 alone. libre 1 and 2 (baresip as distributions ship it) give up a 401 that holds
    /// a SHA-256 challenge anywhere, even behind one they could answer.
    pub fn with_old_phones(mut self) -> Self {
        self.extensions.iter_mut().for_each(|e| e.digest = "md5".into());
        self
    }

    /// Marks one extension as being behind NAT.
    pub fn behind_nat(mut self, number: &str) -> Self {
        self.extensions.iter_mut().filter(|e| e.number == number).for_each(|e| e.nat = true);
        self
    }

    /// The file.
    pub fn toml(&self) -> String {
        let mut text = String::new();
        writeln!(text, "[system]\nname = \"Black box\"\ndomain = \"{}\"\n{}", self.domain, self.system)
            .expect("text");
        // The table inet ringwall is one for the whole machine, and tests run side by side; where it is not asked for, what
        // the process does alone is tested.
        if !self.more.contains("[network]") {
            text.push_str("[network]\nkernel_offload = \"off\"\n");
        }
        if !self.listen.is_empty() {
            writeln!(text, "[listen]\n{}", self.listen).expect("text");
        }
        text.push_str(&self.more);
        text.push_str(&self.extensions_toml());
        text
    }

    /// Only the extensions' section.
    pub fn extensions_toml(&self) -> String {
        let mut text = String::new();
        for Extension { number, nat, digest, more } in &self.extensions {
            writeln!(
                text,
                "\n[[extensions]]\nnumber = \"{number}\"\nnat = {nat}\n{more}lines = [{{ username = \"{number}\", password = \"{}\", digest = \"{digest}\" }}]",
                password_of(number)
            )
            .expect("text");
        }
        text
    }
}

/// The password of an extension in tests: strong in form, and known to all who need it.
pub fn password_of(number: &str) -> String {
    let letters: String = number.bytes().map(|b| char::from(b'g' + b % 16)).collect();
    format!("gWq8-vTzR-31xK-{letters}-Lm7p")
}
