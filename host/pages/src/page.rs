//! What every page has: its frame, the headers that keep it safe, and how a page tells that something went wrong.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use enroute_api::access::secret;
use enroute_api::{Caller, Desk, Problem};
use enroute_store::access::Role;
use serde_json::Value as Json;

use crate::form::Form;
use crate::words::escaped;

/// Most bytes of a form.
const FORM_BYTES_MAX: usize = 9 << 20;

/// Most forms that wait for a login.
const DRAFTS_MAX: usize = 32;

/// What pages may load and do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'";

/// Who looks, and what each form must say.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// The caller of the desk.
    pub caller: Caller,
    /// What forms carry.
    pub csrf: String,
}

impl Who {
    /// The token's name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.caller.name
    }

    /// Whether files may be changed and values be seen.
    #[must_use]
    pub(crate) fn operates(&self) -> bool {
        self.caller.role >= Role::Operator
    }

    /// Whether tokens may be given out.
    #[must_use]
    pub(crate) fn administers(&self) -> bool {
        self.caller.role >= Role::Admin
    }
}

/// What handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// What is asked.
    pub desk: Desk,
    drafts: Arc<Mutex<VecDeque<Draft>>>,
}

/// A form whose sender had to log in first.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    id: String,
    /// Where it was sent.
    pub action: String,
    /// What it said.
    pub form: Form,
}

impl App {
    /// Over a desk.
    #[must_use]
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk, drafts: Arc::default() }
    }

    /// Keeps a form until its sender is back, and tells what it is called.
    fn keep(&self, action: String, mut form: Form) -> String {
        let Ok(id) = secret("") else { return String::new() };
        form.drop_all(&["csrf"]);
        let mut drafts = self.drafts.lock().unwrap_or_else(PoisonError::into_inner);
        if drafts.len() == DRAFTS_MAX {
            drafts.pop_front();
        }
        drafts.push_back(Draft { id: id.clone(), action, form });
        id
    }

    /// Takes a form back.
    #[must_use]
    pub(crate) fn draft(&self, id: &str) -> Option<Draft> {
        let mut drafts = self.drafts.lock().unwrap_or_else(PoisonError::into_inner);
        let at = drafts.iter().position(|draft| draft.id == id)?;
        drafts.remove(at)
    }

    /// The frame of a page.
    #[must_use]
    pub(crate) fn frame(&self, who: &Who, section: &'static str, title: impl Into<String>) -> Frame {
        let told = self.desk.handle().state();
        let refused = told.pointer("/configuration/refused").and_then(Json::as_str);
        Frame {
            title: title.into(),
            section,
            who: who.clone(),
            read_only: self.desk.is_read_only(),
            broken: refused.map(|text| text.lines().take(8).collect::<Vec<_>>().join("\n")),
            notice: String::new(),
        }
    }
}

/// What stands around a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Of the page.
    pub title: String,
    /// The entry of the menu.
    pub section: &'static str,
    /// Who looks.
    pub who: Who,
    /// Whether forms only show lines.
    pub read_only: bool,
    /// Why the files are not in force.
    pub broken: Option<String>,
    /// What was done just now.
    pub notice: String,
}

impl Frame {
    /// The same with a notice.
    #[must_use]
    pub(crate) fn saying(mut self, notice: impl Into<String>) -> Self {
        self.notice = notice.into();
        self
    }

    /// Addresses and names.
    #[must_use]
    pub(crate) const fn menu(&self) -> [(&'static str, &'static str); 9] {
        [
            ("/", "Home"),
            ("/audiences", "Audiences"),
            ("/destinations", "Destinations"),
            ("/activity", "Activity"),
            ("/people", "People"),
            ("/sources", "Sources"),
            ("/plugins", "Plugins"),
            ("/config", "Configuration"),
            ("/access", "Access"),
        ]
    }

    /// Whether forms that change something are shown.
    #[must_use]
    pub(crate) fn may_edit(&self) -> bool {
        self.who.operates()
    }
}

#[derive(Template)]
#[template(path = "told.html")]
struct Told {
    f: Frame,
    tone: &'static str,
    text: String,
    lines: String,
    back: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    to: &'a str,
    draft: &'a str,
    wrong: &'a str,
}

