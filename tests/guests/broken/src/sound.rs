//! The plugin without a defect: contacts on a list, jobs, and a list that must be found.

use enroute_sdk::{
    Answer, Batch, Context, Destination, Failure, Finding, Frame, Http, Limit, Mapping, Member, Outcome, Packer,
    Reading, Reject, Report, Request, Resume, Sent, Tally, Ticket, Value, Verdict, hash, json,
};
use serde::Deserialize;

/// The one bucket of the manifest.
const BUCKET: &str = "api";
/// Longest id in bytes, and longest name in characters.
const ID_BYTES_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 100;
/// Wait before a job is asked about.
const ASK_AFTER_MS: u64 = 1_000;

/// The settings of the manifest, but for the defect.
#[derive(Debug, Deserialize)]
pub struct Settings {
    base_url: String,
    /// Whether who leaves is noted before being taken off the list, which are two requests.
    #[serde(default)]
    steps: bool,
}

/// The destination.
#[derive(Debug)]
pub struct Sound;

/// What the destination answers to contacts, and to a question about a job.
#[derive(Deserialize)]
struct Taken {
    #[serde(default)]
    taken: bool,
    #[serde(default)]
    refused: Vec<usize>,
    job: Option<String>,
}

#[derive(Deserialize)]
struct List {
    list: String,
}

impl Destination for Sound {
    type Settings = Settings;

    fn map(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
        let packer = |operation: &str, place: &'static str, end: String| {
            let build = move |body, _| {
                Request::post(&ctx.settings().base_url).path(["lists", "", place]).remote_segment(1, "/list").json(body)
            };
            Packer::new(operation, half(ctx.limit(operation)), Frame::json_array("{\"contacts\":[", end), build)
        };
        let (mut upserts, mut removes) =
            (packer("upsert", "contacts", ends(batch.consent())), packer("remove", "remove", ends(None)));
        if ctx.settings().steps {
            in_steps(ctx, batch, out);
        }
        for member in batch.members() {
            if member.is_removed() && ctx.settings().steps {
                continue;
            }
            if member.is_removed() {
                removes.push(out, member, |body, _| removed(body, member));
            } else {
                upserts.push(out, member, |body, out| contact(body, member, out));
            }
        }
        removes.finish(out);
        upserts.finish(out);
    }

    fn read(_: &Context<Settings>, _: &Sent<'_>, answer: &Answer) -> Reading {
        if let Some(reading) = answer.classify(BUCKET) {
            return reading;
        }
        match answer.json::<Taken>() {
            Some(Taken { job: Some(token), .. }) if answer.is_success() => {
                Reading::all(Outcome::Accepted(Ticket { token, ask_after_ms: ASK_AFTER_MS }))
            }
            Some(Taken { taken: true, refused, .. }) if answer.is_success() => refused
                .into_iter()
                .fold(Reading::delivered(), |reading, at| reading.reject(at, "refused", "the contact is refused")),
            _ if answer.is_success() => {
                Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable("an unclear answer".to_owned()))
            }
            _ => Reading::deferred(0).verdict(Verdict::RefusedBisect(format!("answered {}", answer.status))),
        }
    }

    fn probe_request(ctx: &Context<Settings>) -> Option<Request> {
        Some(Request::get(&ctx.settings().base_url).path(["account"]))
    }

    fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
        let request = Request::get(&ctx.settings().base_url).path(["lists"]).query("name", ctx.audience_key());
        match http.send("list", &request) {
            Ok(answer) => match answer.json::<List>().filter(|_| answer.is_success()) {
                Some(found) => Finding::ok().remote(serde_json::json!({ "list": found.list }).to_string()),
                None => {
                    let refused = || Verdict::RefusedWhole(format!("answered {}", answer.status));
                    Finding::verdict(answer.classify(BUCKET).map_or_else(refused, |reading| reading.verdict))
                }
            },
            Err(failure) => Finding::verdict(unanswered(failure).verdict),
        }
    }

    fn resume(ctx: &Context<Settings>, work: &Resume, http: &mut dyn Http) -> Report {
        let mut tally = Tally::new(work.len() as usize);
        for ticket in work.tickets() {
            let members: Vec<u32> = (ticket.first_member..).take(ticket.members as usize).collect();
            let request =
                Request::get(&ctx.settings().base_url).path(["jobs", ticket.token.get(..200).unwrap_or(&ticket.token)]);
            let reading = match http.send("job", &request) {
                Ok(answer) => job(&answer),
                Err(failure) => unanswered(failure),
            };
            tally.read(&members, reading);
        }
        tally.finish()
    }
}

