//! A person's approval: the authorization code with PKCE (RFC 6749, 7636), received on this machine (RFC 8252).
//!
//! Listens on 127.0.0.1 for as long as the login takes. A call without the right `state` changes nothing: whoever
//! reaches the port can neither end the login nor slip in an approval of their own. What must never happen: code or
//! verifier in a message.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use enroute_core::manifest::Grant;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::TokenError;
use crate::keeper::Keeper;
use crate::source::{Shared, With};
use enroute_config::secret::Secret;
use enroute_egress::{base64_url, percent, unescaped};
use enroute_store::Store;

/// Random bytes of state and verifier: 43 letters, the fewest that RFC 7636 allows.
const RANDOM_BYTES: usize = 32;
/// Connections served at a time; a browser opens a few.
const CONNECTIONS_MAX: usize = 16;
/// How long the browser has to take the page.
const PAGE_WAIT: Duration = Duration::from_secs(2);

/// Why a login came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody has to approve anything.
    #[error("destination `{0}` does not get its tokens by a login")]
    NotByLogin(String),
    /// The operator has a refresh token.
    #[error("destination `{destination}` has its refresh token in secret `{secret}`")]
    HasSecret {
        /// The destination.
        destination: String,
        /// The secret.
        secret: String,
    },
    /// The port cannot be had.
    #[error("port {port} of 127.0.0.1 cannot be listened on")]
    Listen {
        /// The port; 0 for any.
        port: u16,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    /// Nobody came back in time.
    #[error("nobody approved within {0} s")]
    Late(u64),
    /// The person or the destination refused.
    #[error("the destination did not approve: {0}")]
    Refused(String),
    /// The code brought no token.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// The token cannot be renewed.
    #[error("the destination gave no refresh token, so the login would not last")]
    NoRefreshToken,
}

/// A login that waits for a person.
pub struct Login {
    source: Shared,
    listener: TcpListener,
    redirect_uri: String,
    url: String,
    state: String,
    verifier: Secret,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({:?} to {})", self.source, self.redirect_uri)
    }
}

impl Login {
    /// Begins to listen; with port 0 on any that is free.
    ///
    /// # Errors
    /// When the destination needs no login, or the port cannot be had.
    pub async fn begin(source: Shared, port: u16) -> Result<Self, LoginError> {
        let oauth = source.oauth();
        let destination = source.destination().to_owned();
        let (Grant::RefreshToken, Some(authorize_url)) = (oauth.grant, oauth.authorize_url.as_deref()) else {
            return Err(LoginError::NotByLogin(destination));
        };
        if let Some(secret) = oauth.refresh_token.clone().filter(|_| !source.needs_login()) {
            return Err(LoginError::HasSecret { destination, secret });
        }
        let listening = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        let (listener, port) = listening.await.map_err(|cause| LoginError::Listen { port, cause })?;
        let redirect_uri = format!("http://127.0.0.1:{port}/callback");
        let (state, verifier) = (random()?, random()?);
        let challenge = base64_url(&Sha256::digest(verifier.as_bytes()));
        let scope = oauth.scopes.join(" ");
        let mut url = authorize_url.to_owned();
        let mut mark = if url.contains('?') { '&' } else { '?' };
        let items = [
            ("response_type", "code"),
            ("client_id", oauth.client_id.as_deref().unwrap_or_default()),
            ("redirect_uri", redirect_uri.as_str()),
            ("scope", scope.as_str()),
            ("state", state.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in items.into_iter().filter(|(_, value)| !value.is_empty()) {
            url.push(mark);
            url.push_str(&format!("{name}={}", percent(value)));
            mark = '&';
        }
        Ok(Self { source, listener, redirect_uri, url, state, verifier: Secret::new(verifier) })
    }

    /// What the person opens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the person comes back to.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the person, exchanges the code and keeps what it brings.
    ///
    /// # Errors
    /// When nobody approves in time, or the code brings no token that lasts.
    pub async fn finish(self, store: &Arc<Store>, now_ms: u64, wait: Duration) -> Result<(), LoginError> {
        let Self { source, listener, redirect_uri, state, verifier, .. } = self;
        let (found, mut callbacks) = mpsc::channel(1);
        let expected: Arc<str> = Arc::from(state);
        let mut serving = tokio::spawn(serve(listener, expected, found));
        let came = timeout(wait, callbacks.recv()).await.ok().flatten();
        let Some((callback, page)) = came else {
            serving.abort();
            return Err(LoginError::Late(wait.as_secs()));
        };
        // Nobody else is heard from here on.
        drop(callbacks);
        let ended = match callback {
            Callback::Refused(why) => Err(LoginError::Refused(why)),
            Callback::Code(code) => {
                let with = With::Code { code: &code, verifier: &verifier, redirect_uri: &redirect_uri };
                exchange(&source, store, with, now_ms).await
            }
        };
        let text = match &ended {
            Ok(()) => "Enroute is logged in. You can close this page.\n",
            Err(_) => "The login came to nothing. The terminal says why; you can close this page.\n",
        };
        if page.send(text).is_ok() {
            let _ = timeout(PAGE_WAIT, &mut serving).await;
        }
        serving.abort();
        ended
    }
}

async fn exchange(source: &Shared, store: &Arc<Store>, with: With<'_>, now_ms: u64) -> Result<(), LoginError> {
    let granted = source.ask(with, now_ms).await.map_err(|failed| failed.error)?;
    // A wrong account's tokens are not kept.
    if let Some(flaw) = source.flaw(&granted) {
        return Err(flaw.into());
    }
    if granted.refresh.is_none() {
        return Err(LoginError::NoRefreshToken);
    }
    let keeper = Keeper::new(Arc::clone(source), Arc::clone(store));
    let row = keeper.stored().await?;
    keeper.keep(granted, row, now_ms, None).await?;
    Ok(())
}

/// What came back with the right state.
enum Callback {
    Code(Secret),
    Refused(String),
}

type Found = mpsc::Sender<(Callback, oneshot::Sender<&'static str>)>;

/// Serves until the page of the one callback that counts has been taken.
async fn serve(listener: TcpListener, state: Arc<str>, found: Found) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                let Ok((stream, _)) = accepted else { continue };
                let (state, found) = (Arc::clone(&state), found.clone());
                connections.spawn(async move {
                    let served = service_fn(|request| answer(request, Arc::clone(&state), found.clone()));
                    let _ = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), served).await;
                });
            }
            Some(_) = connections.join_next() => {
                if found.is_closed() {
                    // Whoever is still connected may be waiting for the page.
                    while connections.join_next().await.is_some() {}
                    return;
                }
            }
        }
    }
}

