//! The objects over the socket, with a registry that holds one extension.

use model::Secret;
use model::config::Kind;

use super::{Fake, house};
use crate::objects::body::{
    AddressGroup, CertificateWish, Extension, Forwarding, Imported, Revealed, User, Written,
};
use crate::objects::{Asker, Cursor, EditWish, ExtensionSort, IfMatch, ListQuery, Page, TableWish, Tag};
use crate::{Author, Problem, Registry};

fn extension() -> Extension {
    Extension {
        number: "101".into(),
        description: String::new(),
        nat: false,
        encryption: "off".into(),
        lines: Vec::new(),
        forwarding: Forwarding::default(),
        do_not_disturb: false,
        users: Vec::new(),
        registered: 0,
        etag: "abc".into(),
    }
}

impl Registry for Fake {
    async fn extensions(&self, query: ListQuery<ExtensionSort>) -> Result<Page<Extension>, Problem> {
        self.asked(&query);
        let next = query.after.is_none().then(|| Cursor { value: "x".into(), key: "101".into() });
        Ok(Page { rows: vec![extension()], total: 2, next })
    }
    async fn extension(&self, _: String) -> Result<Extension, Problem> {
        Ok(extension())
    }
    async fn users(&self, _: ListQuery<()>) -> Result<Page<User>, Problem> {
        Ok(Page { rows: Vec::new(), total: 0, next: None })
    }
    async fn user(&self, login: String) -> Result<User, Problem> {
        Err(Problem::not_found(login))
    }
    async fn address_groups(&self, _: ListQuery<()>) -> Result<Page<AddressGroup>, Problem> {
        Ok(Page { rows: Vec::new(), total: 0, next: None })
    }
    async fn address_group(&self, name: String) -> Result<AddressGroup, Problem> {
        Err(Problem::not_found(name))
    }
    async fn section(&self, name: String) -> Result<(serde_json::Value, Tag), Problem> {
        Ok((serde_json::json!({ "name": name }), Tag("t".into())))
    }
    async fn edit(
        &self,
        asker: Asker,
        kind: Kind,
        wish: EditWish,
        expected: IfMatch,
    ) -> Result<Written, Problem> {
        self.asked((asker, kind, wish, &expected));
        expected.check(&Tag("abc".into()))?;
        Ok(Written { object: serde_json::json!({"etag": "def"}), ..Written::default() })
    }
    async fn edit_section(&self, _: Asker, _: String, _: String, _: IfMatch) -> Result<Written, Problem> {
        Ok(Written::default())
    }
    async fn set_password(&self, _: Asker, _: String, _: Secret) -> Result<(), Problem> {
        Ok(())
    }
    async fn upload(&self, _: Asker, _: CertificateWish) -> Result<Written, Problem> {
        Ok(Written::default())
    }
    async fn import(&self, _: Author, _: TableWish) -> Result<Imported, Problem> {
        Ok(Imported::default())
    }
    async fn reveal(&self, _: Author, _: String, _: Option<String>) -> Result<Revealed, Problem> {
        Err(Problem::stopping())
    }
}

#[tokio::test]
async fn a_write_needs_the_tag_that_was_read() {
    let house = house("tags");
    let read = house.ask("GET /api/v1/extensions/101", "").await;
    assert!(read.contains("etag: \"abc\""), "{read}");
    for (request, status) in [
        ("PUT /api/v1/extensions/101", "428"),
        ("PUT /api/v1/extensions/101\nIf-Match: \"old\"\r\n", "412"),
        ("PUT /api/v1/extensions/101\nIf-Match: \"abc\"\r\n", "200"),
        ("DELETE /api/v1/extensions/101", "428"),
        ("DELETE /api/v1/extensions/101\nIf-Match: *\r\n", "200"),
        ("POST /api/v1/extensions", "201"),
        ("PUT /api/v1/settings/sip", "428"),
        ("GET /api/v1/users/%2e%2e%2fx", "404"),
    ] {
        let answer = house.ask(request, "{}").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    let answer = house.ask("PUT /api/v1/extensions/101\nIf-Match: \"abc\"\r\n", "{}").await;
    assert!(answer.contains("etag: \"def\""), "{answer}");
}

#[tokio::test]
async fn a_page_says_where_the_next_one_is() {
    let house = house("pages");
    let first = house.ask("GET /api/v1/extensions?search=a%20b&sort=registered&order=desc&limit=1", "").await;
    assert!(first.contains("x-total-count: 2"), "{first}");
    let link = first.lines().find(|line| line.starts_with("link: ")).expect("a next page");
    let expected =
        "</api/v1/extensions?search=a%20b&sort=registered&order=desc&limit=1&after=eAoxMDE>; rel=\"next\"";
    assert_eq!(link.trim(), format!("link: {expected}"));
    let second = house.ask("GET /api/v1/extensions?after=eAoxMDE", "").await;
    assert!(!second.contains("link: "), "{second}");
    assert!(house.asked().contains("Cursor { value: \"x\", key: \"101\" }"), "{}", house.asked());
    for bad in ["sort=colour", "order=up", "limit=100000", "after=***", "page=2"] {
        let answer = house.ask(&format!("GET /api/v1/extensions?{bad}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad}: {answer}");
    }
}
