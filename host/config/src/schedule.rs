//! When something is due by itself: every so often, at a time of day, or by a line of cron.
//!
//! Pure: the moment is a parameter. The rule in words: a line whose minute and hour are fixed runs once a local day, where
//! the clock jumps over the time at the end of the gap, where a time comes twice at the first; a line with `*` in minute
//! or hour goes by real time, so there is nothing in a gap and both passes of an overlap; `every` counts elapsed time and
//! knows no zone. What must never happen: a slot that is due twice, and a schedule that ends by itself.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

/// `every` is spread by a hash of the name over so much at most, so that many do not begin in one moment.
const SPREAD_MS_MAX: u64 = 60_000;
/// Days that are looked through for the next one of a line: the 29th of February comes after eight years at most.
const YEARS_MAX: i16 = 9;
/// Where a search fails it is begun again a day later, so often.
const SEARCHES_MAX: u32 = 3;

/// When something is due.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// As it is written: `every 15m`.
    pub written: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Elapsed time in milliseconds, and where in it the slots are.
    Every { every_ms: u64, at_ms: u64 },
    /// Times of a local day, on days that a line of cron meets.
    Daily { times: Vec<Time>, days: Box<Cron>, zone: TimeZone },
    /// Real time.
    Line { line: Box<Cron>, zone: TimeZone },
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// No line of cron.
    #[error("{0}")]
    Line(String),
    /// A line that no day meets.
    #[error("no day of the calendar meets it")]
    Never,
}

impl Schedule {
    /// Every so often. `name` spreads those with the same interval.
    #[must_use]
    pub fn every(every_ms: u64, written: String, name: &str) -> Self {
        let every_ms = every_ms.max(1);
        // FNV-1a: the same on every machine and in every version.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self { written, kind: Kind::Every { every_ms, at_ms: hash % every_ms.min(SPREAD_MS_MAX) } }
    }

    /// Each day at this time of this zone.
    ///
    /// # Errors
    /// When the time is none of a day.
    pub fn daily(hour: i8, minute: i8, zone: TimeZone, written: String) -> Result<Self, ScheduleError> {
        let time = Time::new(hour, minute, 0, 0).map_err(|error| ScheduleError::Line(error.to_string()))?;
        let days = parse("0 0 * * *")?;
        Ok(Self { written, kind: Kind::Daily { times: vec![time], days: Box::new(days), zone } })
    }

    /// A line of cron with five fields, or one of its nicknames.
    ///
    /// # Errors
    /// When the text is no such line, or no day ever meets it.
    pub fn cron(text: &str, zone: TimeZone, written: String) -> Result<Self, ScheduleError> {
        let text = nickname(text.trim())?;
        let line = parse(text)?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days @ ..] = fields.as_slice() else {
            return Err(ScheduleError::Line("it has no five fields".to_owned()));
        };
        let days = parse(&format!("0 0 {}", days.join(" ")))?;
        if next_day(&days, Date::constant(2000, 1, 1)).is_none() {
            return Err(ScheduleError::Never);
        }
        if minutes.contains('*') || hours.contains('*') {
            return Ok(Self { written, kind: Kind::Line { line: Box::new(line), zone } });
        }
        let (minutes, hours) = (numbers(minutes, 59)?, numbers(hours, 23)?);
        let time = |hour: i8, minute: i8| Time::new(hour, minute, 0, 0).ok();
        let times = hours.iter().flat_map(|hour| minutes.iter().filter_map(move |minute| time(*hour, *minute)));
        Ok(Self { written, kind: Kind::Daily { times: times.collect(), days: Box::new(days), zone } })
    }

    /// The first slot after this moment, in milliseconds since 1970. Nothing only where the calendar ends.
    #[must_use]
    pub fn next_after(&self, after_ms: u64) -> Option<u64> {
        match &self.kind {
            Kind::Every { every_ms, at_ms } => {
                let past = (after_ms + every_ms).saturating_sub(*at_ms);
                Some(past / every_ms * every_ms + at_ms)
            }
            Kind::Daily { times, days, zone } => next_time(times, days, zone, stamp(after_ms)?),
            Kind::Line { line, zone } => next_line(line, stamp(after_ms)?.to_zoned(zone.clone())),
        }
    }

    /// Whether it has slots at once where it never ran: what comes every so often does not wait for its first slot.
    #[must_use]
    pub const fn begins_at_once(&self) -> bool {
        matches!(self.kind, Kind::Every { .. })
    }
}

fn parse(text: &str) -> Result<Cron, ScheduleError> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let has_gap = text.split_whitespace().any(|field| field.split(',').any(str::is_empty));
    if has_gap {
        return Err(ScheduleError::Line("between two commas is nothing".to_owned()));
    }
    parser.parse(text).map_err(|error| ScheduleError::Line(error.to_string()))
}

/// What a nickname stands for; other texts are as they are.
fn nickname(text: &str) -> Result<&str, ScheduleError> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other if other.contains('@') => return Err(ScheduleError::Line(format!("there is no nickname `{text}`"))),
        _ => text,
    })
}

/// The numbers of a field without `*`, in order: `5`, `1-5`, `0-30/10`, and lists of them.
fn numbers(field: &str, most: i8) -> Result<Vec<i8>, ScheduleError> {
    let wrong = || ScheduleError::Line(format!("`{field}` is no list of numbers from 0 to {most}"));
    let number = |text: &str| text.parse::<i8>().ok().filter(|number| (0..=most).contains(number)).ok_or_else(wrong);
    let mut found = Vec::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, number(range)?),
        };
        let step = step.parse::<usize>().ok().filter(|step| *step > 0).ok_or_else(wrong)?;
        found.extend((first..=last).step_by(step));
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

/// The first day that a line meets, from this one on.
fn next_day(days: &Cron, from: Date) -> Option<Date> {
    let last = from.saturating_add(jiff::Span::new().years(YEARS_MAX));
    let found = days.find_next_occurrence(&from.at(0, 0, 0, 0), true).ok()?.date();
    (found <= last).then_some(found)
}

fn next_time(times: &[Time], days: &Cron, zone: &TimeZone, after: Timestamp) -> Option<u64> {
    // A day before: where the clock goes back over midnight, a slot of yesterday may still come.
    let mut from = zone.to_datetime(after).date().yesterday().ok()?;
    loop {
        let day = next_day(days, from)?;
        let slots = times.iter().filter_map(|time| moment(day, *time, zone)).filter(|slot| *slot > after);
        if let Some(first) = slots.min() {
            return ms(first);
        }
        from = day.tomorrow().ok()?;
    }
}

/// When a local time is: in a gap at its end, if that is on the same day; where it comes twice, the first.
fn moment(day: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let local = day.to_datetime(time);
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            let behind = before.to_timestamp(local).ok()?.saturating_add(SignedDuration::from_secs(1)).ok()?;
            let end = zone.preceding(behind).next()?.timestamp();
            // A day that a zone leaves out has no slots.
            (zone.to_datetime(end).date() == day).then_some(end)
        }
    }
}

fn next_line(line: &Cron, after: Zoned) -> Option<u64> {
    let mut from = after;
    for _ in 0..SEARCHES_MAX {
        match line.find_next_occurrence(&from, false) {
            Ok(found) => return ms(found.timestamp()),
            Err(_) => from = from.saturating_add(SignedDuration::from_hours(24)),
        }
    }
    None
}

fn stamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

fn ms(stamp: Timestamp) -> Option<u64> {
    u64::try_from(stamp.as_millisecond()).ok()
}

#[cfg(test)]
mod tests;
