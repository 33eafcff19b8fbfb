//! The API's description of itself in OpenAPI 3.1, made of the same types that requests are read into and answers are
//! written from.
//!
//! 1. each route says what it is for and which answer it gives ([`of`], [`gives`], [`done`], [`file`]);
//! 2. what it takes, aide reads off the handler's arguments;
//! 3. [`described`] adds what holds for all: who may ask, the names in paths, the answers one by one.
//!
//! `GET /api/v1/openapi.json` gives it to everybody: it says nothing of anybody.

use super::Desk;
use super::reply::{Problem, Trouble};
use crate::control::ControlAnswer;
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::generate::GenContext;
use aide::openapi::{
    Components, HeaderStyle, Info, MediaType, OpenApi, Operation, Parameter, ParameterData,
    ParameterSchemaOrContent, PathStyle, ReferenceOr, Response, SchemaObject, SecurityScheme,
    Server, StatusCode,
};
use aide::transform::TransformOperation;
use axum::Router;
use axum::routing::get;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::Value;
use std::sync::Arc;

/// Where the API stands.
pub(super) const ROOT: &str = "/api/v1";

/// What an operation is for, and the word of the answer that it gives.
pub(super) fn of(
    summary: &'static str,
    answer: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    let schema = json_schema!({ "$ref": format!("#/components/schemas/{}", name_of(answer)) });
    says(summary, 200, "It is so", Some(("application/json", schema)))
}

/// What an operation is for that gives this type.
pub(super) fn gives<T: JsonSchema>(
    summary: &'static str,
    status: u16,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    let schema = aide::generate::in_context(|context| context.schema.subschema_for::<T>());
    says(summary, status, "It is so", Some(("application/json", schema)))
}

/// What an operation is for that has nothing to say when it is done.
pub(super) fn done(
    summary: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    says(summary, 204, "It is done", None)
}

/// What an operation is for that gives a file.
pub(super) fn file(
    summary: &'static str,
    media_type: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    says(summary, 200, "The file", Some((media_type, json_schema!({ "type": "string" }))))
}

fn says(
    summary: &'static str,
    status: u16,
    what: &'static str,
    content: Option<(&'static str, Schema)>,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        let mut operation = operation.summary(summary);
        let content = content.into_iter().map(|(kind, schema)| (kind.to_owned(), media(schema)));
        let response = Response {
            description: what.to_owned(),
            content: content.collect(),
            ..Response::default()
        };
        answered_with(operation.inner_mut(), status, response);
        operation
    }
}

fn answered_with(operation: &mut Operation, status: u16, response: Response) {
    let all = operation.responses.get_or_insert_default();
    // Several files may share a status, as one in two media types.
    match all.responses.get_mut(&StatusCode::Code(status)).and_then(ReferenceOr::as_item_mut) {
        Some(there) => there.content.extend(response.content),
        None => {
            all.responses.insert(StatusCode::Code(status), ReferenceOr::Item(response));
        }
    }
}

fn media(json_schema: Schema) -> MediaType {
    let schema = Some(object(json_schema));
    MediaType { schema, ..MediaType::default() }
}

fn object(json_schema: Schema) -> SchemaObject {
    SchemaObject { json_schema, external_docs: None, example: None }
}

/// `room_claimed` is described as `RoomClaimedAnswer`.
fn name_of(answer: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    let name: String = answer.split('_').filter_map(capital).collect();
    name + "Answer"
}

/// What may go wrong with any request; what each status is for.
const PROBLEMS: [(u16, &str); 11] = [
    (400, "The request is not understood; the message names what is wrong with it"),
    (401, "Nobody is signed in, or what was shown proves nothing"),
    (403, "Whoever asks may not"),
    (404, "It is not there, or not theirs"),
    (408, "It took too long"),
    (409, "It is not done; code and message say why"),
    (410, "The link was used, or is too old"),
    (413, "It is too long"),
    (422, "The Idempotency-Key came with another request before"),
    (429, "Too many tries; not before Retry-After"),
    (503, "The cloud is being started again"),
];

