//! A certificate that is uploaded: judged, kept sealed, and put in force by a change of `[tls]` like any other.

use std::sync::Arc;

use api::objects::body::CertificateWish;
use api::objects::{Asker, IfMatch};
use api::{Problem, StatusCode};
use net::tls::brought::{self, Field, Flaw};
use serde_json::json;

use super::{Desk, Done, Job};
use crate::serve::now;

impl Desk {
    /// Puts a certificate that was brought in force.
    ///
    /// # Errors
    /// It is refused whole, with each flaw at its field and line, and nothing was changed.
    pub async fn upload(self: &Arc<Desk>, asker: Asker, wish: CertificateWish) -> Result<Done, Problem> {
        let CertificateWish { certificate, key } = wish;
        let judged = tokio::task::block_in_place(|| brought::judge(&certificate, key.0.expose(), now()));
        let pair = judged.map_err(|flaws| refused(&flaws))?;
        let in_force = self.store.office().tls.uploaded.clone();
        let fingerprint = self.certificates.uploads().keep(&pair, in_force.as_deref()).await?;
        let section = json!({ "uploaded": fingerprint }).to_string();
        let mut done = self.edit(asker, Job::Section("tls".to_owned(), section), IfMatch::Any).await?;
        done.notes.extend(self.certificates.doubts_of(&pair, &self.store.office()));
        Ok(done)
    }
}

fn refused(flaws: &[Flaw]) -> Problem {
    let key = |field| match field {
        Field::Certificate => "certificate",
        Field::Key => "key",
    };
    let told = flaws
        .iter()
        .map(|Flaw { field, line, what, cure }| format!("{}:{line}: {what}; {cure}", key(*field)));
    let detail = told.collect::<Vec<_>>().join("\n");
    let problems = flaws.iter().map(|Flaw { field, line, what, cure }| {
        json!({ "key": key(*field), "line": line, "what": what, "cure": cure })
    });
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail);
    Problem { problems: problems.collect(), ..problem }
}
