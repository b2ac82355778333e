//! Sends requests: one destination, its own pool, one answer or one reason why there is none.
//!
//! Invariant: [`Failure::Refused`], [`Failure::Denied`], [`Failure::Unreachable`] and [`Failure::Untrusted`] mean that no byte of
//! the request left; whatever happens once a connection is in hand is [`Failure::Interrupted`]. What must never happen: that a request which
//! may have left is sent again, or that an answer is waited for beyond the deadline, however slowly it drips.

use crate::address::Addresses;
use crate::connector::{ConnectError, Connector, Resolve, SystemResolver};
use crate::endpoint::TokenAnswer;
use crate::error::Error;
use crate::hosts::{Host, HostGrant, Standing};
use crate::policy::{Checked, Policy, check_filled};
use crate::preview::{Preview, preview};
use crate::refusal::{Failure, Objection, Refusal};
use crate::rules::Refused;
use crate::scrub::Scrubber;
use crate::secrets::{Credentials, Proof, prove};
use crate::slots::{Fill, Outgoing, fill};
use crate::trust;
use bytes::Bytes;
use enroute_core::request::{Item, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use rustls::RootCertStore;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How the host names itself, unless the plugin does.
const AGENT: &str = "enroute/0.1";

/// Idle connections kept for one host: as many as a bucket of a manifest commonly has requests in flight.
const IDLE_CONNECTIONS_MAX: usize = 16;

/// How long an idle connection is kept; shorter than the minute after which common servers close theirs.
const IDLE_WAIT: Duration = Duration::from_secs(30);

/// Interim answers (status 1xx) before the one that counts. Servers send one or two; more is no conversation.
const INTERIM_MAX: usize = 20;

/// What a client is made of.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What the manifest asks for and what the operator grants.
    pub hosts: HostGrant,
    /// Networks beyond the public internet that may be reached, also over plain http. Mostly empty.
    pub allow_networks: Vec<IpNet>,
    /// What authenticates requests.
    pub credentials: Credentials,
    /// What an answer may cost.
    pub limits: Limits,
}

/// The largest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body. Destinations echo a line per member at most; 1 MiB leaves room for 10,000 of them.
    pub response_bytes_max: usize,
    /// Headers. Common clients stop at 100.
    pub response_headers_max: usize,
    /// Bytes of all headers. Common servers stop at 8 to 64 KiB.
    pub response_header_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { response_bytes_max: 1 << 20, response_headers_max: 100, response_header_bytes_max: 64 << 10 }
    }
}

/// Sends the requests of one destination.
pub struct Client {
    http: legacy::Client<HttpsConnector<Connector>, Full<Bytes>>,
    policy: Policy,
    addresses: Addresses,
    credentials: Credentials,
    scrubber: Scrubber,
    limits: Limits,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("policy", &self.policy).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client with a pool of its own, so that no connection is shared between destinations.
    ///
    /// # Errors
    /// When a credential cannot be put where the manifest wants it.
    pub fn new(config: Config) -> Result<Self, Error> {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::assemble(config, Arc::new(SystemResolver), roots)
    }

    fn assemble(config: Config, resolver: Arc<dyn Resolve>, roots: RootCertStore) -> Result<Self, Error> {
        let Config { hosts, allow_networks, credentials, limits } = config;
        credentials.check()?;
        let policy = Policy::new(hosts, !allow_networks.is_empty(), credentials.owned());
        let addresses = Addresses::new(allow_networks);
        let connector = Connector::new(resolver, addresses.clone()).with_tls(roots)?;
        let http = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_WAIT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .http1_max_headers(limits.response_headers_max)
            .http1_max_buf_size(limits.response_header_bytes_max.max(8 << 10))
            .http2_max_header_list_size(u32::try_from(limits.response_header_bytes_max).unwrap_or(u32::MAX))
            .build(connector);
        let scrubber = credentials.scrubber();
        Ok(Self { http, policy, addresses, credentials, scrubber, limits })
    }

    /// Sends a request and waits for the whole answer, in all no longer than `deadline`.
    ///
    /// Redirects are answers, encoded bodies stay encoded, and cookies mean nothing.
    ///
    /// # Errors
    /// The reason why there is no answer; its kind says whether anything left.
    pub async fn send(&self, request: &Request, fill: &Fill<'_>, deadline: Duration) -> Result<Response, Failure> {
        let (outgoing, derived, credentialed) = self.prepare(request, fill).map_err(Failure::of_policy)?;
        let scrubber = match derived.as_slice() {
            [] => None,
            derived => {
                let mut scrubber = self.scrubber.clone();
                derived.iter().for_each(|(name, value)| scrubber.add(name, value));
                Some(scrubber)
            }
        };
        let scrubber = scrubber.as_ref().unwrap_or(&self.scrubber);
        self.exchange(outgoing, scrubber, credentialed, deadline).await
    }

