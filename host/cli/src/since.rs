//! Moments on the command line: a while ago (`10m`, `24h`, `14d`), a day, or a moment.

/// Milliseconds since 1970 of what somebody wrote.
///
/// ```text
/// 90s 10m 24h 14d          that long before now
/// 2026-11-30               the beginning of that day in UTC
/// 2026-11-30T08:00:00Z     that moment
/// ```
pub(crate) fn moment_ms(text: &str, now_ms: u64) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no moment: write `10m`, `24h`, `14d`, 2026-11-30 or 2026-11-30T08:00:00Z");
    if let Some(unit) = text.chars().last()
        && let Some(ms) = [('s', 1_000), ('m', 60_000), ('h', 3_600_000), ('d', 86_400_000)]
            .iter()
            .find_map(|(known, ms)| (*known == unit).then_some(*ms))
        && let Some(number) = text.strip_suffix(unit)
        && let Ok(number) = number.parse::<u64>()
    {
        return Ok(now_ms.saturating_sub(number.saturating_mul(ms)));
    }
    let moment = match text.parse::<jiff::civil::Date>() {
        Ok(day) if !text.contains('T') => {
            day.to_zoned(jiff::tz::TimeZone::UTC).map(|day| day.timestamp()).map_err(|_| wrong())?
        }
        _ => text.parse::<jiff::Timestamp>().map_err(|_| wrong())?,
    };
    u64::try_from(moment.as_millisecond()).map_err(|_| wrong())
}

/// A moment in UTC, to the second.
pub(crate) fn shown(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = moment_ms(text, 1_796_000_000_000).map_or_else(|wrong| wrong, shown);
        assert!(got.contains(expect), "{text}: {got}");
    }

    #[test]
    fn a_moment_is_a_while_ago_a_day_or_a_moment() {
        let now = shown(1_796_000_000_000);
        check("0s", &now);
        check("2d", &shown(1_796_000_000_000 - 172_800_000));
        check("2026-11-30", "2026-11-30T00:00:00Z");
        check("2026-11-30T08:00:00Z", "2026-11-30T08:00:00Z");
        for wrong in ["", "yesterday", "d", "-3d", "2026-13-01", "1970"] {
            check(wrong, "is no moment");
        }
    }
}
