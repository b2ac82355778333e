//! What is only looked at. Every role may.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::desk::Desk;
use crate::desk::audiences::{Audience, Condition, Count};
use crate::desk::connections::{InHand, SetUp};
use crate::desk::destinations::Destination;
use crate::desk::files::{Audited, Files, Merged, Past};
use crate::desk::overview::Overview;
use crate::desk::people::{Found, Person, Search};
use crate::desk::plugins::Plugin;
use crate::desk::runs::{Refused, Request, Run, Runs, Waiting};
use crate::desk::sources::Source;
use crate::desk::traits::Path as TraitPath;
use crate::problem::Problem;
use crate::routes::asks::{Body, Items, Link, Named};

type Answer<T> = Result<Json<T>, Problem>;

/// What a list begins before.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Before {
    /// The number that the last page ended with.
    before: Option<i64>,
}

/// Texts in hand, and whether requests are shown whole.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Bodies {
    /// Also headers and bodies of requests; for operators, with a line in the audit log.
    #[serde(default)]
    #[param(required = false)]
    bodies: bool,
}

/// How the host is, every connection, and what needs a person first.
#[utoipa::path(get, path = "/overview", responses((status = 200, body = Overview)))]
pub(super) async fn overview(State(desk): State<Desk>, _: Caller) -> Answer<Overview> {
    desk.overview().await.map(Json)
}

/// Every audience.
#[utoipa::path(get, path = "/audiences", responses((status = 200, body = Vec<Audience>)))]
pub(super) async fn audiences(State(desk): State<Desk>, _: Caller) -> Answer<Vec<Audience>> {
    desk.audiences().await.map(Json)
}

/// One audience.
#[utoipa::path(get, path = "/audiences/{key}", params(("key" = String, Path, example = "gold_customers")), responses((status = 200, body = Audience)))]
pub(super) async fn audience(State(desk): State<Desk>, _: Caller, Named(key): Named<String>) -> Answer<Audience> {
    desk.audience(&key).await.map(Json)
}

/// Who meets a condition in hand: how many, and some by their shape.
#[utoipa::path(post, path = "/conditions/count", request_body = Condition, responses((status = 200, body = Count)))]
pub(super) async fn count(State(desk): State<Desk>, _: Caller, Body(condition): Body<Condition>) -> Answer<Count> {
    desk.count(condition).await.map(Json)
}

/// How a connection is set up.
#[utoipa::path(get, path = "/connections/{audience}/{destination}",
    params(Link), responses((status = 200, body = SetUp)))]
pub(super) async fn connection(
    State(desk): State<Desk>,
    _: Caller,
    Named(Link { audience, destination }): Named<Link>,
) -> Answer<SetUp> {
    desk.connection(&audience, &destination).await.map(Json)
}

/// Which field each trait of a connection goes into, and why; of texts in hand, or of the files.
#[utoipa::path(post, path = "/connections/{audience}/{destination}/match", request_body = InHand,
    params(Link), responses((status = 200, body = Vec<Object>)))]
pub(super) async fn matching(
    State(desk): State<Desk>,
    _: Caller,
    Named(Link { audience, destination }): Named<Link>,
    Body(in_hand): Body<InHand>,
) -> Answer<Vec<enroute_sync::Matched>> {
    desk.matching(in_hand, &audience, &destination).await.map(Json)
}

/// What a sync of a connection would do, as `enroute plan --json` tells it; of texts in hand, or of the files.
#[utoipa::path(post, path = "/connections/{audience}/{destination}/plan", request_body = InHand,
    params(Link, Bodies), responses((status = 200, body = Vec<Object>)))]
pub(super) async fn plan(
    State(desk): State<Desk>,
    caller: Caller,
    Named(Link { audience, destination }): Named<Link>,
    Items(Bodies { bodies }): Items<Bodies>,
    Body(in_hand): Body<InHand>,
) -> Answer<Vec<enroute_sync::LinkPlan>> {
    desk.plan(in_hand, (&audience, &destination), bodies.then_some(&caller)).await.map(Json)
}

/// Every destination.
#[utoipa::path(get, path = "/destinations", responses((status = 200, body = Vec<Destination>)))]
pub(super) async fn destinations(State(desk): State<Desk>, _: Caller) -> Answer<Vec<Destination>> {
    desk.destinations().await.map(Json)
}

/// One destination.
#[utoipa::path(get, path = "/destinations/{name}", params(("name" = String, Path, example = "braze-eu")), responses((status = 200, body = Destination)))]
pub(super) async fn destination(
    State(desk): State<Desk>,
    _: Caller,
    Named(name): Named<String>,
) -> Answer<Destination> {
    desk.destination(&name).await.map(Json)
}

/// The plugins, with what each asks for.
#[utoipa::path(get, path = "/plugins", responses((status = 200, body = Vec<Plugin>)))]
pub(super) async fn plugins(State(desk): State<Desk>, _: Caller) -> Answer<Vec<Plugin>> {
    desk.plugins().await.map(Json)
}

