//! What mode `learn` knows of the account, and how it learns it.

use enroute_sdk::{Context, Finding, Http, Place, Problem, Request, Severity, Verdict};

use crate::mode::{Mode, Settings};

/// The remote once the account was found to take one member at a time.
pub(crate) const SINGLES: &str = r#"{"way":"singles"}"#;

/// The way in which members are sent: what was learned last.
pub(crate) fn way(ctx: &Context<Settings>) -> &str {
    ctx.remote_text("/way").unwrap_or("unknown")
}

/// An account that is closed is told by the remote alone.
pub(crate) fn problems(ctx: &Context<Settings>) -> Vec<Problem> {
    let is_closed = ctx.settings().mode == Mode::Learn && way(ctx) == "closed";
    let problem = || Problem {
        severity: Severity::Error,
        place: Place::Remote,
        message: "the account is closed".to_owned(),
        hint: "open it again".to_owned(),
    };
    is_closed.then(problem).into_iter().collect()
}

/// Asks how the account is.
pub(crate) fn open(settings: &Settings, http: &mut dyn Http) -> Finding {
    if settings.mode != Mode::Learn {
        return Finding::ok();
    }
    match http.send("account", &Request::get(&settings.base_url).path(["account"])) {
        Ok(answer) if answer.is_success() => Finding::ok().remote(answer.text().into_owned()),
        Ok(answer) => Finding::verdict(Verdict::Unavailable(format!("answered {}", answer.status))),
        Err(_) => Finding::verdict(Verdict::Unavailable("no answer".to_owned())),
    }
}