    /// Sends a request for a token, whose answer no plugin sees.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn ask(
        &self,
        request: &Request,
        proofs: &[Proof<'_>],
        deadline: Duration,
    ) -> Result<TokenAnswer, Failure> {
        let prepare = || {
            let checked = self.policy.check(request)?;
            let mut outgoing = fill(request, checked.origin, &Fill::default())?;
            let scrubber = prove(&mut outgoing, proofs)?;
            check_filled(&outgoing)?;
            Ok((outgoing, scrubber))
        };
        let (outgoing, scrubber) = prepare().map_err(Failure::of_policy)?;
        let response = self.exchange(outgoing, &Scrubber::default(), true, deadline).await?;
        Ok(TokenAnswer::new(response, scrubber))
    }

    /// Whether a request is one that a token goes into.
    #[must_use]
    pub fn wants_token(&self, request: &Request) -> bool {
        let is_own = |checked: Checked| checked.standing == Standing::Own;
        self.credentials.oauth().is_some() && self.policy.origin(&request.origin).is_ok_and(is_own)
    }

    /// The request as `plan` shows it, with names in place of what the host fills in.
    #[must_use]
    pub fn preview(&self, request: &Request) -> Preview {
        let agent = Item { name: USER_AGENT.as_str().to_owned(), value: AGENT.to_owned() };
        let (credentials, refused) = match self.admit(request) {
            Ok(checked) if checked.standing == Standing::FromAnswer => (Vec::new(), None),
            Ok(_) => (self.credentials.masked(), None),
            Err(refused) => (self.credentials.masked(), Some(refused.to_string())),
        };
        preview(request, agent, &credentials, refused)
    }

    /// Why a prepared request would be refused, as far as that is known before it is sent: all but what fills its slots,
    /// and the addresses that a name leads to.
    #[must_use]
    pub fn objection(&self, request: &Request) -> Option<Objection> {
        let refused = self.admit(request).err()?;
        let may_be_of_a_member = refused.may_be_of_a_member();
        refused.refusal().map(|refusal| Objection { refusal, may_be_of_a_member })
    }

    /// The policy, and the address where the request names one outright.
    fn admit(&self, request: &Request) -> Result<Checked, Refused> {
        let checked = self.policy.check(request)?;
        if let Host::Address(address) = &checked.origin.host {
            let refuse = |reason| Refused::Address { host: address.to_string(), reason };
            self.addresses.check(*address, checked.origin.https).map_err(refuse)?;
        }
        Ok(checked)
    }

    /// The request as it leaves, what was computed from secrets for it, and whether it carries a credential.
    fn prepare(&self, request: &Request, values: &Fill<'_>) -> Result<Prepared, Refused> {
        let checked = self.policy.check(request)?;
        let mut outgoing = fill(request, checked.origin, values)?;
        // From here on the plugin's part is fixed; only credentials are added, and only for the destination's own hosts.
        let (derived, credentialed) = match checked.standing {
            Standing::Own => {
                let applied = self.credentials.apply(&mut outgoing, values.unix_seconds, values.token)?;
                (applied.derived, applied.any)
            }
            Standing::FromAnswer => (Vec::new(), false),
        };
        check_filled(&outgoing)?;
        Ok((outgoing, derived, credentialed))
    }

    async fn exchange(
        &self,
        outgoing: Outgoing,
        scrubber: &Scrubber,
        credentialed: bool,
        deadline: Duration,
    ) -> Result<Response, Failure> {
        let origin = outgoing.origin.to_string();
        let mut request = message(outgoing).map_err(Failure::of_policy)?;
        // Set when the request is handed to a connection; until then nothing of it can have left.
        let connection = capture_connection(&mut request);
        let interim = Interim::watch(&mut request);
        let answer = async {
            let response = tokio::select! {
                response = self.http.request(request) => response,
                () = interim.too_many() => {
                    return Err(Failure::Interrupted(format!("more than {INTERIM_MAX} interim answers came before it")));
                }
            };
            let response = response.map_err(|error| {
                if error.is_connect() {
                    not_connected(&origin, &error)
                } else {
                    Failure::Interrupted(causes(inner(&error)))
                }
            })?;
            self.read(response, scrubber, credentialed).await
        };
        match timeout(deadline, answer).await {
            Ok(outcome) => outcome,
            Err(_) if connection.connection_metadata().is_some() => {
                Err(Failure::Interrupted(format!("none came within {} ms", deadline.as_millis())))
            }
            Err(_) => {
                let waited = deadline.as_millis();
                Err(Failure::Unreachable(format!("no connection to {origin} within {waited} ms")))
            }
        }
    }

