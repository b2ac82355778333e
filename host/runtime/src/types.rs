//! What goes into a plugin and comes out of it, in the host's own types.

use enroute_core::batch::Batch;
use enroute_core::cells::Cells;
use enroute_core::outcome::Warning;
use enroute_core::request::{Method, Request};

use crate::cause::Values;

/// What a plugin is told of an audience at a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// The audience's key.
    pub audience_key: String,
    /// The audience's name.
    pub audience_name: String,
    /// Settings as a JSON object.
    pub settings: String,
    /// Names of configured secrets.
    pub secrets: Vec<String>,
    /// Trait and field of each mapping row.
    pub rows: Vec<(String, String)>,
    /// Fields that identifiers go into.
    pub identifier_fields: Vec<String>,
    /// Operation, members and bytes of each limit in force.
    pub limits: Vec<(String, u32, u32)>,
    /// What `send` learned earlier, as JSON text.
    pub remote: Option<String>,
    /// `YYYY-MM-DD`.
    pub today: String,
}

/// Where a problem lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemPlace {
    /// A setting.
    Setting(String),
    /// A mapping row, by position.
    Row(u32),
    /// The audience.
    Audience,
    /// What the account or list is like.
    Remote,
}

/// Something that `validate` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether nothing may be sent before it is mended.
    pub is_error: bool,
    /// Where.
    pub place: ProblemPlace,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A request with the members it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedRequest {
    /// Positions in the batch, in the order in which the body lists them.
    pub members: Vec<u32>,
    /// The request.
    pub request: Request,
}

/// Requests that together bring the same members about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// An operation of the manifest.
    pub operation: String,
    /// In order.
    pub requests: Vec<PreparedRequest>,
}

impl Delivery {
    /// Positions of the members, each once, in ascending order.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        let mut members: Vec<u32> = self.requests.iter().flat_map(|request| request.members.iter().copied()).collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

/// A member that cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Position in the batch.
    pub member: u32,
    /// The field at fault.
    pub field: Option<String>,
    /// snake_case.
    pub code: String,
    /// One sentence.
    pub reason: String,
}

/// What `map` made of a batch. Every member is in exactly one delivery or rejection: checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// What to send.
    pub deliveries: Vec<Delivery>,
    /// Who cannot be sent.
    pub rejections: Vec<Rejection>,
    /// Worth telling.
    pub warnings: Vec<Warning>,
}

/// A delivery as `send` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryWork {
    /// The operation.
    pub operation: String,
    /// The delivery's members only, by position.
    pub members: Batch,
    /// Members, method and path of each request; positions are those of `members`.
    pub requests: Vec<(Vec<u32>, Method, Vec<String>)>,
}

/// A job that was accepted earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTicket {
    /// The plugin's words.
    pub token: String,
    /// Key of the delivery.
    pub request_key: String,
    /// Members of the job.
    pub members: u32,
}

/// Jobs to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeWork {
    /// Their members follow each other in this order.
    pub tickets: Vec<OpenTicket>,
    /// One row a member.
    pub identifiers: Cells,
}

/// One piece of work for `send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Test the credentials.
    Probe,
    /// Find or create the remote list.
    Open,
    /// Carry out a delivery.
    Deliver(Box<DeliveryWork>),
    /// Ask about jobs.
    Resume(ResumeWork),
}

impl Work {
    pub(super) fn members(&self) -> usize {
        match self {
            Self::Probe | Self::Open => 0,
            Self::Deliver(work) => work.members.len(),
            Self::Resume(work) => work.identifiers.rows(),
        }
    }

    pub(super) fn values(&self) -> Values<'_> {
        match self {
            Self::Probe | Self::Open => Values::default(),
            Self::Deliver(work) => {
                let members = &work.members;
                Values::new(vec![&members.identifiers, &members.sent], vec![&members.values])
            }
            Self::Resume(work) => Values::new(vec![&work.identifiers], Vec::new()),
        }
    }
}

/// One line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The message, with what cannot be seen escaped.
    pub message: String,
}
