//! The network and the log, as the host lends them to a plugin during `send`.

use crate::bindings::enroute::destination::{http, log as host_log};
use crate::{Answer, Failure, Item, Level, Request};

/// Sends requests. The host pours in credentials, keeps limits and records everything.
///
/// The real one reaches the host; [`testing::Script`](crate::testing::Script) plays answers from a list.
pub trait Http {
    /// Sends a request of the delivery in hand as it was prepared; `learned` fills its slots of that kind.
    ///
    /// # Errors
    /// When there is no complete answer.
    fn send_prepared(&mut self, index: u32, learned: &[Item]) -> Result<Answer, Failure>;

    /// Sends a derived request; `kind` is one that the manifest lists.
    ///
    /// # Errors
    /// When there is no complete answer.
    fn send(&mut self, kind: &str, request: &Request) -> Result<Answer, Failure>;

    /// Sends derived requests side by side; answers keep the order.
    fn send_all(&mut self, kind: &str, requests: &[Request]) -> Vec<Result<Answer, Failure>>;
}

/// The host's network. Only the exported `send` makes one.
#[derive(Debug)]
pub(crate) struct HostHttp;

impl Http for HostHttp {
    fn send_prepared(&mut self, index: u32, learned: &[Item]) -> Result<Answer, Failure> {
        http::send_prepared(index, learned)
    }

    fn send(&mut self, kind: &str, request: &Request) -> Result<Answer, Failure> {
        http::send(kind, request)
    }

    fn send_all(&mut self, kind: &str, requests: &[Request]) -> Vec<Result<Answer, Failure>> {
        http::send_all(kind, requests)
    }
}

/// Writes a line to the host's log: no personal data, nothing for each member. Does nothing in native builds.
///
/// ```
/// enroute_sdk::log(enroute_sdk::Level::Info, "the job has 3 parts");
/// ```
pub fn log(level: Level, message: &str) {
    if cfg!(target_arch = "wasm32") {
        host_log::log(level, message);
    }
}
