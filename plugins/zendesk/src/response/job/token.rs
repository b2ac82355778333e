//! What a ticket says: the job, what it does, how often it was asked about, and in which order its users stand.

use enroute_sdk::text::trim_lower;
use enroute_sdk::{Context, Sent, hash};

use crate::settings::{Identifier, Settings};

/// Hexadecimal digits that tell one user of a job from the others. They are too few to tell anything of a person.
const MARK_DIGITS: usize = 4;
/// Longest id of a job that is believed.
const JOB_BYTES_MAX: usize = 256;

/// A ticket's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Whether the job creates or updates users; otherwise it says the same of all.
    pub(super) upserts: bool,
    /// Whether its members join or stay.
    pub(super) joins: bool,
    /// Questions so far.
    pub(super) asked: u32,
    pub(super) job: String,
    /// The marks of its users, in the order of the request.
    pub(super) marks: String,
}

impl Token {
    /// For the job that a request began.
    pub(crate) fn new(ctx: &Context<Settings>, sent: &Sent<'_>, upserts: bool, joins: bool, job: &str) -> Self {
        let told = ctx.settings().identifier != Identifier::Email;
        let (external_id, email) = (ctx.identifier("external_id").filter(|_| told), ctx.identifier("email"));
        let marks = sent.members().map(|member| {
            let text = |at: Option<usize>| at.and_then(|at| member.identifier(at).scalar());
            mark(text(external_id).as_deref(), text(email).as_deref())
        });
        let marks = if upserts { marks.collect() } else { String::new() };
        Self { upserts, joins, asked: 0, job: job.to_owned(), marks }
    }

    /// The place of a user in the request; none where several have its mark.
    pub(super) fn place(&self, external_id: Option<&str>, email: Option<&str>) -> Option<usize> {
        let wanted = mark(external_id, email);
        let mut places = self.marks.as_bytes().chunks(MARK_DIGITS).enumerate().filter(|(_, m)| *m == wanted.as_bytes());
        let (place, _) = places.next()?;
        places.next().is_none().then_some(place)
    }

    pub(crate) fn to_text(&self) -> String {
        let kind = match (self.upserts, self.joins) {
            (true, _) => "upsert",
            (false, true) => "join",
            (false, false) => "leave",
        };
        format!("{kind} {} {} {}", self.asked, self.job, self.marks)
    }

    /// Reads a token; none where it is not one of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (upserts, joins) = match parts.next()? {
            "upsert" => (true, true),
            "join" => (false, true),
            "leave" => (false, false),
            _ => return None,
        };
        let asked = parts.next()?.parse().ok()?;
        let job = parts.next().filter(|job| !job.is_empty() && job.len() <= JOB_BYTES_MAX && !job.contains(','))?;
        let marks = parts.next().unwrap_or_default();
        Some(Self { upserts, joins, asked, job: job.to_owned(), marks: marks.to_owned() })
    }
}

fn mark(external_id: Option<&str>, email: Option<&str>) -> String {
    let text = external_id.or(email).unwrap_or_default();
    hash::sha256_hex(&trim_lower(text)).chars().take(MARK_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was() {
        for text in ["upsert 3 V3-abc 0123abcd", "join 0 V3-abc ", "leave 119 V3-abc "] {
            assert_eq!(Token::parse(text).expect("a token").to_text(), text);
        }
        for text in ["", "upsert", "upsert x V3", "upsert 1 ", "other 1 V3-a ", "leave 0 a,b "] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_place_is_told_only_where_it_is_sure() {
        let token = |ids: &[&str]| Token {
            upserts: true,
            joins: true,
            asked: 0,
            job: "j".to_owned(),
            marks: ids.iter().map(|id| mark(Some(id), None)).collect(),
        };
        assert_eq!(token(&["a", "b"]).place(Some(" B"), None), Some(1));
        assert_eq!(token(&["a", "b"]).place(Some("c"), None), None);
        assert_eq!(token(&["a", "a"]).place(Some("a"), None), None);
    }
}
