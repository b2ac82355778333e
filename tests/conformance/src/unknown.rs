//! What no kit can know without knowing the destination, how a case tells it, and which cases of the plugin do.

use std::path::Path;

use serde::Serialize;
use toml::{Table, Value};

/// Cases that are named of one thing; more are counted.
const SHOWN_MAX: usize = 3;

/// Something that only the destination knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// Its name, which stays the same.
    pub name: &'static str,
    /// What the kit cannot know.
    pub says: &'static str,
    /// How an author writes it down: a case that shows it, or where else it is held.
    pub case: &'static str,
    /// The plugin's own cases that do, by name.
    pub cases: Vec<String>,
}

struct Topic {
    name: &'static str,
    says: &'static str,
    case: &'static str,
    /// Whether a case tells it: the folder that it is in, and what it says.
    is_told: fn(&str, &Table) -> bool,
}

const TOPICS: [Topic; 16] = [
    Topic {
        name: "addresses",
        says: "whether method, host and path are the destination's",
        case: "cases/map/: `path`, `method` or `origin` in `[[expect.request]]`",
        is_told: |kind, case| kind == "map" && has_request(case, &["path", "method", "origin"]),
    },
    Topic {
        name: "field_names",
        says: "whether fields are called as at the destination, and values have the forms that it takes",
        case: "cases/map/: the whole `body` in `[[expect.request]]`, copied from the vendor's documentation",
        is_told: |kind, case| kind == "map" && has_request(case, &["body"]),
    },
    Topic {
        name: "values_left_out",
        says: "which values the destination refuses, and whether one costs the value or the member",
        case: "cases/map/: `[[expect.warning]]` or `[[expect.rejection]]`",
        is_told: |kind, case| kind == "map" && (has(case, "warning") || has(case, "rejection")),
    },
    Topic {
        name: "removal",
        says: "whether a removal takes somebody out, and of this list alone",
        case: "cases/map/: a member with `change = \"removed\"`, and its whole `body` or `path`",
        is_told: |kind, case| kind == "map" && leaves(case) && has_request(case, &["body", "path", "query"]),
    },
    Topic {
        name: "lists",
        says: "whether what goes to several lists or settings of a list goes to the right one",
        case: "cases/map/: a `remote`, and `slots` or the list's id in `path` or `body` of `[[expect.request]]`",
        is_told: |kind, case| kind == "map" && (case.contains_key("remote") || has_request(case, &["slots"])),
    },
    Topic {
        name: "consent",
        says: "what the parts of consent are called, and what the destination wants said of them",
        case: "cases/map/: `consent` with what comes of it in `body` or `[[expect.rejection]]`",
        is_told: |kind, case| kind == "map" && case.contains_key("consent"),
    },
    Topic {
        name: "success",
        says: "whether a 2xx with this body means that everybody arrived",
        case: "cases/send/: the real answer in `[[exchange]]`, and `members` that are `delivered` or `accepted`",
        is_told: |kind, case| kind == "send" && is_outcome(case, &["delivered", "accepted"]),
    },
    Topic {
        name: "refused_members",
        says: "where an answer names those that it refused, and which refusals are for good",
        case: "cases/send/: the real answer, and `members` of which some are `rejected CODE`",
        is_told: |kind, case| kind == "send" && is_outcome(case, &["rejected"]),
    },
    Topic {
        name: "nothing_to_do",
        says: "which answer says that nothing had to be done",
        case: "cases/send/: the real answer, and `members` that are `unchanged CODE`",
        is_told: |kind, case| kind == "send" && is_outcome(case, &["unchanged"]),
    },
    Topic {
        name: "refusals_in_a_success",
        says: "whether a 2xx carries an error in a form of the destination's own",
        case: "cases/send/: a `status` of 2xx in the last `[[exchange]]` after which not everybody is `delivered`",
        is_told: |kind, case| kind == "send" && refuses_with_success(case),
    },
    Topic {
        name: "waits",
        says: "which answers ask for a wait, in which header, and which of its limits is met",
        case: "cases/send/: the real answer with its headers, and `verdict = \"throttled BUCKET MS\"`",
        is_told: |kind, case| kind == "send" && is_verdict(case, &["throttled"]),
    },
    Topic {
        name: "credential",
        says: "how the destination says that a key is wrong, or lacks a right",
        case: "cases/send/: the real answer, and `verdict` of `credential_invalid`, `permission_missing` or `misconfigured`",
        is_told: |kind, case| {
            let pauses = ["credential", "permission", "misconfigured"];
            kind == "send" && is_verdict(case, &pauses)
        },
    },
    Topic {
        name: "probe",
        says: "whether the probe asks what shows that key, rights and list are in order",
        case: "cases/send/: `work = \"probe\"` with the real answer",
        is_told: |kind, case| kind == "send" && is_work(case, "probe"),
    },
    Topic {
        name: "opening",
        says: "whether the list that is found or made is the audience's",
        case: "cases/send/: `work = \"open\"` with the real answers, one with and one without the list",
        is_told: |kind, case| kind == "send" && is_work(case, "open"),
    },
    Topic {
        name: "jobs",
        says: "what the states of a job mean, and where it names those that it refused",
        case: "cases/send/: `work = \"resume\"` with the real answers",
        is_told: |kind, case| kind == "send" && is_work(case, "resume"),
    },
    Topic {
        name: "limits",
        says: "whether limits and paces of the manifest are the destination's, and what its remote lowers them to",
        case: "cases/map/: `limits` lower than the manifest's; the numbers themselves are the vendor's documentation's",
        is_told: |kind, case| kind == "map" && case.contains_key("limits"),
    },
];

