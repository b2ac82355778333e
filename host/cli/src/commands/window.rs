//! What `enroute status --since` shows: counts, reasons and times of a while.

use enroute_host::sync::{Latency, Window};

use crate::output::{Output, connection};

/// Prints what became of members.
pub(crate) fn show(windows: &[Window], since: &str, output: &Output) -> anyhow::Result<()> {
    output.line("")?;
    if windows.is_empty() {
        return output.line(format_args!("nothing happened since {since}"));
    }
    output.line(format_args!("since {since}"))?;
    for window in windows {
        output.line(format_args!("  {}", connection(&window.audience, &window.destination, &window.mapping)))?;
        let counts: Vec<String> = window.outcomes.iter().map(|(word, members)| format!("{word} {members}")).collect();
        output.line(format_args!("    {}", counts.join(", ")))?;
        if let Some(Latency { p50, p95, p99 }) = window.latency_ms {
            output.line(format_args!("    delivered within: half {p50} ms, 95 % {p95} ms, 99 % {p99} ms"))?;
        }
        for one in &window.discards {
            let (members, code, before) = (one.members, &one.code, one.before);
            let samples = one.samples.join(", ");
            output.line(format_args!("    rejected: {members} × {code} (before {before}): {}", one.reason))?;
            output.line(format_args!("      such as {samples}"))?;
        }
    }
    Ok(())
}
