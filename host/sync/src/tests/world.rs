//! What the simulator runs in: chance from a seed, and a destination that does what chance says.

use std::collections::BTreeMap;

use enroute_core::batch::Change;
use enroute_core::outcome::{Fate, Outcome, Refusal, Report, Verdict};

/// A value that the destination refuses.
pub(super) const BAD: u8 = 9;

/// Numbers from a seed, by `SplitMix64`.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// A member of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) member: u32,
    pub(super) change: Change,
    /// What it has; of no meaning where it leaves.
    pub(super) value: u8,
}

/// A destination: who is there, with what.
#[derive(Debug, Default)]
pub(super) struct Destination {
    pub(super) there: BTreeMap<u32, u8>,
    /// Repeats that are allowed for, because it was in doubt what had arrived.
    pub(super) doubts: BTreeMap<u32, u32>,
}

/// An answer as a plugin reports it, and whether the request left.
pub(super) struct Answer {
    pub(super) report: Report,
    pub(super) left: bool,
}

impl Destination {
    /// Carries a request out, or not. `trouble` is the chance of a fault, in percent.
    pub(super) fn answer(&mut self, items: &[Item], dice: &mut Dice, trouble: u64) -> Result<Answer, String> {
        let all = |outcome: Outcome, verdict: Verdict| report(vec![(everybody(items), outcome)], verdict);
        let later = || Outcome::Deferred { after_ms: 0 };
        // Of whom a request was not clearly answered may be sent once more than needed.
        let fault = if dice.percent(trouble) { 1 + dice.below(6) } else { 0 };
        if fault > 1 {
            self.doubt(items);
        }
        let answer = match fault {
            1 => Answer { report: all(later(), Verdict::Unavailable("no connection".into())), left: false },
            2 | 3 => {
                if fault == 3 && refused(items).is_empty() {
                    self.apply(items)?;
                }
                Answer { report: all(Outcome::Unknown, Verdict::Ok), left: true }
            }
            4 => Answer { report: all(later(), Verdict::Unavailable("503".into())), left: true },
            5 => {
                let after_ms = dice.below(60_000);
                Answer { report: all(later(), Verdict::Throttled { bucket: "api".into(), after_ms }), left: true }
            }
            6 => Answer { report: all(later(), Verdict::CredentialInvalid("401".into())), left: true },
            _ => Answer { report: self.take_in(items, dice)?, left: true },
        };
        Ok(answer)
    }

    /// A destination that is well refuses a request for one bad member: with a sentence, or naming it.
    fn take_in(&mut self, items: &[Item], dice: &mut Dice) -> Result<Report, String> {
        let bad = refused(items);
        if bad.is_empty() {
            self.apply(items)?;
            return Ok(report(vec![(everybody(items), Outcome::Delivered)], Verdict::Ok));
        }
        self.doubt(items);
        if dice.percent(50) {
            let later = Outcome::Deferred { after_ms: 0 };
            return Ok(report(vec![(everybody(items), later)], Verdict::RefusedBisect("something is bad".into())));
        }
        let refusal = Refusal { code: "bad".into(), reason: "it is bad".into() };
        let sound = everybody(items).into_iter().filter(|at| !bad.contains(at)).collect();
        let fates = vec![(bad, Outcome::Rejected(refusal)), (sound, Outcome::Deferred { after_ms: 0 })];
        Ok(report(fates, Verdict::Ok))
    }

    /// Lets a request take effect; one that changes nothing must have had a reason.
    fn apply(&mut self, items: &[Item]) -> Result<(), String> {
        for item in items {
            let is_there = self.there.get(&item.member).copied();
            let wanted = (item.change != Change::Removed).then_some(item.value);
            if is_there == wanted {
                let left = self.doubts.get_mut(&item.member).filter(|left| **left > 0);
                let left = left.ok_or_else(|| format!("P2: {item:?} was sent though nothing was in doubt"))?;
                *left -= 1;
            }
            match wanted {
                Some(value) => drop(self.there.insert(item.member, value)),
                None => drop(self.there.remove(&item.member)),
            }
        }
        Ok(())
    }

    /// Whoever is in this request may be sent once more than needed.
    pub(super) fn doubt(&mut self, items: &[Item]) {
        items.iter().for_each(|item| *self.doubts.entry(item.member).or_default() += 1);
    }
}

fn everybody(items: &[Item]) -> Vec<u32> {
    (0..u32::try_from(items.len()).unwrap()).collect()
}

fn refused(items: &[Item]) -> Vec<u32> {
    let is_bad = |item: &Item| item.change != Change::Removed && item.value == BAD;
    everybody(items).into_iter().filter(|at| is_bad(&items[*at as usize])).collect()
}

fn report(fates: Vec<(Vec<u32>, Outcome)>, verdict: Verdict) -> Report {
    let fates = fates.into_iter().map(|(members, outcome)| Fate { members, outcome }).collect();
    Report { fates, verdict, unattributed: vec![], remote: None, account: None, warnings: vec![] }
}