/// Everything that the kit cannot know, with the cases of a folder that tell it.
pub(crate) fn all(folder: Option<&Path>) -> Vec<Unknown> {
    let cases = folder.map(read).unwrap_or_default();
    let one = |topic: &Topic| Unknown {
        name: topic.name,
        says: topic.says,
        case: topic.case,
        cases: cases
            .iter()
            .filter(|(kind, _, case)| (topic.is_told)(kind, case))
            .map(|(kind, name, _)| format!("{kind}/{name}"))
            .collect(),
    };
    TOPICS.iter().map(one).collect()
}

impl Unknown {
    /// The cases that tell it, for people.
    pub(crate) fn told(&self) -> String {
        let shown = self.cases.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
        match self.cases.len() {
            0 => "no case tells".to_owned(),
            count if count > SHOWN_MAX => format!("told by {shown} and {} more", count - SHOWN_MAX),
            _ => format!("told by {shown}"),
        }
    }
}

/// The cases of a folder: their kind, name and text. Those that cannot be read are told when they are played.
fn read(folder: &Path) -> Vec<(&'static str, String, Table)> {
    let mut cases = Vec::new();
    for kind in ["validate", "map", "send"] {
        let Ok(entries) = std::fs::read_dir(folder.join(kind)) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let text = std::fs::read_to_string(&path).ok().and_then(|text| text.parse::<Table>().ok());
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            cases.extend(name.zip(text).map(|(name, text)| (kind, name, text)));
        }
    }
    cases.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    cases
}

fn expected<'c>(case: &'c Table, what: &str) -> Option<&'c Value> {
    case.get("expect")?.get(what)
}

fn has(case: &Table, what: &str) -> bool {
    expected(case, what).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

fn has_request(case: &Table, names: &[&str]) -> bool {
    let requests = expected(case, "request").and_then(Value::as_array);
    requests.into_iter().flatten().any(|request| names.iter().any(|name| request.get(*name).is_some()))
}

fn leaves(case: &Table) -> bool {
    let members = case.get("member").and_then(Value::as_array);
    members.into_iter().flatten().any(|member| member.get("change").and_then(Value::as_str) == Some("removed"))
}

fn outcomes(case: &Table) -> impl Iterator<Item = &str> {
    let members = expected(case, "members").and_then(Value::as_table);
    members.into_iter().flat_map(|members| members.iter()).filter_map(|(_, outcome)| outcome.as_str())
}

fn is_outcome(case: &Table, words: &[&str]) -> bool {
    outcomes(case).any(|outcome| words.iter().any(|word| outcome.starts_with(word)))
}

fn is_verdict(case: &Table, words: &[&str]) -> bool {
    let verdict = expected(case, "verdict").and_then(Value::as_str).unwrap_or_default();
    words.iter().any(|word| verdict.starts_with(word))
}

fn is_work(case: &Table, work: &str) -> bool {
    case.get("work").and_then(Value::as_str) == Some(work)
}

fn refuses_with_success(case: &Table) -> bool {
    let last = case.get("exchange").and_then(Value::as_array).and_then(|list| list.last());
    let status = last.and_then(|exchange| exchange.get("response")?.get("status")?.as_integer());
    let arrives = |outcome: &str| outcome.starts_with("delivered") || outcome.starts_with("accepted");
    status.is_some_and(|status| (200..300).contains(&status)) && outcomes(case).any(|outcome| !arrives(outcome))
}