impl OperationOutput for Trouble {
    type Inner = Problem;

    fn inferred_responses(
        context: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        let schema = context.schema.subschema_for::<Problem>();
        let described = PROBLEMS.iter().map(|(status, what)| {
            let content = [("application/json".to_owned(), media(schema.clone()))];
            let description = (*what).to_owned();
            let content = content.into_iter().collect();
            (Some(*status), Response { description, content, ..Response::default() })
        });
        described.collect()
    }
}

/// The routes with the description of all of them beside.
pub(super) fn described(routes: ApiRouter<Desk>) -> Router<Desk> {
    let mut api = OpenApi::default();
    let routes = describe(routes, &mut api);
    // It is made once; it never changes while this program runs.
    let text: Arc<str> = serde_json::to_string(&api).unwrap_or_default().into();
    routes.route("/openapi.json", get(move || async move { json(&text) }))
}

fn describe(routes: ApiRouter<Desk>, api: &mut OpenApi) -> Router<Desk> {
    api.info = info();
    api.servers = vec![Server { url: ROOT.to_owned(), ..Server::default() }];
    let routes = routes.finish_api(api);
    name_paths(api);
    take_keys(api);
    take_marks(api);
    let components = api.components.get_or_insert_default();
    add_answers(components);
    add_security(components);
    api.security = [("token", vec![]), ("session", vec![])]
        .map(|(scheme, scopes)| [(scheme.to_owned(), scopes)].into_iter().collect())
        .into();
    routes
}

fn json(text: &str) -> impl axum::response::IntoResponse + use<> {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], text.to_owned())
}

fn info() -> Info {
    Info {
        title: "Conclave".to_owned(),
        description: Some(
            "All that the console does. A script shows a token (`Authorization: Bearer …`); a browser has a session in a \
             cookie, and sends `X-Conclave: 1` with what changes something. Fields are only ever added."
                .to_owned(),
        ),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Info::default()
    }
}

/// What changes something takes a key with which it may be sent again.
fn take_keys(api: &mut OpenApi) {
    let paths = api.paths.iter_mut().flat_map(|paths| paths.paths.values_mut());
    for item in paths.filter_map(ReferenceOr::as_item_mut) {
        let changing = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in changing.into_iter().flatten() {
            let schema = json_schema!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$" });
            let what = "The same request with the same key, within a day, is not done again: it gets the same answer";
            let parameter_data = parameter("Idempotency-Key", Some(what), false, schema);
            let key = Parameter::Header { parameter_data, style: HeaderStyle::Simple };
            operation.parameters.push(ReferenceOr::Item(key));
        }
    }
}

/// What changes a room, a meeting room or a person takes the mark that whoever asks has seen.
fn take_marks(api: &mut OpenApi) {
    const MARKED: [&str; 6] = [
        "/rooms/{room}",
        "/rooms/{room}/place",
        "/vmrs/{number}",
        "/vmrs/{number}/pin",
        "/vmrs/{number}/moderators",
        "/people/{person}",
    ];
    for path in MARKED {
        let item = api.paths.as_mut().and_then(|paths| paths.paths.get_mut(path));
        let Some(item) = item.and_then(ReferenceOr::as_item_mut) else { continue };
        // A PIN is taken away so; elsewhere all of it would be gone.
        let deleting = item.delete.as_mut().filter(|_| path.ends_with("/pin"));
        let changing = [item.put.as_mut(), item.patch.as_mut(), deleting];
        for operation in changing.into_iter().flatten() {
            let schema = json_schema!({ "type": "string", "pattern": "^\"[0-9a-f]{16}\"$" });
            let what = "The `mark` of what is changed, in quotation marks: nothing is done when it is another one by now";
            let parameter_data = parameter("If-Match", Some(what), false, schema);
            let seen = Parameter::Header { parameter_data, style: HeaderStyle::Simple };
            operation.parameters.push(ReferenceOr::Item(seen));
        }
    }
}

