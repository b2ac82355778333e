//! What changes something, or shows what is otherwise masked. Each needs a role, and leaves a line in the audit log.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use enroute_store::access::Role;
use enroute_store::letters;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{self, Caller};
use crate::desk::connections::InHand;
use crate::desk::destinations::Probed;
use crate::desk::files::{Edit, Saved};
use crate::desk::people::Person;
use crate::desk::{Desk, moment};
use crate::problem::{Details, Problem};
use crate::routes::asks::{Body, Link, Named};

type Answer<T> = Result<Json<T>, Problem>;

/// Whom to try.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Try {
    /// The profile's id.
    person: String,
    /// Send what is shown.
    #[serde(default)]
    send: bool,
    /// Texts in hand.
    #[serde(default)]
    in_hand: InHand,
}

/// Whom to bring back.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Retry {
    /// Only of this audience.
    #[serde(default)]
    audience: Option<String>,
    /// Only at this destination.
    #[serde(default)]
    destination: Option<String>,
    /// Only those refused with this code; those who were given up where it is left out.
    #[serde(default)]
    code: Option<String>,
}

/// Who was brought back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BroughtBack {
    /// How many; they go out with the next run, which begins at once.
    members: u64,
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Wanted {
    /// What people call it.
    #[schema(max_length = 64)]
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// For how many days it is good; for ever where that is left out.
    #[serde(default)]
    #[schema(maximum = 3650)]
    days: Option<u32>,
}

/// A token, without what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    /// Its name.
    name: String,
    /// What it is good for.
    role: String,
    /// In UTC, as all moments here.
    created: String,
    /// Until when it is good.
    expires: Option<String>,
    /// When it was used last.
    used: Option<String>,
    /// When it was taken back.
    revoked: Option<String>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Made {
    /// What it is: told now and never again.
    token: String,
    /// What is kept of it.
    kept: Token,
}

fn kept(token: enroute_store::access::Token) -> Token {
    Token {
        name: token.name,
        role: token.role.word().to_owned(),
        created: moment(token.created_ms),
        expires: token.expires_ms.map(moment),
        used: token.used_ms.map(moment),
        revoked: token.revoked_ms.map(moment),
    }
}

/// Gives a connection a turn now. For operators.
#[utoipa::path(post, path = "/connections/{audience}/{destination}/run",
    params(Link), responses((status = 202, description = "it has a turn as soon as it can")))]
pub(super) async fn run_now(
    State(desk): State<Desk>,
    caller: Caller,
    Named(Link { audience, destination }): Named<Link>,
) -> Result<StatusCode, Problem> {
    desk.sync_now(&caller, &audience, &destination).await.map(|()| StatusCode::ACCEPTED)
}

/// Tries one person at a connection, as `enroute try --json` tells it; with `send`, what is shown is sent. For operators.
#[utoipa::path(post, path = "/connections/{audience}/{destination}/try", request_body = Try,
    params(Link), responses((status = 200, body = Object)))]
pub(super) async fn try_person(
    State(desk): State<Desk>,
    caller: Caller,
    Named(Link { audience, destination }): Named<Link>,
    Body(Try { person, send, in_hand }): Body<Try>,
) -> Answer<enroute_sync::Trial> {
    desk.try_person(&caller, in_hand, (&audience, &destination), (&person, send)).await.map(Json)
}

/// Tries the credential of a destination; nothing there is changed. For operators.
#[utoipa::path(post, path = "/destinations/{name}/probe", request_body = InHand, params(("name" = String, Path, example = "braze-eu")), responses((status = 200, body = Vec<Probed>)))]
pub(super) async fn probe(
    State(desk): State<Desk>,
    caller: Caller,
    Named(name): Named<String>,
    Body(in_hand): Body<InHand>,
) -> Answer<Vec<Probed>> {
    desk.probe(&caller, in_hand, &name).await.map(Json)
}

/// Brings back those who were given up, or were refused with a code. For operators.
#[utoipa::path(post, path = "/retry", request_body = Retry, responses((status = 200, body = BroughtBack)))]
pub(super) async fn retry(State(desk): State<Desk>, caller: Caller, Body(wanted): Body<Retry>) -> Answer<BroughtBack> {
    let code = wanted.code.unwrap_or_else(|| letters::GIVEN_UP.to_owned());
    let Retry { audience, destination, .. } = wanted;
    let wanted = letters::Wanted { audience, destination, code: Some(code), ..letters::Wanted::default() };
    let members = desk.retry(&caller, wanted).await?;
    Ok(Json(BroughtBack { members }))
}

/// Somebody's story with values as they are. For operators; the audit log has it.
#[utoipa::path(post, path = "/people/{handle}/reveal", params(("handle" = String, Path)), responses((status = 200, body = Person)))]
pub(super) async fn reveal(State(desk): State<Desk>, caller: Caller, Named(handle): Named<String>) -> Answer<Person> {
    desk.person(&handle, Some(&caller)).await.map(Json)
}

/// Has a source read now. For operators.
#[utoipa::path(post, path = "/sources/{name}/read", params(("name" = String, Path, example = "crm")), responses((status = 202, description = "it is read as soon as it can be")))]
pub(super) async fn read_source(
    State(desk): State<Desk>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    desk.read_source(&caller, &name).await.map(|()| StatusCode::ACCEPTED)
}

/// Saves the two files over the version that the edit began with. For operators; `[plugin.…]` tables for admins.
#[utoipa::path(put, path = "/files", request_body = Edit, responses((status = 200, body = Saved),
    (status = 409, body = Details, content_type = "application/problem+json")))]
pub(super) async fn save(State(desk): State<Desk>, caller: Caller, Body(edit): Body<Edit>) -> Answer<Saved> {
    desk.save(&caller, edit).await.map(Json)
}

/// Every token. For admins.
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = Vec<Token>)))]
pub(super) async fn tokens(State(desk): State<Desk>, caller: Caller) -> Answer<Vec<Token>> {
    caller.needs(Role::Admin)?;
    desk.read(|_, reader| Ok(enroute_store::access::all(reader)?.into_iter().map(kept).collect())).await.map(Json)
}

/// Makes a token; what it is is in this answer and nowhere else. For admins.
#[utoipa::path(post, path = "/tokens", request_body = Wanted, responses((status = 201, body = Made)))]
pub(super) async fn new_token(
    State(desk): State<Desk>,
    caller: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    // Who may come in is no part of the two files, so that a host that only reads them gives tokens all the same.
    caller.needs(Role::Admin)?;
    let role = Role::parse(&wanted.role);
    let role = role.ok_or_else(|| Problem::invalid("there is no such role", "use viewer, operator or admin"))?;
    let made = desk
        .aside(move |desk| {
            let now_ms = desk.now_ms();
            let expires_ms = wanted.days.map(|days| now_ms + u64::from(days) * 24 * 60 * 60 * 1000);
            access::new_token(desk.store(), &caller, (&wanted.name, role), (now_ms, expires_ms))
        })
        .await?;
    Ok((StatusCode::CREATED, Json(Made { token: made.0, kept: kept(made.1) })))
}

/// Takes a token back, with its logins. For admins.
#[utoipa::path(delete, path = "/tokens/{name}", params(("name" = String, Path)), responses((status = 204, description = "it is good for nothing any more")))]
pub(super) async fn revoke_token(
    State(desk): State<Desk>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    caller.needs(Role::Admin)?;
    desk.aside(move |desk| access::revoke(desk.store(), &caller, &name, desk.now_ms())).await?;
    Ok(StatusCode::NO_CONTENT)
}
