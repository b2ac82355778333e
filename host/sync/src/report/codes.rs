//! What to do about the codes that are the host's own; those of plugins are in their manifests.

use enroute_store::letters::GIVEN_UP;

/// The host's own codes of a rejection, each with what to do about it; docs/exit-codes.md says more.
pub(crate) const HINTS: [(&str, &str); 10] = [
    (GIVEN_UP, "when the reason is gone, `enroute retry` sends them again"),
    ("plugin_trap", PLUGIN),
    ("plugin_timeout", "report it to the plugin's author; `limits` of the plugin may give it more CPU time"),
    ("plugin_out_of_memory", "report it to the plugin's author; `limits` of the plugin may give it more memory"),
    ("plugin_too_many_calls", PLUGIN),
    ("plugin_output_too_large", PLUGIN),
    ("plugin_broke_contract", PLUGIN),
    ("too_large", "map fewer or smaller traits: the destination does not take one person of this size"),
    ("refused_by_destination", "look at the person at the destination; `enroute try` shows the request"),
    ("no_matching_mapping", "the condition of the mapping leaves them out; nothing is sent"),
];

const PLUGIN: &str = "report it to the plugin's author, with the profile's id and `--log debug`";

/// What to do about a code of the host, and where more is said.
pub(crate) fn hint(code: &str) -> Option<String> {
    let (_, hint) = HINTS.iter().find(|(known, _)| *known == code)?;
    Some(format!("{hint} (docs/exit-codes.md, `{code}`)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_runtime::FaultKind;

    #[test]
    fn every_code_of_the_host_has_a_page() {
        let page = include_str!("../../../../docs/exit-codes.md");
        for (code, _) in HINTS {
            assert!(page.contains(&format!("| `{code}` |")), "docs/exit-codes.md says nothing of `{code}`");
        }
        let faults = [
            FaultKind::Trap,
            FaultKind::TimeOut,
            FaultKind::Memory,
            FaultKind::Calls,
            FaultKind::Output,
            FaultKind::Contract,
        ];
        assert!(faults.iter().all(|kind| hint(kind.code()).is_some()));
    }
}
