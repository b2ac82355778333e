//! The way in and out; tokens and the audit log.

use std::collections::HashMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use enroute_api::Problem;
use enroute_api::access::{LOGIN_MS, new_token as make_token, revoke as take_back};
use enroute_api::desk::files::Audited;
use enroute_store::access::{self, Role, Token};

use crate::form::Form;
use crate::page::{App, COOKIE, Frame, Who, address, cookie, failed, login, resume, shown};

/// The page on which a token is asked for.
pub(super) async fn login_page(Query(asked): Query<HashMap<String, String>>) -> Response {
    login(asked.get("to").map_or("/", String::as_str), "", "", StatusCode::OK)
}

/// Whether an address is a page of ours.
fn inside(to: &str) -> &str {
    if to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']) { to } else { "/" }
}

/// Lets somebody in.
pub(super) async fn log_in(State(app): State<App>, request: Request) -> Response {
    let form = request.extensions().get::<Form>().cloned().unwrap_or_default();
    let from = address(request.extensions());
    let token = form.text("token").trim().to_owned();
    let is_secure = request.headers().get("origin").is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
    let entered = app.desk.aside(move |desk| desk.door().log_in(&token, from, desk.now_ms())).await;
    let (secret, caller) = match entered {
        Ok(entered) => entered,
        Err(problem) => {
            let wrong = crate::page::sentence(&problem.to_string());
            return login(inside(form.text("to")), form.text("draft"), &wrong, problem.status());
        }
    };
    let who = Who { csrf: app.desk.door().form_key(&secret), caller };
    let mut answer = match app.draft(form.text("draft")) {
        Some(draft) => resume(&app, &who, draft.action, &draft.form),
        None => Redirect::to(inside(form.text("to"))).into_response(),
    };
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", LOGIN_MS / 1_000);
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
    answer
}

/// Ends a login.
pub(super) async fn log_out(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(secret) = cookie(&headers) {
        // What cannot be ended now ends by itself.
        let _ = app.desk.aside(move |desk| desk.door().log_out(&secret)).await;
    }
    let mut answer = Redirect::to("/login").into_response();
    let text = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
    answer
}

#[derive(Template)]
#[template(path = "access.html")]
struct Access {
    f: Frame,
    tokens: Vec<Shown>,
    made: String,
    audit: Vec<Audited>,
}

struct Shown {
    name: String,
    role: &'static str,
    used: String,
}

/// The page.
pub(super) async fn show(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let page = page(&app, &who, String::new()).await;
    shown(&app, &who, ("Access", "Access", "/"), page)
}

async fn page(app: &App, who: &Who, made: String) -> Result<Access, Problem> {
    let f = app.frame(who, "Access", "Access");
    if !who.administers() {
        return Ok(Access { f, tokens: Vec::new(), made, audit: Vec::new() });
    }
    let tokens = app
        .desk
        .read(|desk, reader| {
            let now_ms = desk.now_ms();
            let good = |one: &Token| one.is_good(now_ms);
            let shown = |one: Token| Shown {
                used: one.used_ms.map(enroute_sync::moment).unwrap_or_default(),
                role: one.role.word(),
                name: one.name,
            };
            Ok(access::all(reader)?.into_iter().filter(good).map(shown).collect())
        })
        .await?;
    Ok(Access { f, tokens, made, audit: app.desk.audit(&who.caller, None).await? })
}

/// Makes a token, and shows it once.
pub(super) async fn new_token(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let (name, role) = (form.text("name").to_owned(), Role::parse(form.text("role")).unwrap_or(Role::Viewer));
    let caller = who.caller.clone();
    let made = app
        .desk
        .aside(move |desk| {
            caller.needs(Role::Admin)?;
            make_token(desk.store(), &caller, (&name, role), (desk.now_ms(), None))
        })
        .await;
    match made {
        Ok((token, _)) => {
            let page = page(&app, &who, token).await;
            shown(&app, &who, ("Access", "Access", "/access"), page)
        }
        Err(problem) => failed(app.frame(&who, "Access", "New token"), &problem, "/access"),
    }
}

/// Takes a token back.
pub(super) async fn revoke(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Response {
    let (name, caller) = (form.text("name").to_owned(), who.caller.clone());
    let done = app
        .desk
        .aside(move |desk| {
            caller.needs(Role::Admin)?;
            take_back(desk.store(), &caller, &name, desk.now_ms())
        })
        .await;
    match done {
        Ok(()) => Redirect::to("/access").into_response(),
        Err(problem) => failed(app.frame(&who, "Access", "Revoke"), &problem, "/access"),
    }
}
