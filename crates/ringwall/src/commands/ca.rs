//! `ringwall ca`: the local authority's certificate, for phones.

use api::body::Certificates;

use super::{complain, print, say, say_json};
use crate::client::{Client, Resource, read};
use crate::failure::{Failure, words};

pub(super) async fn ca(client: &Client<'_>, der: bool, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["certificates"])).await?;
    if json {
        return say_json(&body);
    }
    let Certificates { authority, local, shown } = read(&body)?;
    complain(&format!("{}, good until {}", authority.subject, authority.expires));
    complain(&format!("SHA-256 {}", authority.fingerprint_sha256));
    if let (false, Some(first)) = (local, shown.first()) {
        complain(&format!(
            "phones are shown the certificate of [tls] instead, issued by {}, good until {}",
            first.issuer, first.expires
        ));
    }
    if der {
        let der = client.get(Resource::new(&["certificates", "authority.der"])).await?;
        return print(&der).map_err(|error| Failure::failed(format!("standard output: {}", words(&error))));
    }
    say(&authority.certificate)
}