/// One plugin.
#[utoipa::path(get, path = "/plugins/{id}", params(("id" = String, Path, example = "braze")), responses((status = 200, body = Plugin)))]
pub(super) async fn plugin(State(desk): State<Desk>, _: Caller, Named(id): Named<String>) -> Answer<Plugin> {
    desk.plugin(&id).await.map(Json)
}

/// Runs, the newest first.
#[utoipa::path(get, path = "/runs", params(Before), responses((status = 200, body = Runs)))]
pub(super) async fn runs(State(desk): State<Desk>, _: Caller, Items(page): Items<Before>) -> Answer<Runs> {
    desk.runs(page.before, None).await.map(Json)
}

/// One run.
#[utoipa::path(get, path = "/runs/{number}", params(("number" = i64, Path, example = 1)), responses((status = 200, body = Run)))]
pub(super) async fn run(State(desk): State<Desk>, _: Caller, Named(number): Named<i64>) -> Answer<Run> {
    desk.run(number).await.map(Json)
}

/// The requests of a run, the newest first.
#[utoipa::path(get, path = "/runs/{number}/requests", params(("number" = i64, Path, example = 1)), responses((status = 200, body = Vec<Request>)))]
pub(super) async fn requests(State(desk): State<Desk>, _: Caller, Named(number): Named<i64>) -> Answer<Vec<Request>> {
    desk.requests(number).await.map(Json)
}

/// Who waits, by connection and reason.
#[utoipa::path(get, path = "/waiting", responses((status = 200, body = Vec<Waiting>)))]
pub(super) async fn waiting(State(desk): State<Desk>, _: Caller) -> Answer<Vec<Waiting>> {
    desk.waiting().await.map(Json)
}

/// Who stands refused, by connection and reason.
#[utoipa::path(get, path = "/refused", responses((status = 200, body = Vec<Refused>)))]
pub(super) async fn refused(State(desk): State<Desk>, _: Caller) -> Answer<Vec<Refused>> {
    desk.refused().await.map(Json)
}

/// Looks for people by an id or an identifier, exactly.
#[utoipa::path(post, path = "/people/search", request_body = Search, responses((status = 200, body = Vec<Found>)))]
pub(super) async fn people(State(desk): State<Desk>, _: Caller, Body(search): Body<Search>) -> Answer<Vec<Found>> {
    desk.find_people(search).await.map(Json)
}

/// Somebody's story, with values by their shape.
#[utoipa::path(get, path = "/people/{handle}", params(("handle" = String, Path)), responses((status = 200, body = Person)))]
pub(super) async fn person(State(desk): State<Desk>, _: Caller, Named(handle): Named<String>) -> Answer<Person> {
    desk.person(&handle, None).await.map(Json)
}

/// What the newest thousand people have.
#[utoipa::path(get, path = "/traits", responses((status = 200, body = Vec<TraitPath>)))]
pub(super) async fn traits(State(desk): State<Desk>, _: Caller) -> Answer<Vec<TraitPath>> {
    desk.traits().await.map(Json)
}

/// Every source.
#[utoipa::path(get, path = "/sources", responses((status = 200, body = Vec<Source>)))]
pub(super) async fn sources(State(desk): State<Desk>, _: Caller) -> Answer<Vec<Source>> {
    desk.sources().await.map(Json)
}

/// The two files, with their version and their mistakes.
#[utoipa::path(get, path = "/files", responses((status = 200, body = Files)))]
pub(super) async fn files(State(desk): State<Desk>, _: Caller) -> Answer<Files> {
    desk.files().await.map(Json)
}

/// The mistakes that texts in hand would have, as `enroute check --json` tells them.
#[utoipa::path(post, path = "/files/check", request_body = InHand, responses((status = 200, body = Vec<Object>)))]
pub(super) async fn check(State(desk): State<Desk>, _: Caller, Body(in_hand): Body<InHand>) -> Answer<Vec<Value>> {
    desk.check(in_hand.plugins, in_hand.audiences).await.map(Json)
}

/// Edits that were saved through the host, the newest first.
#[utoipa::path(get, path = "/files/history", params(Before), responses((status = 200, body = Vec<Past>)))]
pub(super) async fn history(State(desk): State<Desk>, _: Caller, Items(page): Items<Before>) -> Answer<Vec<Past>> {
    desk.history(page.before).await.map(Json)
}

/// The texts of an edit.
#[utoipa::path(get, path = "/files/history/{edit}", params(("edit" = i64, Path, example = 1)), responses((status = 200, body = Merged)))]
pub(super) async fn past(State(desk): State<Desk>, _: Caller, Named(edit): Named<i64>) -> Answer<Merged> {
    let (plugins, audiences) = desk.past(edit).await?;
    Ok(Json(Merged { plugins, audiences }))
}

/// Who changed or revealed what, the newest first. For admins.
#[utoipa::path(get, path = "/audit", params(Before), responses((status = 200, body = Vec<Audited>)))]
pub(super) async fn audit(
    State(desk): State<Desk>,
    caller: Caller,
    Items(page): Items<Before>,
) -> Answer<Vec<Audited>> {
    desk.audit(&caller, page.before).await.map(Json)
}
