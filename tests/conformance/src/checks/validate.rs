//! `validate`: pure, never failing, and with every problem in its place.

use enroute_core::manifest::{Setting, SettingType};
use enroute_host::runtime::{Connection, Problem, ProblemPlace, World};
use serde_json::{Map, Value};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::findings::Failure;
use crate::kit::{Kit, OTHER_WORLDS};

/// Connections on which hostile settings and rows are tried.
const BENCHES_MAX: usize = 3;
/// Members that are mapped where a hostile setting is found in order.
const MEMBERS: usize = 6;

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches {
        look(kit, &bench.name, &bench.connection);
    }
    for bench in benches.iter().take(BENCHES_MAX) {
        for (what, connection) in variations(kit, &bench.connection) {
            let name = format!("{}: {what}", bench.name);
            let Some(problems) = look(kit, &name, &connection) else { continue };
            // What `validate` finds in order, `map` must be able to work with. Whether the requests can leave is not
            // looked at: a text of 64 KiB may be in order and fit nowhere.
            if problems.iter().all(|problem| !problem.is_error)
                && let Ok(bench) = Bench::new(name, kit.manifest, connection)
            {
                let (batch, did) =
                    (bench.ordinary(MEMBERS).batch(), format!("{}: mapped ordinary members", bench.name));
                kit.sandbox.map(&kit.findings, World::default(), &bench.connection, &batch, &did);
            }
        }
    }
}

/// Validates in several worlds and looks at every problem.
fn look(kit: &Kit<'_>, name: &str, connection: &Connection) -> Option<Vec<Problem>> {
    let did = format!("{name}: validated");
    let problems = kit.sandbox.validate(&kit.findings, World::default(), connection, &did)?;
    for problem in &problems {
        let wrong = misplaced(kit, connection, problem);
        kit.findings.expect(Check::ProblemsHaveTheirPlace, wrong.is_none(), || {
            let got = format!("{:?}, `{}`: {}", problem.place, problem.message, wrong.unwrap_or_default());
            Failure::new(&did, "a setting or row that exists, what is wrong, and what to do", got)
        });
    }
    for world in OTHER_WORLDS {
        let again = kit.sandbox.validate(&kit.findings, world, connection, &did)?;
        kit.findings.expect(Check::ValidateIsPure, again == problems, || {
            let did = format!("{did} with another clock and other random numbers");
            Failure::new(did, format!("{problems:?}"), format!("{again:?}"))
        });
    }
    Some(problems)
}

fn misplaced(kit: &Kit<'_>, connection: &Connection, problem: &Problem) -> Option<&'static str> {
    let exists = match &problem.place {
        ProblemPlace::Setting(name) => kit.manifest.settings.iter().any(|setting| setting.name == *name),
        ProblemPlace::Row(row) => (*row as usize) < connection.rows.len(),
        ProblemPlace::Audience | ProblemPlace::Remote => true,
    };
    if !exists {
        Some("there is no such place")
    } else if problem.message.trim().is_empty() {
        Some("it does not say what is wrong")
    } else if problem.hint.trim().is_empty() {
        Some("it does not say what to do")
    } else {
        None
    }
}

/// Connections that the host lets through, each with one thing that nobody thought of.
fn variations(kit: &Kit<'_>, base: &Connection) -> Vec<(String, Connection)> {
    let mut varied = Vec::new();
    let settings: Map<String, Value> = serde_json::from_str(&base.settings).unwrap_or_default();
    for setting in &kit.manifest.settings {
        for (what, value) in unthought(setting) {
            let mut settings = settings.clone();
            settings.insert(setting.name.clone(), value);
            let limits = enroute_host::sync::limits(kit.manifest, &settings);
            let connection = Connection { settings: Value::Object(settings).to_string(), limits, ..base.clone() };
            varied.push((format!("`{}` {what}", setting.name), connection));
        }
    }
    varied.extend(rows(base).into_iter().map(|(what, rows)| (what, Connection { rows, ..base.clone() })));
    let remotes = ["null", "[]", "{}", "\"text\"", "0", "{\"id\":null,\"fields\":{},\"list\":[]}"];
    varied.extend(remotes.map(|remote| {
        (format!("the remote {remote}"), Connection { remote: Some(remote.to_owned()), ..base.clone() })
    }));
    for (key, name) in [("a", "A"), ("x".repeat(64).as_str(), "漢字 \u{202e} \"O'Neil\" {{slot}}"), ("email", "E-mail")]
    {
        let connection = Connection { audience_key: key.to_owned(), audience_name: name.to_owned(), ..base.clone() };
        varied.push((format!("an audience `{key}`"), connection));
    }
    varied
}

/// Values of the right type that nobody thought of.
fn unthought(setting: &Setting) -> Vec<(String, Value)> {
    if !setting.choices.is_empty() {
        return setting.choices.iter().map(|choice| (format!("= {choice}"), Value::from(choice.as_str()))).collect();
    }
    let texts = |texts: &[(&str, String)]| -> Vec<(String, Value)> {
        texts.iter().map(|(what, text)| ((*what).to_owned(), Value::from(text.as_str()))).collect()
    };
    match setting.kind {
        SettingType::Boolean => [true, false].map(|flag| (format!("= {flag}"), Value::from(flag))).to_vec(),
        SettingType::Integer => {
            let bounds = [setting.min.unwrap_or(i64::MIN), 0, 1, setting.max.unwrap_or(i64::MAX)];
            let fits =
                |number: &i64| (setting.min.unwrap_or(i64::MIN)..=setting.max.unwrap_or(i64::MAX)).contains(number);
            bounds.into_iter().filter(fits).map(|number| (format!("= {number}"), Value::from(number))).collect()
        }
        SettingType::Digits => texts(&[("of one digit", "0".to_owned()), ("of 200 digits", "9".repeat(200))]),
        SettingType::Origin => texts(&[
            ("elsewhere", "https://elsewhere.example".to_owned()),
            ("with a port", "https://api.example.com:8443".to_owned()),
            ("on this machine", "http://127.0.0.1:8080".to_owned()),
            ("by address", "https://[2001:db8::1]".to_owned()),
        ]),
        SettingType::Text => texts(&[
            ("with no text", String::new()),
            ("of blanks", " \t ".to_owned()),
            ("of 64 KiB", "x".repeat(64 << 10)),
            ("of other scripts", "Ünï漢字\u{202e}👩‍👩‍👧".to_owned()),
            ("with control characters", "a\u{0}b\r\nc".to_owned()),
            ("like a slot", "{remote:/list}{{secret:key}}../..".to_owned()),
        ]),
    }
}

/// Rows that a mapping can have.
fn rows(base: &Connection) -> Vec<(String, Vec<(String, String)>)> {
    let mut varied = Vec::new();
    let reversed: Vec<_> = base.rows.iter().rev().cloned().collect();
    let doubled: Vec<_> = base.rows.iter().chain(&base.rows).cloned().collect();
    varied.push(("rows turned round".to_owned(), reversed));
    varied.push(("every row twice".to_owned(), doubled));
    let long = "y".repeat(2_000);
    for field in ["kit_unknown_field", "", "Ünï漢字", "$set", "a.b[0]", long.as_str()] {
        let row = ("kit_trait".to_owned(), field.to_owned());
        let what = format!("a row into a field of {} characters", field.chars().count());
        varied.push((what, base.rows.iter().cloned().chain([row]).collect()));
    }
    varied
}