async fn answer(
    request: hyper::Request<hyper::body::Incoming>,
    state: Arc<str>,
    found: Found,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, _) = request.into_parts();
    if head.method != hyper::Method::GET || head.uri.path() != "/callback" {
        return Ok(page(404, "There is nothing here.\n"));
    }
    let stranger = || page(400, "This is not the answer that `enroute login` waits for.\n");
    let Some(callback) = head.uri.query().and_then(|query| read(query, &state)) else { return Ok(stranger()) };
    let (tell, told) = oneshot::channel();
    if found.send((callback, tell)).await.is_err() {
        return Ok(stranger());
    }
    Ok(page(200, told.await.unwrap_or("The login has ended.\n")))
}

/// What a query says, if it has the right state.
fn read(query: &str, state: &str) -> Option<Callback> {
    let value = |name: &str| {
        let mut items = query.split('&').filter_map(|item| item.split_once('='));
        let (_, value) = items.find(|(known, _)| *known == name)?;
        String::from_utf8(unescaped(value)).ok().filter(|value| !value.is_empty())
    };
    if value("state")? != state {
        return None;
    }
    if let Some(error) = value("error") {
        let why = value("error_description").map_or(error.clone(), |more| format!("{error} ({more})"));
        return Some(Callback::Refused(why.chars().filter(|c| !c.is_control()).take(200).collect()));
    }
    value("code").map(|code| Callback::Code(Secret::new(code)))
}

fn page(status: u16, text: &'static str) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

fn random() -> Result<String, LoginError> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| LoginError::Random(error.to_string()))?;
    Ok(base64_url(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expect: &str) {
        let got = match read(query, "s-1") {
            Some(Callback::Code(code)) => format!("{code:?}"),
            Some(Callback::Refused(why)) => why,
            None => "stranger".to_owned(),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn only_the_right_state_counts() {
        check("state=s-1&code=4%2F0A", "[secret]");
        check("code=4&state=s%2D1", "[secret]");
        check("state=s-2&code=4", "stranger");
        check("code=4", "stranger");
        check("state=s-1", "stranger");
        check("state=s-2&error=access_denied", "stranger");
        check("state=s-1&error=access_denied&error_description=she+said%0Ano", "access_denied (she saidno)");
    }

    #[test]
    fn state_and_verifier_are_long_and_never_the_same() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }

    #[test]
    fn the_challenge_agrees_with_the_example_of_rfc_7636() {
        let digest = Sha256::digest(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(base64_url(&digest), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