/// Removals in two requests about the same members, as many as a request may have.
fn in_steps(ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let mut leaving: Vec<(u32, Vec<u8>)> = Vec::new();
    for member in batch.members().filter(|member| member.is_removed()) {
        let mut body = Vec::new();
        match removed(&mut body, member) {
            Ok(()) => leaving.push((member.index(), body)),
            Err(reject) => out.reject(member, reject),
        }
    }
    for part in leaving.chunks(ctx.limit("remove").members.max(1)) {
        let members: Vec<u32> = part.iter().map(|(member, _)| *member).collect();
        let bodies: Vec<&[u8]> = part.iter().map(|(_, body)| body.as_slice()).collect();
        let body = [b"{\"contacts\":[", bodies.join(&b',').as_slice(), b"]}"].concat();
        let request = |place| {
            let request = Request::post(&ctx.settings().base_url).path(["lists", "", place]);
            (members.clone(), request.remote_segment(1, "/list").json(body.clone()))
        };
        out.deliver_all("remove", vec![request("leaving"), request("remove")]);
    }
}

fn job(answer: &Answer) -> Reading {
    match answer.json::<Taken>().filter(|_| answer.is_success()) {
        Some(Taken { taken: true, .. }) => Reading::delivered(),
        _ => Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable("the job is not known".to_owned())),
    }
}

/// The meaning of no answer.
fn unanswered(failure: Failure) -> Reading {
    match failure {
        Failure::Denied(why) => Reading::deferred(0).verdict(Verdict::Misconfigured(why)),
        Failure::Unreachable(why) => Reading::deferred(0).verdict(Verdict::Unavailable(why)),
        Failure::Interrupted(why) => Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable(why)),
        Failure::TooLarge(_) => Reading::all(Outcome::Unknown).verdict(Verdict::Unavailable("too large".to_owned())),
    }
}

/// Half of the bytes: what a defect adds is to break its own clause, and not the limit.
fn half(limit: Limit) -> Limit {
    Limit { bytes: limit.bytes / 2, ..limit }
}

/// What stands behind the contacts: what they agreed to and what they refused, as it was given.
fn ends(consent: Option<&str>) -> String {
    let known: serde_json::Map<String, serde_json::Value> =
        consent.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let purposes: serde_json::Map<_, _> = known.into_iter().filter(|(_, value)| value.is_boolean()).collect();
    if purposes.is_empty() {
        return "]}".to_owned();
    }
    format!("],\"consent\":{}}}", serde_json::Value::Object(purposes))
}

fn identify(body: &mut Vec<u8>, id: Value<'_>, email: Value<'_>) -> Result<(), Reject> {
    let id = match id {
        Value::Text(text) | Value::Number(text) if !text.trim().is_empty() && text.len() <= ID_BYTES_MAX => text.trim(),
        _ => return Err(Reject::field("id", "no_id", "the member has no usable id")),
    };
    json::write_key(body, "id");
    json::write_str(body, id);
    if let Some(email) = email.text().map(|text| text.trim().to_lowercase()).filter(|text| text.contains('@')) {
        json::write_key(body, "email_sha256");
        json::write_str(body, &hash::sha256_hex(&email));
    }
    Ok(())
}

fn contact(body: &mut Vec<u8>, member: Member<'_>, out: &mut Mapping) -> Result<(), Reject> {
    body.push(b'{');
    identify(body, member.identifier(0), member.identifier(1))?;
    for (row, value) in member.fields() {
        let fits = match row.field.as_str() {
            "id" | "email" => continue,
            "name" => matches!(value, Value::Text(text) if text.chars().count() <= NAME_CHARS_MAX),
            "level" => matches!(value, Value::Number(_)),
            _ => !value.is_absent(),
        };
        if fits {
            json::write_key(body, &row.field);
            json::write_value(body, value);
        } else if !value.is_absent() {
            out.warn("value_left_out", Some(&row.field), 1);
        }
    }
    body.push(b'}');
    Ok(())
}

/// One contact for each set of identifiers that was sent; what identifies the member now where nothing was.
fn removed(body: &mut Vec<u8>, member: Member<'_>) -> Result<(), Reject> {
    let mut named = false;
    for sent in member.sent() {
        if named {
            body.push(b',');
        }
        body.push(b'{');
        identify(body, sent.get(0), sent.get(1))?;
        body.push(b'}');
        named = true;
    }
    if !named {
        body.push(b'{');
        identify(body, member.identifier(0), member.identifier(1))?;
        body.push(b'}');
    }
    Ok(())
}
