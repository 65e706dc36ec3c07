//! The description of `/api/v1` (OpenAPI 3.1): made from the types of the bodies and a row for each operation, checked in as
//! `docs/openapi.json`, and served, so that whoever writes a script has it at hand.
//!
//! Not here: what an operation does (`routes`), the rows themselves (`rows`).

mod doors;
mod operation;
mod rows;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder,
};

use self::operation::Operation;

/// The document as it is served, and checked in.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        // Texts, numbers and maps of them always serialise.
        let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
        text.push('\n');
        text
    })
}

/// `GET openapi.json`.
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text()).into_response()
}

fn document() -> OpenApi {
    let operations = rows::all();
    let info = InfoBuilder::new()
        .title("Ringwall")
        .version("1")
        .description(Some(
            "The PBX's administration. Over HTTPS with a session's cookie or a token; on DIR/control.sock without. \
             Lists are JSON arrays; a page names the next one in its Link header.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0 OR MIT").build()))
        .build();
    let mut components = ComponentsBuilder::new()
        .security_scheme(
            "token",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        )
        .security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                "__Host-ringwall-4021",
                "The cookie of a session, named by the port; writes also need the header X-Ringwall: 1.",
            ))),
        );
    let mut known = BTreeSet::new();
    for (name, schema) in operations.iter().flat_map(|operation| &operation.schemas) {
        if known.insert(name.clone()) {
            components = components.schema(name.clone(), schema.clone());
        }
    }
    for (name, response) in operation::problems() {
        components = components.response(name, response);
    }
    let mut paths = PathsBuilder::new();
    for operation in operations {
        let (path, item) = Operation::item(operation);
        paths = paths.path(path, item);
    }
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_document_is_the_one_that_is_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, text()).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        let first = text().lines().zip(checked_in.lines()).position(|(made, kept)| made != kept);
        assert!(
            text() == checked_in,
            "docs/openapi.json differs from line {:?} on; if the change is meant: UPDATE_OPENAPI=1 cargo nextest run -p api checked_in",
            first.map(|line| line + 1)
        );
    }

    #[test]
    fn each_operation_is_described_once_and_names_all_that_it_refers_to() {
        let document: serde_json::Value = serde_json::from_str(text()).unwrap();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
                assert_ne!(
                    operation["x-permission"], "nobody",
                    "{method} {path} is not in the table of permissions"
                );
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                    let has = |of: &serde_json::Value| of["in"] == "path" && of["name"] == part;
                    assert!(parameters.iter().any(has), "{path} lacks {part}");
                }
            }
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let answers = document["components"]["responses"].as_object().unwrap();
        for (part, known) in [("schemas", schemas), ("responses", answers)] {
            for reference in text().split(&format!("\"#/components/{part}/")).skip(1) {
                let name = reference.split('"').next().unwrap();
                assert!(known.contains_key(name), "{name} is nowhere");
            }
        }
    }
}
