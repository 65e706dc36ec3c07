//! One operation on its way into the document: what is asked, what is answered, and every problem it may end with.

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Content, HeaderBuilder, HttpMethod, PathItem, Ref, RefOr, Required, Response, ResponseBuilder,
    ResponsesBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::{Problem, access};

type Described = RefOr<Schema>;

/// An operation.
pub(super) struct Operation {
    method: HttpMethod,
    path: &'static str,
    summary: &'static str,
    /// All that it names.
    pub(super) schemas: Vec<(String, Described)>,
    parameters: Vec<Parameter>,
    body: Option<(&'static str, Described)>,
    answers: Vec<(u16, Response)>,
    problems: Vec<u16>,
}

/// What every request may be refused with: unreadable, signed out, not allowed, another host's, too often, stopping, too late.
const ALWAYS: &[u16] = &[400, 401, 403, 421, 429, 503, 504];
/// What a request with a body may be refused with besides.
const WITH_BODY: &[u16] = &[408, 413, 415, 422, 500];

impl Operation {
    pub(super) fn new(method: HttpMethod, path: &'static str, summary: &'static str) -> Operation {
        let mut operation = Operation {
            method,
            path,
            summary,
            schemas: Vec::new(),
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: ALWAYS.to_vec(),
        };
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            operation = operation.parameter(ParameterIn::Path, name, "", text());
            operation.problems.push(404);
        }
        operation
    }

    fn parameter(mut self, place: ParameterIn, name: &str, what: &str, schema: Described) -> Operation {
        let required = if place == ParameterIn::Path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        let parameter = parameter.description((!what.is_empty()).then_some(what)).schema(Some(schema));
        self.parameters.push(parameter.build());
        self
    }

    /// A parameter behind the question mark.
    pub(super) fn query(self, name: &str, what: &str, schema: Described) -> Operation {
        self.parameter(ParameterIn::Query, name, what, schema)
    }

    /// The parameters of a list in pages.
    pub(super) fn paged(self, sorts: &[&str]) -> Operation {
        let mut operation = self.query("search", "Rows that hold this text, whatever its case.", text());
        if !sorts.is_empty() {
            operation = operation.query("sort", "What they are sorted by.", one_of(sorts));
        }
        operation
            .query("order", "The smallest or the largest first.", one_of(&["asc", "desc"]))
            .query("limit", "Rows of a page.", whole(Some(1_000)))
            .query("after", "Where the page before ended, from its Link header.", text())
    }

    /// It changes an object of which somebody else may have another idea.
    pub(super) fn tagged(mut self) -> Operation {
        self.problems.extend([412, 428]);
        self.parameter(
            ParameterIn::Header,
            "If-Match",
            "The ETag of the object as one knows it, or *.",
            text(),
        )
    }

    /// It may not be possible as things are.
    pub(super) fn may(mut self, problems: &[u16]) -> Operation {
        self.problems.extend(problems);
        self
    }

    fn know<T: ToSchema>(&mut self) -> Described {
        T::schemas(&mut self.schemas);
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        RefOr::Ref(Ref::from_schema_name(name))
    }

    /// It takes such JSON.
    pub(super) fn takes<T: ToSchema>(mut self) -> Operation {
        let schema = self.know::<T>();
        self.takes_as("application/json", schema)
    }

    /// It takes a body of this kind.
    pub(super) fn takes_as(mut self, kind: &'static str, schema: Described) -> Operation {
        self.body = Some((kind, schema));
        self.problems.extend(WITH_BODY);
        self
    }

    /// It answers with such JSON.
    pub(super) fn gives<T: ToSchema>(mut self, status: u16) -> Operation {
        let schema = self.know::<T>();
        self.gives_as(status, &[("application/json", schema)])
    }

    /// It answers with a list of such.
    pub(super) fn lists<T: ToSchema>(mut self) -> Operation {
        let item = self.know::<T>();
        let list = ArrayBuilder::new().items(item).build();
        let response = response(200, &[("application/json", list.into())]);
        let response = ResponseBuilder::from(response)
            .header("Link", HeaderBuilder::new().schema(Some(text())).build())
            .header("X-Total-Count", HeaderBuilder::new().schema(Some(whole(None))).build());
        self.answers.push((200, response.build()));
        self
    }

