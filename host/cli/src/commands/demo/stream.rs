//! Made-up events, at a steady rate, by the way that an app's own come: the tracking API.

use std::net::SocketAddr;
use std::time::Duration;

use enroute_fakes::Client;
use enroute_fakes::all::All;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::commands::demo::{files, people};
use crate::output::Output;

/// The first of those who come.
pub(super) const SOMEBODY: &str = "live-0000";
/// People who come, round and round.
const PEOPLE: u32 = 200;
/// Calls of each person in a round: who it is, and what it does.
const CALLS: u32 = 4;
/// Ticks after which the fakes forget what they recorded, which would else grow for ever.
const RECORDED_TICKS: u64 = 10;

/// Sends so many calls a second until it is dropped.
pub(super) async fn run(to: SocketAddr, rate: u32, fakes: &All, output: &Output) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut next, mut was_refused) = (0_u32, false);
    let run = std::process::id();
    for tick in 1_u64.. {
        ticks.tick().await;
        if tick.is_multiple_of(RECORDED_TICKS) {
            fakes.servers().iter().for_each(|(_, server)| server.clear());
        }
        if rate == 0 {
            continue;
        }
        let calls: Vec<Value> = (next..next.wrapping_add(rate)).map(|number| call(run, number)).collect();
        next = next.wrapping_add(rate);
        let sent = post(to, &json!({ "batch": calls, "writeKey": files::WRITE_KEY })).await;
        let is_taken = matches!(sent, Ok(200));
        if !is_taken && !was_refused {
            output.note("the host did not take some of the events: they are not sent again");
        }
        was_refused = !is_taken;
    }
}

/// One of the calls: an `identify`, then orders. From one round to the next half of the people change their plan.
fn call(run: u32, number: u32) -> Value {
    let (turn, kind) = (number / CALLS, number % CALLS);
    let (person, round) = (turn % PEOPLE, turn / PEOPLE);
    let mut call = json!({ "userId": format!("live-{person:04}"), "messageId": format!("demo-{run}-{number}") });
    let rest = if kind == 0 {
        let is_gold = !(person + round).is_multiple_of(2) || person == 0;
        json!({ "type": "identify", "traits": people::traits(100_000 + person, is_gold) })
    } else {
        json!({ "type": "track", "event": "Order Completed", "properties": { "total": 10 + person % 90 } })
    };
    if let (Some(call), Value::Object(rest)) = (call.as_object_mut(), rest) {
        call.extend(rest);
    }
    call
}

/// Posts a batch, and returns the status of the answer.
async fn post(to: SocketAddr, batch: &Value) -> std::io::Result<u16> {
    let mut client = Client::connect(to).await?;
    client.post("/v1/batch", batch.to_string().as_bytes()).await.map(|(status, _)| status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_named_before_anything_is_said_of_them_and_no_call_is_there_twice() {
        let calls: Vec<Value> = (0..PEOPLE * CALLS * 2).map(|number| call(1, number)).collect();
        let first = calls.iter().find(|call| call["userId"] == SOMEBODY).unwrap();
        assert_eq!((&first["type"], &first["traits"]["plan"]), (&json!("identify"), &json!("gold")));
        let ids: std::collections::BTreeSet<&str> =
            calls.iter().filter_map(|call| call["messageId"].as_str()).collect();
        assert_eq!(ids.len(), calls.len());
        let golden = |round: usize| {
            let calls = calls.iter().skip(round * (PEOPLE * CALLS) as usize).take((PEOPLE * CALLS) as usize);
            calls.filter(|call| call["traits"]["plan"] == "gold").count()
        };
        assert_eq!((golden(0), golden(1)), (101, 100));
    }
}
