//! The report as JUnit XML: a suite a group, a test case a check, and one for each of the plugin's cases.

use std::fmt::Write as _;

use enroute_core::plain;

use super::{CheckReport, Report, State};
use crate::catalogue::Group;
use crate::findings::Failure;

/// Writes the whole file.
pub(super) fn write(report: &Report) -> String {
    let failures = report.failed().count() + report.cases.iter().filter(|case| !case.differences.is_empty()).count();
    let tests = report.checks.len() + report.cases.len();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = escaped(if report.plugin.is_empty() { "not a plugin" } else { &report.plugin });
    let _ = writeln!(xml, "<testsuites name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
    for group in [Group::File, Group::Validate, Group::Map, Group::Send, Group::Budgets] {
        let checks: Vec<&CheckReport> = report.checks.iter().filter(|check| check.group == group).collect();
        let count = |state| checks.iter().filter(|check| check.state == state).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            group.word(),
            checks.len(),
            count(State::Failed),
            count(State::NotLookedAt)
        );
        checks.iter().for_each(|check| write_check(&mut xml, check));
        xml.push_str("  </testsuite>\n");
    }
    if !report.cases.is_empty() {
        let failed = report.cases.iter().filter(|case| !case.differences.is_empty()).count();
        let _ = writeln!(xml, "  <testsuite name=\"cases\" tests=\"{}\" failures=\"{failed}\">", report.cases.len());
        for case in &report.cases {
            test_case(&mut xml, "cases", &case.name, &case.differences.join("\n"));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn write_check(xml: &mut String, check: &CheckReport) {
    let name = format!("{} {}", check.clause, check.name);
    if check.state == State::NotLookedAt {
        let (group, name) = (check.group.word(), escaped(&name));
        let _ = writeln!(xml, "    <testcase classname=\"{group}\" name=\"{name}\"><skipped/></testcase>");
        return;
    }
    let told = |failure: &Failure| {
        let [did, expected, got] = [&failure.did, &failure.expected, &failure.got].map(|text| plain::visible(text));
        format!("did {did}\nexpected {expected}\ngot {got}")
    };
    let told: Vec<String> = check.failures.iter().map(told).collect();
    let why = if told.is_empty() { String::new() } else { format!("{}\n{}", check.says, told.join("\n\n")) };
    test_case(xml, check.group.word(), &name, &why);
}

/// A test case, failed where there is a reason.
fn test_case(xml: &mut String, class: &str, name: &str, why: &str) {
    let (class, name) = (escaped(class), escaped(name));
    if why.is_empty() {
        let _ = writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\"/>");
    } else {
        let message = escaped(why.lines().next().unwrap_or_default());
        let why = escaped(why);
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{class}\" name=\"{name}\"><failure message=\"{message}\">{why}</failure></testcase>"
        );
    }
}

/// Text that is safe in an attribute and in an element; what XML cannot hold at all becomes `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_xml() {
        assert_eq!(escaped("a<b> & \"c\"\u{0}\u{1b}"), "a&lt;b&gt; &amp; &quot;c&quot;??");
    }
}
