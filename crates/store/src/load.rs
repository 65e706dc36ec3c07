//! The stored office, read back: objects, users' own settings, sealed secrets.

use std::collections::BTreeMap;
use std::path::Path;

use model::config::{Kind, Office, Row, Value};
use model::{Id, Secret};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use vault::{Name, Sealer};

use crate::error::{OpenError, ReadError};
use crate::folder::Secrets;

/// What a sealed value is: kind in table `secrets`.
pub(crate) const SIP: &str = "sip";
/// A certificate with its key, of the local authority or an administrator's.
pub(crate) const CERTIFICATE: &str = "certificate";
/// The password at the mail server.
pub(crate) const MAIL: &str = "mail";
/// A person's password hash.
pub(crate) const PERSON: &str = "person";

pub(crate) fn sealed_name<'a>(kind: &'a str, name: &'a str) -> Name<'a> {
    Name { table: "secrets", key: name, field: kind }
}

pub(crate) async fn has_secrets(connection: &mut SqliteConnection) -> sqlx::Result<Secrets> {
    let row = sqlx::query("SELECT 1 FROM secrets LIMIT 1").fetch_optional(connection).await?;
    Ok(if row.is_some() { Secrets::Some } else { Secrets::None })
}

/// What a database holds beside its history.
pub(crate) struct Loaded {
    pub(crate) office: Office,
    /// Certificates with their keys, by name.
    pub(crate) certificates: BTreeMap<String, Secret>,
}

pub(crate) async fn office(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    database: &Path,
    key_file: &Path,
) -> Result<Loaded, OpenError> {
    let fault = |error: sqlx::Error| OpenError::database(database, &error);
    let unreadable = |why: String| OpenError::Configuration { path: database.to_owned(), why };
    let revision = revision(connection).await.map_err(fault)?;
    let rows = objects(connection).await.map_err(|error| unreadable(error.to_string()))?;
    let mut office = Office::restore(revision, rows).map_err(|error| unreadable(error.to_string()))?;

    let rows = sqlx::query("SELECT extension, body FROM personal")
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    for row in &rows {
        let number: String = row.try_get(0).map_err(fault)?;
        let body: String = row.try_get(1).map_err(fault)?;
        let body: Value = serde_json::from_str(&body).map_err(|error| unreadable(error.to_string()))?;
        office.restore_personal(&number, &body).map_err(|error| unreadable(error.to_string()))?;
    }

    let rows = sqlx::query("SELECT kind, name, sealed FROM secrets")
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let mut certificates = BTreeMap::new();
    office.sip_passwords.reserve(rows.len());
    for row in &rows {
        let kind: String = row.try_get(0).map_err(fault)?;
        let name: String = row.try_get(1).map_err(fault)?;
        let sealed: Vec<u8> = row.try_get(2).map_err(fault)?;
        let secret = sealer.open_text(sealed_name(&kind, &name), &sealed);
        let secret = secret.map_err(|error| OpenError::Key {
            path: key_file.to_owned(),
            why: format!("the secret of {kind} {name} does not open: {error}"),
        })?;
        match kind.as_str() {
            SIP => drop(office.sip_passwords.insert(name, secret)),
            PERSON => drop(office.password_hashes.insert(name, secret)),
            MAIL => office.mail_password = Some(secret),
            CERTIFICATE => drop(certificates.insert(name, secret)),
            other => return Err(unreadable(format!("secrets of an unknown kind, {other}"))),
        }
    }
    Ok(Loaded { office, certificates })
}

pub(crate) async fn revision(connection: &mut SqliteConnection) -> sqlx::Result<u64> {
    let row = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM revisions").fetch_one(connection).await?;
    Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0))
}

pub(crate) async fn objects(connection: &mut SqliteConnection) -> Result<Vec<Row>, ReadError> {
    let rows = sqlx::query("SELECT kind, id, natural_key, body FROM objects").fetch_all(connection).await?;
    rows.iter().map(object).collect()
}

fn object(row: &SqliteRow) -> Result<Row, ReadError> {
    let (kind, id) = named(&row.try_get::<String, _>(0)?, &row.try_get::<String, _>(1)?)?;
    Ok(Row { kind, id, key: row.try_get(2)?, body: body(&row.try_get::<String, _>(3)?)? })
}

pub(crate) fn named(kind: &str, id: &str) -> Result<(Kind, Id), ReadError> {
    let known = Kind::parse(kind).ok_or_else(|| ReadError::Unreadable(format!("object of kind {kind}")))?;
    let id = id.parse().map_err(|_| ReadError::Unreadable(format!("id of a {kind}")))?;
    Ok((known, id))
}

pub(crate) fn body(text: &str) -> Result<Value, ReadError> {
    serde_json::from_str(text).map_err(|error| ReadError::Unreadable(error.to_string()))
}
