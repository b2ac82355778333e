//! What a connection needs of the world outside: somebody who maps and sends, and a way out. The real ones are a plugin in
//! its sandbox and an HTTP client; the simulator of the tests plays both.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use enroute_core::batch::Batch;
use enroute_core::outcome::Report;
use enroute_core::request::{Request, Response};
use enroute_egress::{Client, Failure, Fill, Objection, Preview};
use enroute_runtime::{Connection, Fault, Limits, Mapped, Outlet, Plugin, Problem, Usage, Work, World};

/// What comes of a call.
pub(crate) type Coming<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The three functions of a plugin.
pub(crate) trait Worker: fmt::Debug + Send + Sync {
    /// The budgets of each call.
    fn limits(&self) -> &Limits;

    /// What is wrong with a connection.
    fn validate<'a>(&'a self, connection: &'a Connection) -> Coming<'a, Result<(Vec<Problem>, Usage), Fault>>;

    /// Turns a batch into requests.
    fn map<'a>(&'a self, connection: &'a Connection, batch: &'a Batch) -> Coming<'a, Result<(Mapped, Usage), Fault>>;

    /// Carries out one piece of work through `outlet`.
    fn send<'a>(
        &'a self,
        connection: &'a Connection,
        work: &'a Work,
        outlet: Arc<dyn Outlet>,
    ) -> Coming<'a, Result<(Report, Usage), Fault>>;
}

impl Worker for Plugin {
    fn limits(&self) -> &Limits {
        self.limits()
    }

    fn validate<'a>(&'a self, connection: &'a Connection) -> Coming<'a, Result<(Vec<Problem>, Usage), Fault>> {
        Box::pin(self.validate_in(World::default(), connection))
    }

    fn map<'a>(&'a self, connection: &'a Connection, batch: &'a Batch) -> Coming<'a, Result<(Mapped, Usage), Fault>> {
        Box::pin(self.map(connection, batch))
    }

    fn send<'a>(
        &'a self,
        connection: &'a Connection,
        work: &'a Work,
        outlet: Arc<dyn Outlet>,
    ) -> Coming<'a, Result<(Report, Usage), Fault>> {
        Box::pin(self.send(connection, work, outlet))
    }
}

/// The way out to a destination.
pub(crate) trait WayOut: fmt::Debug + Send + Sync {
    /// Whether a request needs a token.
    fn wants_token(&self, request: &Request) -> bool;

    /// Why a request may not leave, if it may not.
    fn objection(&self, request: &Request) -> Option<Objection>;

    /// What would leave.
    fn preview(&self, request: &Request) -> Preview;

    /// Sends a request and waits for the whole answer, no longer than `deadline`.
    fn send<'a>(
        &'a self,
        request: &'a Request,
        fill: &'a Fill<'a>,
        deadline: Duration,
    ) -> Coming<'a, Result<Response, Failure>>;
}

impl WayOut for Client {
    fn wants_token(&self, request: &Request) -> bool {
        self.wants_token(request)
    }

    fn objection(&self, request: &Request) -> Option<Objection> {
        self.objection(request)
    }

    fn preview(&self, request: &Request) -> Preview {
        self.preview(request)
    }

    fn send<'a>(
        &'a self,
        request: &'a Request,
        fill: &'a Fill<'a>,
        deadline: Duration,
    ) -> Coming<'a, Result<Response, Failure>> {
        Box::pin(self.send(request, fill, deadline))
    }
}
