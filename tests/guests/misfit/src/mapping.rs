//! `map`, in order and out of order.

use std::hash::{BuildHasher as _, RandomState};
use std::hint::black_box;

use enroute_sdk::bindings::enroute::destination::http;
use enroute_sdk::{
    Batch, Change, Context, Failure, Frame, Level, Mapping, Member, Packer, Reject, Request, Value, json, log,
};

use crate::OPERATION;
use crate::mode::{Mode, Settings};

/// Lines that a flood has.
const FLOOD_LINES: u32 = 1_000_000;
/// Bytes of a body that is too large: one MiB more than the host takes over.
const HUGE_BODY_BYTES: usize = 33 << 20;
/// Bytes asked for at a time by a plugin without end.
const GULP_BYTES: usize = 1 << 20;
/// Bytes of a reason in a flood.
const REASON_BYTES: usize = 10_000;
/// Turns the direction of writing, hides, and clears a terminal.
const UGLY: &str = "\u{202e}\u{200b}\u{1b}[2J";
/// A host that no test grants.
pub(crate) const UNGRANTED: &str = "https://elsewhere.example";

pub(crate) fn map(settings: &Settings, ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    match settings.mode {
        Mode::Allocate => allocate(),
        Mode::TrapMap => trap("`map` was called"),
        Mode::LoopMap => spin(),
        Mode::Flood => (0..FLOOD_LINES).for_each(|line| log(Level::Info, &format!("line {line}"))),
        Mode::FloodReasons => return reject_each(batch, out),
        Mode::NetInMap => return reject_all(batch, out, &called(settings)),
        Mode::PathValue => return one_by_one(settings, batch, out),
        _ => {}
    }
    pack(settings, ctx, batch, out);
    let extra = match settings.mode {
        Mode::Twice => Some((0, b"{}".to_vec())),
        Mode::Stranger => u32::try_from(batch.len()).ok().map(|stranger| (stranger, b"{}".to_vec())),
        _ => None,
    };
    if let Some((member, body)) = extra {
        out.deliver(OPERATION, vec![member], request(settings, body));
    }
}

/// Everybody to `POST /members`.
fn pack(settings: &Settings, ctx: &Context<Settings>, batch: &Batch<'_>, out: &mut Mapping) {
    let prefix = match settings.mode {
        Mode::Learn => format!("{{\"way\":\"{}\",\"members\":[", crate::learning::way(ctx)),
        Mode::Clock => format!("{{\"time\":{},\"random\":{},\"members\":[", now_ns(), RandomState::new().hash_one(0)),
        Mode::Ugly => format!("{{\n\"note\":\"{UGLY}\",\"members\":["),
        _ => "{\"members\":[".to_owned(),
    };
    let build = |mut body: Vec<u8>, _| {
        if settings.mode == Mode::Huge {
            body = vec![b' '; HUGE_BODY_BYTES];
        }
        request(settings, body)
    };
    let mut packer = Packer::new(OPERATION, ctx.limit(OPERATION), Frame::json_array(prefix, "]}"), build);
    for member in batch.members() {
        if settings.mode == Mode::LeaveOut && member.index() == 0 {
            continue;
        }
        stumble(settings.mode, member);
        packer.push(out, member, |body, _| write(body, member));
    }
    packer.finish(out);
}

/// Each member in a request of its own, its value in the path.
fn one_by_one(settings: &Settings, batch: &Batch<'_>, out: &mut Mapping) {
    for member in batch.members() {
        let value = member.values().find_map(Value::text).unwrap_or_default();
        let mut body = b"{\"members\":[".to_vec();
        if let Err(reject) = write(&mut body, member) {
            out.reject(member, reject);
            continue;
        }
        body.extend_from_slice(b"]}");
        let request = Request::post(&settings.base_url).path(["members", value]).json(body);
        out.deliver(OPERATION, vec![member.index()], request);
    }
}

fn write(body: &mut Vec<u8>, member: Member<'_>) -> Result<(), Reject> {
    let known = std::iter::once(member.identifier(0)).chain(member.sent().map(|sent| sent.get(0)));
    let Some(id) = known.into_iter().find_map(Value::text) else {
        return Err(Reject::field("id", "no_identifier", "the member has no id"));
    };
    body.extend_from_slice(b"{\"id\":");
    json::write_str(body, id);
    if member.change() == Change::Removed {
        body.extend_from_slice(b",\"removed\":true");
    }
    for (row, value) in member.fields().filter(|(_, value)| !value.is_absent()) {
        body.push(b',');
        json::write_str(body, &row.field);
        body.push(b':');
        json::write_value(body, value);
    }
    body.push(b'}');
    Ok(())
}

fn request(settings: &Settings, body: Vec<u8>) -> Request {
    let origin = if settings.mode == Mode::BadHost { UNGRANTED } else { &settings.base_url };
    let request = Request::post(origin).path(["members"]).json(body);
    if settings.mode == Mode::Header { request.header("authorization", "Bearer of-my-own") } else { request }
}

/// Fails at a member whose value says so.
fn stumble(mode: Mode, member: Member<'_>) {
    let says = |word| member.values().any(|value| value == Value::Text(word));
    match mode {
        Mode::Loop if says("loop") => spin(),
        Mode::Trap if says("trap") => trap("a member says `trap`"),
        Mode::TrapTelling if says("trap") => {
            let id = member.identifier(0).text().unwrap_or_default();
            log(Level::Warn, &format!("about to fail at {id}\n{UGLY}"));
            trap(&format!("cannot read {id}{UGLY}"))
        }
        _ => {}
    }
}

/// Never comes back.
pub(crate) fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Comes back as a trap.
#[expect(clippy::panic, reason = "that is what it is here for")]
pub(crate) fn trap(why: &str) -> ! {
    panic!("{why}")
}

/// Takes memory until there is none.
pub(crate) fn allocate() -> ! {
    let mut gulps = Vec::new();
    loop {
        gulps.push(black_box(vec![1_u8; GULP_BYTES]));
    }
}

#[expect(clippy::disallowed_types, reason = "whether a plugin can learn the time is what is tested")]
fn now_ns() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// What the host says to a request from within `map`.
fn called(settings: &Settings) -> String {
    match http::send("status", &Request::get(&settings.base_url).path(["members"])) {
        Ok(answer) => format!("answered {}", answer.status),
        Err(Failure::Denied(why)) => format!("denied: {why}"),
        Err(other) => format!("{other:?}"),
    }
}

/// Everybody for a reason of their own.
fn reject_each(batch: &Batch<'_>, out: &mut Mapping) {
    for member in batch.members() {
        let id = member.identifier(0).text().unwrap_or_default();
        out.reject(member, Reject::new("not_liked", format!("{id} {}", "x".repeat(REASON_BYTES))));
    }
}

fn reject_all(batch: &Batch<'_>, out: &mut Mapping, reason: &str) {
    for member in batch.members() {
        out.reject(member, Reject::new("network_in_map", reason));
    }
}
