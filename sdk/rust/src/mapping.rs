//! What members became: deliveries, rejections and warnings.

use crate::bindings::enroute::destination::types::{Delivery, Mapped, PreparedRequest, Rejection};
use crate::{Member, Request, Warning};

/// Collects the result of [`Destination::map`](crate::Destination::map).
///
/// Every member must end in exactly one delivery or one rejection.
///
/// ```
/// use enroute_sdk::Mapping;
///
/// let mut out = Mapping::new();
/// out.warn("country_unknown", Some("country"), 1);
/// out.warn("country_unknown", Some("country"), 2);
/// assert_eq!(out.into_mapped().warnings[0].count, 3);
/// ```
#[derive(Debug, Default)]
pub struct Mapping {
    deliveries: Vec<Delivery>,
    rejections: Vec<Rejection>,
    warnings: Vec<Warning>,
}

/// Why a member cannot be delivered as it stands.
///
/// ```
/// use enroute_sdk::Reject;
///
/// let reject = Reject::new("no_identifier", "the member has no identifier that the destination knows");
/// assert_eq!(reject.field, None);
/// assert_eq!(Reject::field("email", "email_bad", "the address is malformed").field.as_deref(), Some("email"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The field at fault, where there is one.
    pub field: Option<String>,
    /// snake_case, stable, documented by the plugin.
    pub code: &'static str,
    /// One sentence without personal data.
    pub reason: String,
}

impl Reject {
    /// For a reason that no single field is to blame for.
    #[must_use]
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { field: None, code, reason: reason.into() }
    }

    /// For a field.
    #[must_use]
    pub fn field(field: &str, code: &'static str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), code, reason: reason.into() }
    }
}

impl Mapping {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rejects a member.
    pub fn reject(&mut self, member: Member<'_>, reject: Reject) {
        self.reject_index(member.index(), reject);
    }

    pub(crate) fn reject_index(&mut self, member: u32, reject: Reject) {
        let Reject { field, code, reason } = reject;
        self.rejections.push(Rejection { member, field, code: code.to_owned(), reason });
    }

    /// Tells something of members who are delivered all the same; counts add up by code and field.
    pub fn warn(&mut self, code: &str, field: Option<&str>, count: u32) {
        let known = self.warnings.iter_mut().find(|known| known.code == code && known.field.as_deref() == field);
        match known {
            Some(known) => known.count = known.count.saturating_add(count),
            None => self.warnings.push(Warning { code: code.to_owned(), field: field.map(str::to_owned), count }),
        }
    }

    /// Adds a delivery of one request; [`Packer`](crate::Packer) does so for you. Members stand in the order in which
    /// the body lists them.
    pub fn deliver(&mut self, operation: &str, members: Vec<u32>, request: Request) {
        self.deliver_all(operation, vec![(members, request)]);
    }

    /// Adds a delivery of several requests, in order, that together bring the same members about.
    ///
    /// ```
    /// use enroute_sdk::{Mapping, Request};
    ///
    /// let mut out = Mapping::new();
    /// let (user, group) = (Request::post("https://a.example"), Request::put("https://a.example"));
    /// out.deliver_all("join", vec![(vec![0], user), (vec![0], group)]);
    /// assert_eq!(out.into_mapped().deliveries[0].requests.len(), 2);
    /// ```
    pub fn deliver_all(&mut self, operation: &str, requests: Vec<(Vec<u32>, Request)>) {
        let requests = requests.into_iter().map(|(members, request)| PreparedRequest { members, request }).collect();
        self.deliveries.push(Delivery { operation: operation.to_owned(), requests });
    }

    /// The result as it crosses the border.
    #[must_use]
    pub fn into_mapped(self) -> Mapped {
        Mapped { deliveries: self.deliveries, rejections: self.rejections, warnings: self.warnings }
    }
}
