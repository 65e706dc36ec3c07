//! The last good addresses of host names in address groups, so that a restart without a name server shuts nobody out
//! (SPEC R4.1). Not here: looking them up, and how long they are good.

use std::net::IpAddr;

use model::Wall;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::database;
use crate::error::CommitError;

/// A host name and where it was last seen to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHost {
    /// The name, in lower case.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// When a name server last said so.
    pub seen: Wall,
}

/// Rows that can't be read are passed over: the name is looked up again.
pub(crate) async fn load(connection: &mut SqliteConnection) -> sqlx::Result<Vec<KeptHost>> {
    let rows = sqlx::query("SELECT name, addresses, seen FROM hosts").fetch_all(connection).await?;
    let mut hosts = Vec::with_capacity(rows.len());
    for row in &rows {
        let (name, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let seen = Wall::from_millis(row.try_get(2)?);
        hosts.extend(serde_json::from_str(&text).ok().map(|addresses| KeptHost { name, addresses, seen }));
    }
    Ok(hosts)
}

/// Puts `hosts` in the place of those of before.
pub(crate) async fn replace(
    connection: &mut SqliteConnection,
    hosts: &[KeptHost],
) -> Result<(), CommitError> {
    database::begin(connection).await?;
    let written = write(connection, hosts).await.map_err(CommitError::from);
    database::end(connection, written).await
}

async fn write(connection: &mut SqliteConnection, hosts: &[KeptHost]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM hosts").execute(&mut *connection).await?;
    for host in hosts {
        // Addresses always serialise; an empty text would be passed over when it is read.
        let text = serde_json::to_string(&host.addresses).unwrap_or_default();
        sqlx::query("INSERT INTO hosts (name, addresses, seen) VALUES ($1, $2, $3)")
            .bind(&host.name)
            .bind(text)
            .bind(host.seen.as_millis())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
