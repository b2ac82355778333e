//! The network that the kit plays: answers by rule, and a record of what was asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use enroute_core::request::{Request, Response};
use enroute_host::egress::Failure;
use enroute_host::runtime::{Outlet, RequestKind};

/// What comes of a request.
pub(crate) type Reply = Result<Response, Failure>;

/// What the destination does: the number of the request within the call, and its reply.
pub(crate) type Play = Box<dyn Fn(usize) -> Reply + Send + Sync>;

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The number of a prepared request, or the kind of a derived one.
    pub(crate) what: What,
    pub(crate) reply: Reply,
}

impl Asked {
    /// Whether bytes left for it.
    pub(crate) const fn left(&self) -> bool {
        !matches!(self.reply, Err(Failure::Denied(_) | Failure::Unreachable(_)))
    }

    /// Whether it is a derived request.
    pub(crate) const fn is_derived(&self) -> bool {
        matches!(self.what, What::Derived(..))
    }
}

/// Which request it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Prepared(u32),
    Derived(String, Box<Request>),
}

/// The outlet of one call.
pub(crate) struct Network {
    /// Number of prepared requests.
    prepared: usize,
    /// Kinds that the manifest lists.
    kinds: Vec<String>,
    play: Play,
    asked: Mutex<Vec<Asked>>,
}

impl Network {
    pub(crate) fn new(prepared: usize, kinds: &[String], play: Play) -> Self {
        Self { prepared, kinds: kinds.to_vec(), play, asked: Mutex::default() }
    }

    /// What was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reply(&self, request: RequestKind) -> Reply {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let number = asked.len();
        let (what, reply) = match request {
            RequestKind::Prepared { index, .. } if (index as usize) < self.prepared => {
                (What::Prepared(index), (self.play)(number))
            }
            RequestKind::Prepared { index, .. } => {
                let denied = Failure::Denied(format!("the delivery has no request number {index}"));
                (What::Prepared(index), Err(denied))
            }
            RequestKind::Derived { kind, request } => {
                let reply = if self.kinds.contains(&kind) {
                    (self.play)(number)
                } else {
                    Err(Failure::Denied(format!("the manifest lists no derived request of kind `{kind}`")))
                };
                (What::Derived(kind, Box::new(request)), reply)
            }
        };
        asked.push(Asked { what, reply: reply.clone() });
        reply
    }
}

impl Outlet for Network {
    fn send(&self, request: RequestKind) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        let reply = self.reply(request);
        Box::pin(std::future::ready(reply))
    }
}
