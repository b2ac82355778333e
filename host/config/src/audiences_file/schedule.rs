//! `every`, `at`, `cron` and `zone` of a source or a connection: when it is due by itself.

use jiff::tz::TimeZone;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::schedule::{Schedule, ScheduleError};
use crate::walker::{Section, Walker};

/// The keys that say when something is due.
pub(super) const KEYS: [&str; 4] = ["every", "at", "cron", "zone"];

/// Shortest and longest `every`, in milliseconds: what is wanted oftener follows its data.
const EVERY_MS: std::ops::RangeInclusive<u64> = 10_000..=366 * 24 * 3_600_000;

/// Reads the schedule of a section, if it has one. `name` spreads those that have the same interval.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, name: &str) -> Option<Schedule> {
    let [every, at, cron, zone] = KEYS.map(|key| walker.text(section, key));
    let given: Vec<&Located<String>> = [&every, &at, &cron].into_iter().flatten().collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("{} has more than one schedule", section.title);
        let hint = "keep one of `every`, `at` and `cron`";
        let diagnostic = Diagnostic::error(Code::TwoSchedules, message).at(&second.place);
        walker.found.push(diagnostic.also(&first.place, "the first one").hint(hint));
        return None;
    }
    let in_zone = match &zone {
        Some(zone) if at.is_none() && cron.is_none() => {
            let message = format!("`zone` in {} has no meaning without `at` or `cron`", section.title);
            walker.found.push(Diagnostic::error(Code::BadZone, message).at(&zone.place).hint("remove it"));
            return None;
        }
        Some(zone) => find_zone(walker, zone)?,
        None => TimeZone::UTC,
    };
    let written = |key: &str, text: &str| match &zone {
        Some(zone) => format!("{key} {text} {}", zone.value),
        None => format!("{key} {text}"),
    };
    if let Some(every) = every {
        return interval(walker, &every).map(|ms| Schedule::every(ms, written("every", &every.value), name));
    }
    if let Some(at) = at {
        let found = time(&at.value)
            .and_then(|(hour, minute)| Schedule::daily(hour, minute, in_zone, written("at", &at.value)).ok());
        if found.is_none() {
            let message = format!("`at` cannot be \"{}\"", at.value);
            let hint = "write a time of day as `at = \"02:30\"`; for several times take `cron`";
            walker.found.push(Diagnostic::error(Code::BadTime, message).at(&at.place).hint(hint));
        }
        return found;
    }
    let cron = cron?;
    match Schedule::cron(&cron.value, in_zone, written("cron", &cron.value)) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            let (code, hint) = match error {
                ScheduleError::Never => (Code::NeverDue, "write a day that there is, such as \"0 12 28 2 *\""),
                ScheduleError::Line(_) => {
                    (Code::BadCron, "write five fields, minute hour day month weekday: \"30 2 * * MON-FRI\"")
                }
            };
            let message = format!("`cron` cannot be \"{}\": {error}", cron.value);
            walker.found.push(Diagnostic::error(code, message).at(&cron.place).hint(hint));
            None
        }
    }
}

fn find_zone(walker: &mut Walker<'_>, zone: &Located<String>) -> Option<TimeZone> {
    // Names alone: a text such as `+02:00` would know no summer time.
    let found = zone.value.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| TimeZone::get(&zone.value).ok());
    let found = found.flatten();
    if found.is_none() {
        let message = format!("there is no time zone \"{}\"", zone.value);
        let hint = "write a name of the IANA database, such as \"Europe/Oslo\", or \"UTC\"";
        walker.found.push(Diagnostic::error(Code::BadZone, message).at(&zone.place).hint(hint));
    }
    found
}

/// `HH:MM`.
fn time(text: &str) -> Option<(i8, i8)> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| (text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse());
    Some((number(hour)?.ok()?, number(minute).filter(|_| minute.len() == 2)?.ok()?))
}

/// `90s`, `15m`, `6h`, `2d`.
fn interval(walker: &mut Walker<'_>, every: &Located<String>) -> Option<u64> {
    let text = every.value.trim();
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let unit_ms: Option<u64> = match unit {
        "s" => Some(1_000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(24 * 3_600_000),
        _ => None,
    };
    let ms = number.parse::<u64>().ok().zip(unit_ms).and_then(|(number, unit_ms)| number.checked_mul(unit_ms));
    let ms = ms.filter(|ms| EVERY_MS.contains(ms));
    if ms.is_none() {
        let message = format!("`every` cannot be \"{}\"", every.value);
        let hint =
            "write a whole number with s, m, h or d, from \"10s\" to \"366d\"; without a schedule it follows its data";
        walker.found.push(Diagnostic::error(Code::BadInterval, message).at(&every.place).hint(hint));
    }
    ms
}

#[cfg(test)]
mod tests {
    use crate::Paths;
    use crate::diagnostic::Diagnostics;
    use crate::load::understand;

    fn loaded(keys: &str) -> crate::load::Loaded {
        let text = format!("[source.crm]\nfile = \"a.csv\"\n{keys}\n");
        understand(Paths::new("."), Some(""), Some(&text), Diagnostics::default())
    }

    #[track_caller]
    fn refuse(keys: &str, expect: &str) {
        let loaded = loaded(keys);
        let told = loaded.diagnostics.render(&loaded.files);
        assert!(told.starts_with(expect), "{keys}: {told}");
    }

    #[test]
    fn a_source_says_when_it_is_read() {
        for (keys, expect) in [
            ("every = \"90s\"", "every 90s"),
            ("at = \"2:30\"\nzone = \"Europe/Oslo\"", "at 2:30 Europe/Oslo"),
            ("cron = \"*/5 8-18 * * MON-FRI\"", "cron */5 8-18 * * MON-FRI"),
        ] {
            let config = loaded(keys).config.unwrap();
            let source = config.sources.values().next().unwrap();
            assert_eq!(source.schedule.as_ref().unwrap().written, expect);
        }
        assert!(loaded("").config.unwrap().sources.values().all(|source| source.schedule.is_none()));
    }

    #[test]
    fn what_is_no_schedule_is_told_with_its_place() {
        refuse("every = \"1m\"\nat = \"02:30\"", "error[E350]: [source.crm] has more than one schedule\n");
        refuse("every = \"5s\"", "error[E351]: `every` cannot be \"5s\"\n");
        refuse("every = \"99999999999999999d\"", "error[E351]");
        refuse("every = \"soon\"", "error[E351]");
        refuse("at = \"24:00\"", "error[E352]: `at` cannot be \"24:00\"\n");
        refuse("at = \"2:3\"", "error[E352]");
        refuse("at = \"+2:30\"", "error[E352]");
        refuse("cron = \"*/10 * * * * *\"", "error[E353]: `cron` cannot be \"*/10 * * * * *\": ");
        refuse("at = \"02:30\"\nzone = \"Europe/Osol\"", "error[E354]: there is no time zone \"Europe/Osol\"\n");
        refuse("at = \"02:30\"\nzone = \"+02:00\"", "error[E354]");
        refuse("zone = \"UTC\"", "error[E354]: `zone` in [source.crm] has no meaning without `at` or `cron`\n");
        refuse(
            "cron = \"0 12 30 2 *\"",
            "error[E355]: `cron` cannot be \"0 12 30 2 *\": no day of the calendar meets it\n",
        );
    }
}
