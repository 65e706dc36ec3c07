//! Reading typed records from a [`Value`] tree: the `Schema` trait, what texts and numbers need, and `section!`,
//! which makes a record's reader and writer from one list of its keys.
//!
//! That list is the schema; TOML, JSON and export are views of it. Not here: the sections themselves (`schema`).

use super::problem::{Findings, nearest};
use super::value::{Data, Place, Table, Value};

/// Longest text of one key; longer than any name or address an office writes.
pub(crate) const MAX_TEXT: usize = 256;
/// Longest list under one key, other than the sections' own limits.
pub(crate) const MAX_LIST: usize = 20_000;

/// A type that configuration can hold.
pub(crate) trait Schema: Sized {
    /// Reads `value`; a problem is noted in `at`, and then nothing is returned.
    fn read(value: &Value, at: &mut Reading) -> Option<Self>;
    /// The value that reads back as this.
    fn write(&self) -> Value;
}

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Key(&'static str),
    Index(usize),
}

/// Where the reader is and what it found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    path: Vec<Step>,
    pub(crate) findings: Findings,
}

impl Reading {
    /// Reads below `step`.
    pub(crate) fn inside<T>(&mut self, step: Step, read: impl FnOnce(&mut Reading) -> T) -> T {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    /// The path as text, `extensions[3].number`.
    pub(crate) fn path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
                Step::Index(index) => {
                    text.push('[');
                    text.push_str(&index.to_string());
                    text.push(']');
                }
            }
        }
        text
    }

    /// Notes a problem at `place`, about the current path.
    pub(crate) fn problem(&mut self, place: Place, what: impl Into<String>, cure: impl Into<String>) {
        let path = self.path();
        self.findings.add(place, path, what, cure);
    }

    /// Notes a problem about `key` below the current path.
    pub(crate) fn problem_at(
        &mut self,
        value: &Value,
        key: &'static str,
        what: impl Into<String>,
        cure: &str,
    ) {
        let place = value.find(key).map_or(value.place, |found| found.place);
        self.inside(Step::Key(key), |at| at.problem(place, what, cure));
    }

    /// Notes that `value` is of the wrong kind.
    pub(crate) fn wrong_kind(&mut self, value: &Value, wanted: &str, example: &str) {
        let what = format!("{wanted} belongs here, this is {}", value.kind());
        self.problem(value.place, what, format!("write it like {example}"));
    }

    /// The keys of `value`, each of which must be one of `known`, or of `later` with its neutral value.
    pub(crate) fn table<'a>(
        &mut self,
        value: &'a Value,
        known: &[&'static str],
        later: &[(&'static str, Neutral)],
    ) -> Option<&'a Table> {
        let Some(table) = value.table() else {
            self.wrong_kind(value, "a table of keys", "key = \"value\"");
            return None;
        };
        for entry in &table.0 {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            match later.iter().find(|(key, _)| *key == entry.key) {
                Some((_, neutral)) if neutral(&entry.value) => {}
                Some((key, _)) => self.inside(Step::Key(key), |at| {
                    at.problem(
                        entry.place,
                        "not available yet",
                        "remove it or leave it at its neutral value",
                    );
                }),
                None => self.unknown(&entry.key, entry.place, known),
            }
        }
        Some(table)
    }

    /// Notes an unknown key and proposes the nearest known one.
    pub(crate) fn unknown(&mut self, key: &str, place: Place, known: &[&str]) {
        let shown = shown(key);
        let cure = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known here: {}", known.join(", ")),
        };
        let path = self.path();
        let path = if path.is_empty() { shown.clone() } else { format!("{path}.{shown}") };
        self.findings.add(place, path, format!("unknown key {shown}"), cure);
    }
}

/// A key or value of the file as errors show it: short, without controls.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > 40 {
        shown.push_str("...");
    }
    shown
}

/// Whether a value of a later feature's key asks for nothing.
pub(crate) type Neutral = fn(&Value) -> bool;

impl Schema for String {
    fn read(value: &Value, at: &mut Reading) -> Option<String> {
        let Data::Text(text) = &value.data else {
            at.wrong_kind(value, "a text", "\"text\"");
            return None;
        };
        if text.len() > MAX_TEXT {
            at.problem(value.place, format!("longer than {MAX_TEXT} bytes"), "shorten it");
            return None;
        }
        if text.chars().any(char::is_control) {
            at.problem(value.place, "contains a control character", "remove it");
            return None;
        }
        Some(text.clone())
    }

    fn write(&self) -> Value {
        Value::text(self.as_str())
    }
}

impl Schema for bool {
    fn read(value: &Value, at: &mut Reading) -> Option<bool> {
        match value.data {
            Data::Boolean(truth) => Some(truth),
            _ => {
                at.wrong_kind(value, "true or false", "true");
                None
            }
        }
    }

    fn write(&self) -> Value {
        Value::new(Data::Boolean(*self))
    }
}

