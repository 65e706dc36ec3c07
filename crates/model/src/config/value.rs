//! A tree of values with the place each was read at: the common form of TOML, JSON and the typed schema.
//!
//! Why not serde's derive: it stops at the first error and forgets where it was; an administrator wants every
//! error of his file at once, with line and column. Not here: what the values mean (`schema`).

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::de::{DeTable, DeValue};

/// Where a value stands in its source, as a byte offset; values that come from elsewhere have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(crate) Option<usize>);

/// A value and its place. Equality looks at the data only; `Debug` shows nothing, since it may hold a password.
#[derive(Clone)]
pub struct Value {
    pub(crate) data: Data,
    pub(crate) place: Place,
}

/// What a value is.
#[derive(Clone, PartialEq)]
pub(crate) enum Data {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Value>),
    Table(Table),
    /// JSON's null: as if the key were absent.
    Nothing,
    /// TOML's dates, which nothing here uses.
    Date,
}

/// Keys and values in the order written.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Table(pub(crate) Vec<Entry>);

/// A key of a table, with its place.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Value,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.data == other.data
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

impl Table {
    pub(crate) fn find(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(crate) fn push(&mut self, key: &str, value: Value) {
        self.0.push(Entry { key: key.to_owned(), place: Place::default(), value });
    }

    pub(crate) fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => self.push(key, value),
        }
    }
}

impl Value {
    pub(crate) fn new(data: Data) -> Value {
        Value { data, place: Place::default() }
    }

    pub(crate) fn text(text: impl Into<String>) -> Value {
        Value::new(Data::Text(text.into()))
    }

    pub(crate) fn list(values: impl IntoIterator<Item = Value>) -> Value {
        Value::new(Data::List(values.into_iter().collect()))
    }

    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> &[Value] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Value> {
        self.table()?.find(key)
    }

    /// What kind of value this is, for an error.
    pub(crate) fn kind(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "a text",
            Data::Integer(_) => "a whole number",
            Data::Float(_) => "a number with a fraction",
            Data::Boolean(_) => "true or false",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Nothing => "null",
            Data::Date => "a date",
        }
    }

    /// Whether the value says nothing: absent, empty text, empty list, empty table.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.data {
            Data::Nothing => true,
            Data::Text(text) => text.is_empty(),
            Data::List(items) => items.is_empty(),
            Data::Table(table) => table.0.is_empty(),
            _ => false,
        }
    }

    /// Reads TOML. Every syntax error is returned, with its place; values are never part of a message.
    pub(crate) fn from_toml(text: &str) -> Result<Value, Vec<(Place, String)>> {
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let place = |error: &toml::de::Error| Place(error.span().map(|span| span.start));
            return Err(errors.iter().map(|error| (place(error), error.message().to_owned())).collect());
        }
        let place = Place(Some(document.span().start));
        Ok(Value { data: Data::Table(from_detable(document.get_ref())), place })
    }
}

/// Depth is bounded by the parser's own limit (80).
fn from_detable(table: &DeTable<'_>) -> Table {
    let entry = |(key, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| Entry {
        key: key.get_ref().to_string(),
        place: Place(Some(key.span().start)),
        value: from_devalue(value),
    };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.place);
    Table(entries)
}

fn from_devalue(value: &toml::Spanned<DeValue<'_>>) -> Value {
    let place = Place(Some(value.span().start));
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Data::Float(f64::INFINITY), Data::Integer),
        DeValue::Float(number) => Data::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Data::Boolean(*truth),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(items) => Data::List(items.iter().map(from_devalue).collect()),
        DeValue::Table(table) => Data::Table(from_detable(table)),
    };
    Value { data, place }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.data {
            Data::Text(text) => serializer.serialize_str(text),
            Data::Integer(number) => serializer.serialize_i64(*number),
            Data::Float(number) => serializer.serialize_f64(*number),
            Data::Boolean(truth) => serializer.serialize_bool(*truth),
            Data::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Data::Table(table) => {
                let mut map = serializer.serialize_map(Some(table.0.len()))?;
                for entry in &table.0 {
                    map.serialize_entry(&entry.key, &entry.value)?;
                }
                map.end()
            }
            Data::Nothing | Data::Date => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Reader).map(Value::new)
    }
}

/// Keys of one JSON object: no section has a tenth of it, and each is compared with those before it.
const MAX_KEYS: usize = 500;

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Data, E> {
        Ok(Data::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Data, E> {
        Ok(Data::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Data, E> {
        Ok(i64::try_from(number).map_or(Data::Float(f64::INFINITY), Data::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Data, E> {
        Ok(Data::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Data, E> {
        Ok(Data::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Data, E> {
        Ok(Data::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let mut table = Table::default();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            if table.0.len() >= MAX_KEYS {
                return Err(serde::de::Error::custom("too many keys in one object"));
            }
            if table.find(&key).is_some() {
                return Err(serde::de::Error::custom("a key stands twice in one object"));
            }
            table.0.push(Entry { key, place: Place::default(), value });
        }
        Ok(Data::Table(table))
    }
}