/// Every name in a path is a text: an id, a name or a number.
fn name_paths(api: &mut OpenApi) {
    let paths = api.paths.iter_mut().flat_map(|paths| &mut paths.paths);
    for (path, item) in paths {
        let ReferenceOr::Item(item) = item else { continue };
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        item.parameters.extend(names.map(|name| ReferenceOr::Item(in_path(name))));
    }
}

fn in_path(name: &str) -> Parameter {
    let schema = json_schema!({ "type": "string", "minLength": 1 });
    Parameter::Path {
        parameter_data: parameter(name, None, true, schema),
        style: PathStyle::Simple,
    }
}

fn parameter(name: &str, what: Option<&str>, required: bool, schema: Schema) -> ParameterData {
    ParameterData {
        name: name.to_owned(),
        description: what.map(str::to_owned),
        required,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(object(schema)),
        example: None,
        examples: Default::default(),
        explode: None,
        extensions: Default::default(),
    }
}

/// Each answer by itself: which one a route gives, the route says.
fn add_answers(components: &mut Components) {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let all = ControlAnswer::json_schema(&mut generator);
    let answers = all.get("oneOf").and_then(Value::as_array).into_iter().flatten().cloned();
    for schema in answers {
        let word = schema.pointer("/properties/answer/const").and_then(Value::as_str);
        let Some(name) = word.map(name_of) else { continue };
        if let Ok(schema) = Schema::try_from(schema) {
            components.schemas.insert(name, object(schema));
        }
    }
    for (name, schema) in generator.take_definitions(true) {
        if let Ok(schema) = Schema::try_from(schema) {
            components.schemas.insert(name, object(schema));
        }
    }
}

fn add_security(components: &mut Components) {
    let token = SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some("A token from the page \"Your account\"; it has scopes".to_owned()),
        extensions: Default::default(),
    };
    let session = SecurityScheme::ApiKey {
        location: aide::openapi::ApiKeyLocation::Cookie,
        name: "__Host-session".to_owned(),
        description: Some("A browser that is signed in".to_owned()),
        extensions: Default::default(),
    };
    for (name, scheme) in [("token", token), ("session", session)] {
        components.security_schemes.insert(name.to_owned(), ReferenceOr::Item(scheme));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::api_routes;
    use std::collections::BTreeSet;

    fn description() -> Value {
        let mut api = OpenApi::default();
        let _ = describe(api_routes(), &mut api);
        serde_json::to_value(&api).unwrap()
    }

    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn everything_that_the_description_names_is_in_it() {
        let api = description();
        assert_eq!(api["openapi"], "3.1.0");
        let mut found = BTreeSet::new();
        references(&api, &mut found);
        assert!(found.contains("#/components/schemas/RoomsAnswer"), "{found:?}");
        for reference in found {
            let there = api.pointer(reference.trim_start_matches('#'));
            assert!(there.is_some(), "{reference} is not there");
        }
    }

    #[test]
    fn every_operation_says_what_it_is_for_and_what_it_answers() {
        let api = description();
        let paths = api["paths"].as_object().unwrap();
        assert!(paths.len() > 30);
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                if method == "parameters" {
                    continue;
                }
                let named = |name: &str| operation[name].as_str().is_some_and(|it| !it.is_empty());
                assert!(named("summary"), "{method} {path} has no summary");
                let answers = operation["responses"].as_object().unwrap();
                assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
                assert!(answers.contains_key("401"), "{method} {path}");
            }
        }
    }

    #[test]
    fn every_answer_that_can_be_given_is_given_by_some_route() {
        let api = description();
        let mut found = BTreeSet::new();
        references(&api["paths"], &mut found);
        let schemas = api["components"]["schemas"].as_object().unwrap();
        for name in schemas.keys().filter(|name| name.ends_with("Answer")) {
            let reference = format!("#/components/schemas/{name}");
            assert!(found.contains(reference.as_str()), "no route gives {name}: skip its schema");
        }
    }
}