    /// The same answer as text, a line each, for who does not ask for JSON.
    pub(super) fn also_text(mut self) -> Operation {
        if let Some((_, response)) = self.answers.first_mut() {
            response
                .content
                .insert("text/plain; charset=utf-8".to_owned(), RefOr::T(Content::new(Some(text()))));
        }
        self
    }

    /// It answers with bodies of these kinds.
    pub(super) fn gives_as(mut self, status: u16, kinds: &[(&str, Described)]) -> Operation {
        self.answers.push((status, response(status, kinds)));
        self
    }

    /// It is done, and there is nothing to say.
    pub(super) fn done(mut self) -> Operation {
        self.answers.push((204, response(204, &[])));
        self
    }

    /// Its path, and all of it.
    pub(super) fn item(mut operation: Operation) -> (String, PathItem) {
        operation.problems.sort_unstable();
        operation.problems.dedup();
        let mut responses = ResponsesBuilder::new();
        for (status, response) in operation.answers {
            responses = responses.response(status.to_string(), response);
        }
        for status in operation.problems {
            let name = problem_name(status);
            responses = responses.response(status.to_string(), Ref::from_response_name(name));
        }
        // Nobody gets an answer from an operation without a row.
        let needs = access::word(method_name(&operation.method), operation.path).unwrap_or("nobody");
        let mut built = OperationBuilder::new()
            .operation_id(Some(id(&operation.method, operation.path)))
            .summary(Some(operation.summary))
            .parameters(Some(operation.parameters))
            .responses(responses.build())
            .extensions(Some(Extensions::builder().add("x-permission", needs).build()));
        if needs != "open" {
            let scopes: [&str; 0] = [];
            built = built
                .security(SecurityRequirement::new("token", scopes))
                .security(SecurityRequirement::new("session", scopes));
        }
        if let Some((kind, schema)) = operation.body {
            let body = RequestBodyBuilder::new().content(kind, Content::new(Some(schema)));
            built = built.request_body(Some(body.required(Some(Required::True)).build()));
        }
        (format!("/api/v1{}", operation.path), PathItem::new(operation.method, built.build()))
    }
}

fn method_name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        _ => "GET",
    }
}

/// A name for those who make clients from the document: `put_extensions_number`.
fn id(method: &HttpMethod, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    format!("{}_{}", method_name(method).to_ascii_lowercase(), words.join("_"))
}

fn response(status: u16, kinds: &[(&str, Described)]) -> Response {
    let words = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut response = ResponseBuilder::new().description(words.unwrap_or("Answer"));
    for (kind, schema) in kinds {
        response = response.content(*kind, Content::new(Some(schema.clone())));
    }
    response.build()
}

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

/// The answers that say what is wrong, by their names.
pub(super) fn problems() -> Vec<(String, Response)> {
    let mut all = [ALWAYS, WITH_BODY, &[404, 409, 412, 428]].concat();
    all.sort_unstable();
    let schema = RefOr::Ref(Ref::from_schema_name(Problem::name()));
    let answer = |status| response(status, &[("application/problem+json", schema.clone())]);
    all.into_iter().map(|status| (problem_name(status), answer(status))).collect()
}

/// The schema that they refer to.
pub(super) fn problem() -> (String, Described) {
    (Problem::name().into_owned(), Problem::schema())
}

/// Any text.
pub(super) fn text() -> Described {
    ObjectBuilder::new().schema_type(Type::String).into()
}

/// A whole number from 1 on.
pub(super) fn whole(most: Option<usize>) -> Described {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(most).into()
}

/// A number.
pub(super) fn number() -> Described {
    ObjectBuilder::new().schema_type(Type::Number).into()
}

/// Yes or no.
pub(super) fn switch() -> Described {
    ObjectBuilder::new().schema_type(Type::Boolean).into()
}

/// One of these words.
pub(super) fn one_of(words: &[&str]) -> Described {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).into()
}

/// A moment.
pub(super) fn time() -> Described {
    model::Wall::schema()
}

/// An object whose keys the configuration's own description names.
pub(super) fn object() -> Described {
    ObjectBuilder::new().schema_type(Type::Object).into()
}

/// An object of texts with these keys.
pub(super) fn texts(keys: &[&str]) -> Described {
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    for key in keys {
        object = object.property(*key, text()).required(*key);
    }
    object.into()
}
