//! The ledger against a model: whatever is written in whatever order, and whichever transaction fails or process dies,
//! it says of every member what a few maps in memory say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::*;
use crate::held::{self, Held};
use crate::ledger::{self, Intent, LinkName, PendingRow, RejectionRow};
use crate::waiting;

/// Members of the small world.
const MEMBERS: u32 = 5;
const DIGEST: [u8; 32] = [7; 32];

/// What happens to some members of a connection at once, in one transaction.
#[derive(Debug, Clone)]
enum Step {
    /// A delivery about them is about to leave.
    Intend,
    /// The destination has them as they are now.
    Confirm(u8),
    /// They are at the destination no more.
    Forget,
    /// They are put off.
    PutOff { unknown: bool, due_ms: u64 },
    /// They are refused as they are now.
    Refuse { hash: u8, removal: bool },
    /// They wait for nothing and are refused nothing.
    Clear,
    /// What a run that was cut off left behind is settled.
    Orphans,
    /// They are tried for something else from now on.
    TryFor(u8),
    /// The clock was ahead.
    BringBack { longest_ms: u64 },
}

#[derive(Debug, Clone)]
struct Action {
    link: usize,
    members: Vec<u32>,
    step: Step,
    now_ms: u64,
    /// Whether the transaction fails at its end, as on a full disk.
    fails: bool,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Intend),
        3 => (0_u8..3).prop_map(Step::Confirm),
        2 => Just(Step::Forget),
        3 => (any::<bool>(), 0_u64..40).prop_map(|(unknown, due_ms)| Step::PutOff { unknown, due_ms }),
        2 => (0_u8..3, any::<bool>()).prop_map(|(hash, removal)| Step::Refuse { hash, removal }),
        2 => Just(Step::Clear),
        1 => Just(Step::Orphans),
        1 => (0_u8..2).prop_map(Step::TryFor),
        1 => (0_u64..20).prop_map(|longest_ms| Step::BringBack { longest_ms }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let members = prop::collection::btree_set(0..MEMBERS, 1..4).prop_map(|set| set.into_iter().collect());
    let fails = prop::bool::weighted(0.15);
    (0_usize..2, members, step(), 0_u64..30, fails).prop_map(|(link, members, step, now_ms, fails)| Action {
        link,
        members,
        step,
        now_ms,
        fails,
    })
}

/// What a connection should say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    /// By member, the hash of what was confirmed; none while in doubt.
    held: BTreeMap<u32, Option<u8>>,
    /// State, due moment, attempts and first moment.
    pending: BTreeMap<u32, (&'static str, u64, u32, u64)>,
    /// Hash, and whether it is a removal.
    refused: BTreeMap<u32, (u8, bool)>,
    tried_for: Option<u8>,
    open: usize,
}

impl Model {
    fn carry_out(&mut self, Action { members, step, now_ms, .. }: &Action) {
        let now = *now_ms;
        match step {
            Step::Intend => {
                self.held.extend(members.iter().map(|member| (*member, None)));
                self.open += 1;
            }
            Step::Confirm(hash) => {
                self.held.extend(members.iter().map(|member| (*member, Some(*hash))));
                self.clear(members);
            }
            Step::Forget => {
                self.held.retain(|member, _| !members.contains(member));
                self.clear(members);
            }
            Step::PutOff { unknown, due_ms } => {
                let state = if *unknown { "unknown" } else { "deferred" };
                for member in members {
                    let row = self.pending.entry(*member).or_insert((state, *due_ms, 0, now));
                    *row = (state, *due_ms, row.2 + 1, row.3);
                }
            }
            Step::Refuse { hash, removal } => {
                self.clear(members);
                self.refused.extend(members.iter().map(|member| (*member, (*hash, *removal))));
            }
            Step::Clear => self.clear(members),
            Step::Orphans => self.open = 0,
            Step::TryFor(digest) => {
                if self.tried_for.is_some_and(|known| known != *digest) {
                    self.pending.values_mut().for_each(|row| *row = (row.0, row.1.min(now), 0, now));
                }
                self.tried_for = Some(*digest);
            }
            Step::BringBack { longest_ms } => {
                for row in self.pending.values_mut() {
                    let due_ms = if row.1 > now + longest_ms { now } else { row.1 };
                    *row = (row.0, due_ms, row.2, row.3.min(now));
                }
            }
        }
    }

    fn clear(&mut self, members: &[u32]) {
        self.pending.retain(|member, _| !members.contains(member));
        self.refused.retain(|member, _| !members.contains(member));
    }