impl Schema for u32 {
    fn read(value: &Value, at: &mut Reading) -> Option<u32> {
        let Data::Integer(number) = value.data else {
            at.wrong_kind(value, "a whole number", "10");
            return None;
        };
        let number = u32::try_from(number).ok();
        if number.is_none() {
            at.problem(value.place, "out of range", "write a number from 0 to 4294967295");
        }
        number
    }

    fn write(&self) -> Value {
        Value::new(Data::Integer(i64::from(*self)))
    }
}

/// Absent, null and empty text all mean `None`.
impl<T: Schema> Schema for Option<T> {
    fn read(value: &Value, at: &mut Reading) -> Option<Option<T>> {
        if matches!(&value.data, Data::Nothing) || value.as_text() == Some("") {
            return Some(None);
        }
        T::read(value, at).map(Some)
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::new(Data::Nothing), T::write)
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn read(value: &Value, at: &mut Reading) -> Option<Vec<T>> {
        let Data::List(items) = &value.data else {
            at.wrong_kind(value, "a list", "[\"one\", \"two\"]");
            return None;
        };
        if items.len() > MAX_LIST {
            at.problem(value.place, format!("more than {MAX_LIST} entries"), "shorten the list");
            return None;
        }
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            list.extend(at.inside(Step::Index(index), |at| T::read(item, at)));
        }
        (list.len() == items.len()).then_some(list)
    }

    fn write(&self) -> Value {
        Value::list(self.iter().map(T::write))
    }
}

/// Types that are one text: `$parse` takes `&str` and gives `Result<T, cure>`, `Display` writes it.
macro_rules! text_schema {
    ($type:ty, $what:literal, $parse:expr) => {
        impl $crate::config::read::Schema for $type {
            fn read(
                value: &$crate::config::value::Value,
                at: &mut $crate::config::read::Reading,
            ) -> Option<$type> {
                let Some(text) = value.as_text() else {
                    at.wrong_kind(value, concat!("a text (", $what, ")"), "\"...\"");
                    return None;
                };
                let parse: fn(&str) -> Result<$type, String> = $parse;
                match parse(text) {
                    Ok(parsed) => Some(parsed),
                    Err(cure) => {
                        let what = format!("{} is not {}", $crate::config::read::shown(text), $what);
                        at.problem(value.place, what, cure);
                        None
                    }
                }
            }

            fn write(&self) -> $crate::config::value::Value {
                $crate::config::value::Value::text(self.to_string())
            }
        }
    };
}
pub(crate) use text_schema;

/// A record: its keys with defaults (a key without one is required), `aside` keys that the file's meaning handles
/// (secrets, what users own, `was`), `later` keys of features to come, and a check of the whole.
macro_rules! section {
    (
        $(#[$doc:meta])* pub struct $name:ident {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty $(= $default:expr)? ),* $(,)?
        }
        aside [$($aside:literal),*]
        later [$(($later:literal, $neutral:expr)),*]
        check $check:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $( $(#[$field_doc])* pub $field: $type ),* }

        impl $name {
            /// Keys of this record in a file.
            pub(crate) const KEYS: &'static [&'static str] = &[$(stringify!($field),)* $($aside),*];
        }

        impl Default for $name {
            fn default() -> $name {
                $name { $($field: $crate::config::read::section!(@default $type $(, $default)?)),* }
            }
        }

        impl $crate::config::read::Schema for $name {
            fn read(
                value: &$crate::config::value::Value, at: &mut $crate::config::read::Reading,
            ) -> Option<$name> {
                let later: &[(&'static str, $crate::config::read::Neutral)] = &[$(($later, $neutral)),*];
                let table = at.table(value, $name::KEYS, later)?;
                $(let $field = match table.find(stringify!($field)) {
                    Some(found) => at.inside($crate::config::read::Step::Key(stringify!($field)), |at| {
                        <$type as $crate::config::read::Schema>::read(found, at)
                    }),
                    None => $crate::config::read::section!(@absent at, value, $field, $type $(, $default)?),
                };)*
                // A wrong value was noted; the default stands in so that the rest is judged too.
                let record = $name { $($field: $crate::config::read::section!(@given $field $(, $default)?)),* };
                let check: fn(&$name, &$crate::config::value::Value, &mut $crate::config::read::Reading) = $check;
                check(&record, value, at);
                Some(record)
            }

            fn write(&self) -> $crate::config::value::Value {
                let mut table = $crate::config::value::Table::default();
                $(table.push(stringify!($field), $crate::config::read::Schema::write(&self.$field));)*
                $crate::config::value::Value::new($crate::config::value::Data::Table(table))
            }
        }
    };
    (@given $field:ident, $default:expr) => { $field.unwrap_or_else(|| $default) };
    (@given $field:ident) => { $field? };
    (@default $type:ty, $default:expr) => { $default };
    (@default $type:ty) => { <$type>::default() };
    (@absent $at:ident, $value:ident, $field:ident, $type:ty, $default:expr) => { Some($default) };
    (@absent $at:ident, $value:ident, $field:ident, $type:ty) => {{
        $at.problem_at($value, stringify!($field), "missing", "add this key");
        None
    }};
}
pub(crate) use section;
