//! `[alert.NAME]`: what is worth telling somebody after a sync, and how.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::walker::{Section, Walker};

/// What is watched, and the command that is told.
#[derive(Debug, Clone)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Least share of members of the last 24 hours that were delivered, in percent.
    pub delivery_rate_min: Option<u8>,
    /// Largest change of an audience's size from one run to the next, in percent.
    pub audience_change_max: Option<u8>,
    /// Whether members who were rejected or given up are worth telling.
    pub partial_failure: bool,
    /// Whether a connection that needs a person is worth telling.
    pub paused: bool,
}

pub(super) fn read(walker: &mut Walker<'_>, name: &Located<String>, section: &Section<'_, '_>) -> Option<Alert> {
    let watches = ["delivery_rate_min", "audience_change_max", "partial_failure", "paused"];
    walker.unknown_keys(section, &["command", watches[0], watches[1], watches[2], watches[3]]);
    let command: Vec<String> = walker.texts(section, "command").into_iter().map(|text| text.value).collect();
    let rate = walker.whole_percent(section, "delivery_rate_min");
    let change = walker.whole_percent(section, "audience_change_max");
    let alert = Alert {
        name: name.value.clone(),
        command,
        delivery_rate_min: rate.map(|percent| percent.value),
        audience_change_max: change.map(|percent| percent.value),
        partial_failure: walker.boolean(section, "partial_failure", false),
        paused: walker.boolean(section, "paused", false),
    };
    let is_watching = watches.iter().any(|key| section.table.contains_key(*key));
    if is_watching && !alert.command.is_empty() {
        return Some(alert);
    }
    if is_watching && section.table.contains_key("command") && alert.command.is_empty() {
        // What is wrong with the list was told, unless it is empty.
        walker.missing(section, "command", "[\"notify-ops\", \"enroute\"]");
        return None;
    }
    let (message, hint) = if is_watching {
        (format!("{} tells nobody", section.title), "add `command = [\"notify-ops\", \"enroute\"]`")
    } else {
        (
            format!("{} watches nothing", section.title),
            "add `paused = true`, or a limit such as `delivery_rate_min = 95`",
        )
    };
    walker.found.push(Diagnostic::error(Code::IdleAlert, message).at(&name.place).hint(hint));
    None
}

#[cfg(test)]
mod tests {
    use crate::Paths;
    use crate::diagnostic::Diagnostics;
    use crate::load::understand;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let loaded = understand(Paths::new("."), Some(""), Some(text), Diagnostics::default());
        let told = loaded.diagnostics.render(&loaded.files);
        let first = told.lines().next().unwrap_or_default().to_owned();
        let read = loaded.config.map(|config| {
            let retention = config.retention_days;
            let alerts: Vec<_> = config
                .alerts
                .into_iter()
                .map(|one| (one.name, one.command.len(), one.delivery_rate_min, one.audience_change_max, one.paused))
                .collect();
            format!("{alerts:?} {retention:?}")
        });
        assert_eq!(read.unwrap_or(first), expect, "{told}");
    }

    #[test]
    fn an_alert_has_a_command_and_something_to_watch() {
        check(
            "[alert.ops]\ncommand = [\"notify\", \"x\"]\ndelivery_rate_min = 95\npaused = true\n",
            r#"[("ops", 2, Some(95), None, true)] None"#,
        );
        check("[alert.ops]\npaused = true\n", "error[E335]: [alert.ops] tells nobody");
        check("[alert.ops]\ncommand = [\"notify\"]\n", "error[E335]: [alert.ops] watches nothing");
        check("[alert.ops]\ncommand = []\npaused = true\n", "error[E212]: [alert.ops] has no `command`");
        check(
            "[alert.ops]\ncommand = [\"notify\"]\ndelivery_rate_min = 101\n",
            "error[E214]: `delivery_rate_min` must be from 0 to 100",
        );
    }

    #[test]
    fn what_is_kept_may_have_an_end() {
        check("retention_days = 90\n", "[] Some(90)");
        check("retention_days = 0\n", "error[E214]: `retention_days` must be a whole number from 1 to 36500");
        check("retention_days = \"90\"\n", "error[E214]: `retention_days` must be a whole number from 1 to 36500");
    }
}