    /// What the store says.
    fn read(store: &Store, link: i64) -> Self {
        let reader = store.reader().unwrap();
        let (all, in_doubt) = held::sets(&reader, link).unwrap();
        let hash = |member: u32| held::get(&reader, link, member).unwrap().unwrap().hash.map(|hash| hash[0]);
        let held: BTreeMap<u32, Option<u8>> = all.iter().map(|member| (member, hash(member))).collect();
        let doubted: RoaringBitmap =
            held.iter().filter(|(_, hash)| hash.is_none()).map(|(member, _)| *member).collect();
        assert_eq!(doubted, in_doubt, "who is in doubt has no hash, and nobody else");
        let pending = ledger::waiting(&reader, link).unwrap().into_iter().map(|row| {
            let state = if row.state == "unknown" { "unknown" } else { "deferred" };
            (row.profile, (state, row.due_ms, row.attempts, row.first_ms))
        });
        let (kept, removals) = ledger::refused(&reader, link, &DIGEST, 1).unwrap();
        let mut statement =
            reader.connection.prepare("select profile, hash from refusal where connection = ?1").unwrap();
        let refused = statement.query_map([link], |row| {
            let (member, hash): (u32, Vec<u8>) = (row.get(0)?, row.get(1)?);
            Ok((member, (hash[0], removals.contains(member))))
        });
        let refused: BTreeMap<u32, (u8, bool)> = refused.unwrap().map(Result::unwrap).collect();
        assert_eq!((kept | &removals).iter().collect::<Vec<_>>(), refused.keys().copied().collect::<Vec<_>>());
        let open = "select count(*) from delivery where connection = ?1 and state = 'intent'";
        Self {
            held,
            pending: pending.collect(),
            refused,
            tried_for: waiting::tried_for(&reader, link).unwrap().map(|digest| digest[0]),
            open: usize::try_from(reader.connection.query_row(open, [link], |row| row.get::<_, i64>(0)).unwrap())
                .unwrap(),
        }
    }
}

fn carry_out(tx: &Transaction<'_>, link: i64, run: i64, action: &Action) -> Result<(), Error> {
    let Action { members, step, now_ms, fails, .. } = action;
    let set: RoaringBitmap = members.iter().copied().collect();
    let held = |hash: Option<u8>| -> Vec<Held> {
        let row =
            |member: &u32| Held { profile: *member, hash: hash.map(|hash| [hash; 16]), version: 1, ..Held::default() };
        members.iter().map(row).collect()
    };
    match step {
        Step::Intend => {
            held::put(tx, link, &held(None))?;
            let intent = Intent {
                run,
                link,
                operation: "sync",
                label: "prepared",
                request_key: "key",
                members: &set,
                attempt: 1,
                plugin_digest: &DIGEST,
                version: 1,
                at_ms: *now_ms,
            };
            ledger::intend(tx, &intent)?;
        }
        Step::Confirm(hash) => {
            held::put(tx, link, &held(Some(*hash)))?;
            ledger::clear(tx, link, &set)?;
        }
        Step::Forget => {
            held::forget(tx, link, members.iter().copied())?;
            ledger::clear(tx, link, &set)?;
        }
        Step::PutOff { unknown, due_ms } => {
            let row = |member: &u32| PendingRow {
                profile: *member,
                state: if *unknown { "unknown" } else { "deferred" }.to_owned(),
                due_ms: *due_ms,
                attempts: 1,
                first_ms: *now_ms,
                ticket: None,
                reason: None,
                change: None,
                hash: None,
            };
            ledger::put_off(tx, link, &members.iter().map(row).collect::<Vec<_>>())?;
        }
        Step::Refuse { hash, removal } => {
            let row = |member: &u32| RejectionRow {
                profile: *member,
                code: "bad".to_owned(),
                field: None,
                reason: "It is bad.".to_owned(),
                source: "destination",
                change: if *removal { "removed" } else { "added" },
                hash: Some([*hash; 16]),
            };
            ledger::clear(tx, link, &set)?;
            ledger::reject(tx, (run, link), (&DIGEST, 1), *now_ms, &members.iter().map(row).collect::<Vec<_>>())?;
        }
        Step::Clear => ledger::clear(tx, link, &set)?,
        Step::Orphans => drop(ledger::settle_orphans(tx, link, *now_ms)?),
        Step::TryFor(digest) => drop(waiting::try_for(tx, link, &[*digest], *now_ms)?),
        Step::BringBack { longest_ms } => waiting::bring_back(tx, link, *now_ms, *longest_ms)?,
    }
    if *fails { Err(Error::Broken("the disk is full")) } else { Ok(()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_says_of_everybody_what_its_model_says(actions in prop::collection::vec(action(), 1..60), restart in 0_usize..60) {
        let mut store = TestStore::new();
        let name = |destination: &str| LinkName {
            audience: "gold".to_owned(), destination: destination.to_owned(), mapping: String::new(),
        };
        let links = ["one", "other"].map(|destination| {
            let name = name(destination);
            store.write_blocking(move |tx| ledger::link(tx, &name, &[1])).unwrap().id
        });
        let run = store.write_blocking(|tx| ledger::begin_run(tx, 0)).unwrap();
        let mut models = [Model::default(), Model::default()];
        for (at, action) in actions.into_iter().enumerate() {
            let (link, carried) = (links[action.link], action.clone());
            let written = store.submit_relaxed(move |tx| carry_out(tx, link, run, &carried)).unwrap().wait();
            prop_assert_eq!(written.is_ok(), !action.fails);
            if !action.fails {
                models[action.link].carry_out(&action);
            }
            if at == restart {
                store.reopen().unwrap();
            }
            for (link, model) in links.iter().zip(&models) {
                prop_assert_eq!(&Model::read(&store, *link), model, "after {:?}", action);
            }
        }
    }
}
