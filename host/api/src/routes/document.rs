//! The document that describes the API: what it says of all questions alike.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::Details;

/// What a refusal is.
const PROBLEM: &str = "application/problem+json";

/// Answers that every question may get.
const ALWAYS: [(&str, &str); 5] = [
    ("401", "no token, or one that is not good"),
    ("403", "the token's role does not reach so far, the host is read-only, or a page of another site asks"),
    ("421", "the request names a host that is not ours"),
    (
        "429",
        "too many wrong tokens came from this address, or too many streams are open; `Retry-After` says for how long",
    ),
    ("500", "the host failed; its log says why"),
];
/// Answers that a question gets besides that names something in its path …
const WITH_NAME: [(&str, &str); 2] =
    [("404", "there is no such thing"), ("422", "what is given, or what is in the files, is not right")];
/// … that takes items of a query …
const WITH_QUERY: [(&str, &str); 1] = [("422", "what is given is not right")];
/// … and that has a body.
const WITH_BODY: [(&str, &str); 4] = [
    ("422", "what is given, or what is in the files, is not right"),
    ("400", "the body broke off"),
    ("408", "the body came too slowly"),
    ("413", "the body is larger than 1 MiB"),
];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Enroute",
        description = "What a running Enroute host is asked and told. Values of people are masked by their shape unless they are asked for.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Details)),
    modifiers(&Bearer),
    security(("token" = []))
)]
pub(super) struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Adds to every question the answers that all of them may get.
pub(super) fn complete(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let mut all = ALWAYS.to_vec();
            if operation.request_body.is_some() {
                all.extend(WITH_BODY);
            }
            for parameter in operation.parameters.iter().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                match parameter.parameter_in {
                    ParameterIn::Path => all.extend(WITH_NAME),
                    ParameterIn::Query => all.extend(WITH_QUERY),
                    _ => {}
                }
            }
            for (status, why) in all {
                let answers = &mut operation.responses.responses;
                answers.entry(status.to_owned()).or_insert_with(|| problem(why).into());
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

fn problem(why: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Details"))).build();
    ResponseBuilder::new().description(why).content(PROBLEM, content).build()
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi as _;
    use utoipa::openapi::PathsBuilder;
    use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder};
    use utoipa::openapi::request_body::RequestBody;

    use super::*;

    #[test]
    fn every_question_names_the_refusals_that_all_may_get() {
        let asks = OperationBuilder::new().build();
        let number = ParameterBuilder::new().name("number").parameter_in(ParameterIn::Path).build();
        let names = OperationBuilder::new().parameter(number).build();
        let sends = OperationBuilder::new().request_body(Some(RequestBody::new())).build();
        let paths = PathsBuilder::new()
            .path("/asks", PathItem::new(HttpMethod::Get, asks))
            .path("/names", PathItem::new(HttpMethod::Get, names))
            .path("/sends", PathItem::new(HttpMethod::Post, sends));
        let mut document = Document::openapi();
        document.paths = paths.build();
        complete(&mut document);
        let named = |path: &str| {
            let item = document.paths.paths.get(path).unwrap();
            let operation = item.get.as_ref().or(item.post.as_ref()).unwrap();
            operation.responses.responses.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(named("/asks"), ["401", "403", "421", "429", "500"]);
        assert_eq!(named("/names"), ["401", "403", "404", "421", "422", "429", "500"]);
        assert_eq!(named("/sends"), ["400", "401", "403", "408", "413", "421", "422", "429", "500"]);
    }
}