/// A page.
pub(crate) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A page that tells what went wrong, with the rest of the house still there.
pub(crate) fn failed(frame: Frame, problem: &Problem, back: &str) -> Response {
    let lines = match problem {
        Problem::Mistakes(mistakes) => mistakes.iter().map(told).collect::<Vec<_>>().join("\n"),
        other => other.hint(),
    };
    let tone = if problem.status().is_server_error() { "bad" } else { "warn" };
    let page = Told { f: frame, tone, text: sentence(&problem.to_string()), lines, back: back.to_owned() };
    (problem.status(), html(&page)).into_response()
}

/// A text as a sentence.
#[must_use]
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    let text: String = first.into_iter().flatten().chain(chars).collect();
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

/// A mistake of the files in one line.
#[must_use]
pub(crate) fn told(mistake: &Json) -> String {
    let text = |name: &str| mistake.get(name).and_then(Json::as_str).unwrap_or_default();
    let line = mistake.get("line").and_then(Json::as_u64);
    let at = line.map(|line| format!("{}:{line}: ", text("file"))).unwrap_or_default();
    let hint = if text("hint").is_empty() { String::new() } else { format!("; {}", text("hint")) };
    format!("{at}{} {}: {}{hint}", text("severity"), text("code"), text("message"))
}

/// The way in.
pub(crate) fn login(to: &str, draft: &str, wrong: &str, status: StatusCode) -> Response {
    (status, html(&Login { to, draft, wrong })).into_response()
}

/// Lets in who has a session, and forms that come from a page of ours; gives every answer its headers.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut answer = passed(&app, request, next).await;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it browsers send forms with the origin `null`, and every form of ours were refused.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_asset {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

async fn passed(app: &App, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/assets/") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let is_change = parts.method != Method::GET && parts.method != Method::HEAD;
    if is_change && !is_ours(&parts.headers) {
        return (StatusCode::FORBIDDEN, "A form of another site was refused; nothing was changed.\n").into_response();
    }
    let Ok(bytes) = to_bytes(body, FORM_BYTES_MAX).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.\n").into_response();
    };
    let form = Form::read(&bytes);
    let cookie = cookie(&parts.headers);
    let address = address(&parts.extensions);
    let who = match cookie.clone() {
        None => None,
        Some(cookie) => {
            let known = app.desk.aside(move |desk| {
                let caller = desk.door().by_login(&cookie, address, desk.now_ms())?;
                Ok(Who { caller, csrf: desk.door().form_key(&cookie) })
            });
            known.await.ok()
        }
    };
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let mut request = Request::from_parts(parts, Body::empty());
    match who {
        _ if path == "/login" => {}
        None if is_change => {
            let draft = app.keep(target, form);
            return login("/", &draft, "", StatusCode::UNAUTHORIZED);
        }
        None => return Redirect::to(&format!("/login?to={}", escaped(&target))).into_response(),
        Some(who) if is_change && form.text("csrf") != who.csrf => {
            // A page of before this session: what was typed is not lost.
            return resume(app, &who, target, &form);
        }
        Some(who) => {
            request.extensions_mut().insert(who);
        }
    }
    request.extensions_mut().insert(form);
    next.run(request).await
}

#[derive(Template)]
#[template(path = "resume.html")]
struct Resume {
    f: Frame,
    action: String,
    pairs: Vec<(String, String)>,
}

/// A form again, for who came back.
pub(crate) fn resume(app: &App, who: &Who, action: String, form: &Form) -> Response {
    let pairs = form.pairs().iter().filter(|(name, _)| name != "csrf").cloned().collect();
    html(&Resume { f: app.frame(who, "", "Go on"), action, pairs })
}

/// The name of the cookie.
pub(crate) const COOKIE: &str = "enroute_login";

/// What the cookie says.
#[must_use]
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|one| one.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// Where a request comes from.
#[must_use]
pub(crate) fn address(extensions: &Extensions) -> IpAddr {
    let told = extensions.get::<ConnectInfo<SocketAddr>>();
    told.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical())
}

/// Whether a request that changes something comes from a page of ours.
#[must_use]
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    match text("origin") {
        Some(origin) => {
            origin.split_once("://").is_some_and(|(scheme, at)| matches!(scheme, "http" | "https") && at == host)
        }
        None => text("sec-fetch-site") == Some("same-origin"),
    }
}

/// A page, or what went wrong with it in the same frame.
pub(crate) fn shown<T: Template>(
    app: &App,
    who: &Who,
    (section, title, back): (&'static str, &str, &str),
    page: Result<T, Problem>,
) -> Response {
    match page {
        Ok(page) => html(&page),
        Err(problem) => failed(app.frame(who, section, title), &problem, back),
    }
}