    async fn read(
        &self,
        response: hyper::Response<Incoming>,
        scrubber: &Scrubber,
        credentialed: bool,
    ) -> Result<Response, Failure> {
        let (head, body) = response.into_parts();
        let headers = self.headers(&head.headers, scrubber)?;
        let body = self.body(body).await?;
        if credentialed && !body.is_empty() && is_encoded(&head.headers) {
            // The scrubber could not find a secret that is echoed in it.
            return Err(Failure::Interrupted("its body is compressed, which was not asked for".to_owned()));
        }
        Ok(Response { status: head.status.as_u16(), headers, body: scrubber.scrub(body) })
    }

    fn headers(&self, headers: &HeaderMap, scrubber: &Scrubber) -> Result<Vec<Item>, Failure> {
        let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
        if headers.len() > self.limits.response_headers_max || bytes > self.limits.response_header_bytes_max {
            return Err(Failure::Interrupted("it has too many headers, or too large ones".to_owned()));
        }
        let item = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| Item {
            name: scrubber.scrub_text(name.as_str().as_bytes()),
            value: scrubber.scrub_text(value.as_bytes()),
        };
        Ok(headers.iter().map(item).collect())
    }

    async fn body(&self, mut body: Incoming) -> Result<Vec<u8>, Failure> {
        let max = self.limits.response_bytes_max;
        let too_large = || Failure::TooLarge(u64::try_from(max).unwrap_or(u64::MAX));
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > max {
            return Err(too_large());
        }
        let mut read = Vec::with_capacity(announced);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure::Interrupted(causes(&error)))?;
            let Some(data) = frame.data_ref() else { continue };
            if read.len() + data.len() > max {
                return Err(too_large());
            }
            read.extend_from_slice(data);
        }
        Ok(read)
    }
}

/// Counts interim answers over HTTP/1. Over HTTP/2 they are dropped as they come, and the deadline is their limit.
struct Interim(Arc<(AtomicUsize, Notify)>);

impl Interim {
    fn watch(request: &mut hyper::Request<Full<Bytes>>) -> Self {
        let seen: Arc<(AtomicUsize, Notify)> = Arc::default();
        let counted = Arc::clone(&seen);
        hyper::ext::on_informational(request, move |_| {
            if counted.0.fetch_add(1, Ordering::Relaxed) == INTERIM_MAX {
                counted.1.notify_one();
            }
        });
        Self(seen)
    }

    async fn too_many(&self) {
        self.0.1.notified().await;
    }
}

type Prepared = (Outgoing, Vec<(String, zeroize::Zeroizing<String>)>, bool);

/// The request as hyper takes it.
fn message(outgoing: Outgoing) -> Result<hyper::Request<Full<Bytes>>, Refused> {
    let Outgoing { method, origin, path, query, headers, body } = outgoing;
    let mark = if query.is_empty() { "" } else { "?" };
    // No cause is named: it might quote the URL, and that may hold a secret.
    let uri = hyper::Uri::try_from(format!("{origin}{path}{mark}{query}")).map_err(|_| Refused::Url)?;
    let method = hyper::Method::from_bytes(method.as_str().as_bytes()).map_err(|_| Refused::Url)?;
    let mut request = hyper::Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    for (name, value) in headers {
        request.headers_mut().append(name, value);
    }
    request.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    Ok(request)
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Why no connection came about: the policy's reason where an address was refused, the network's where the host was
/// not reached, and that of TLS where it was.
fn not_connected(origin: &str, error: &legacy::Error) -> Failure {
    let mut cause = error.source();
    while let Some(at) = cause {
        match at.downcast_ref::<ConnectError>() {
            Some(forbidden @ ConnectError::Forbidden { .. }) => {
                return Failure::Refused(Refusal::new(Refusal::ADDRESS, forbidden.to_string()));
            }
            Some(_) => return Failure::Unreachable(causes(at)),
            None => cause = at.source(),
        }
    }
    match trust::fault(inner(error)) {
        Some(fault) => Failure::Untrusted(format!("TLS with {origin}: {fault}")),
        None => Failure::Unreachable(format!("TLS with {origin} failed: {}", causes(inner(error)))),
    }
}

/// What is behind hyper-util's error, whose own text only names the step.
fn inner(error: &legacy::Error) -> &(dyn StdError + 'static) {
    error.source().unwrap_or(error)
}

/// An error and its causes in one line. None of them quotes the URL.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut at = Some(error);
    while let Some(error) = at {
        let text = error.to_string();
        // Wrapped errors often repeat what they wrap.
        if said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
        at = error.source();
    }
    said.join(": ")
}

#[cfg(test)]
mod tests;
