//! The codes of diagnostics. Each has a section in `docs/errors.md`
//! (test `every_code_has_its_page_and_every_page_its_code`).

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $id:literal $title:literal)*) => {
        /// What kind of mistake a diagnostic is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as messages show it: `E211`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The title of its section in `docs/errors.md`.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// One of the two files is not there.
    FileMissing "E201" "a configuration file is missing"
    /// The system refused to read it.
    FileUnreadable "E202" "a configuration file cannot be read"
    /// It is larger than any configuration is.
    FileTooLarge "E203" "a configuration file is too large"
    /// It is not UTF-8.
    FileNotText "E204" "a configuration file is not UTF-8"
    /// It is not TOML.
    Syntax "E205" "a configuration file is not TOML"
    /// A name or key is given twice.
    Duplicate "E206" "a name or key is given twice"
    /// A key that nothing reads.
    UnknownKey "E211" "unknown key"
    /// A key that must be given.
    MissingKey "E212" "missing key"
    /// A value of another type.
    WrongType "E213" "wrong type"
    /// A value of the right type that is not allowed.
    BadValue "E214" "a value is not allowed"
    /// A name with characters that names do not have.
    BadName "E215" "a name is not allowed"
    /// A destination of a plugin that is not there.
    UnknownPlugin "E221" "unknown plugin"
    /// Not 64 hexadecimal digits.
    BadDigest "E222" "not a SHA-256 digest"
    /// Not a network.
    BadNetwork "E223" "not a network"
    /// A secret is written in the file.
    LiteralSecret "E224" "a secret stands in the file"
    /// Something that should be a reference to a secret.
    BadReference "E225" "not a reference to a secret"
    /// A reference that leads to no secret.
    UnresolvedSecret "E226" "a secret cannot be had"
    /// A connection of an audience that is not there.
    UnknownAudience "E231" "unknown audience"
    /// A connection to a destination that is not there.
    UnknownDestination "E232" "unknown destination"
    /// An audience connected to a destination twice.
    ConnectedTwice "E233" "an audience is connected to a destination twice"
    /// Two traits for one field.
    FieldTwice "E234" "two traits go into one field"
    /// The audience's own key as a trait.
    MembershipRow "E235" "the membership is not a trait to map"
    /// Rows in a default setup.
    RowsInDefault "E236" "a default setup has no traits"
    /// A row without trait or field.
    EmptyRow "E237" "a row names nothing"
    /// A source file of unknown format.
    UnknownFormat "E238" "the format of a source is not known"
    /// Keys of a file in a source that is a query.
    MixedSource "E239" "a source is a file and a query"
    /// A plugin's file that cannot be read.
    PluginFile "E241" "a plugin's file cannot be read"
    /// A plugin without a digest.
    PluginNotLocked "E242" "a plugin is not locked"
    /// A file that is not the one that was locked.
    PluginDiffers "E243" "a plugin's file is not the one that was locked"
    /// A file that is no plugin for this host.
    PluginRefused "E244" "a plugin's file is not fit to run"
    /// A setting that the manifest does not allow.
    BadSetting "E251" "a setting does not fit the plugin"
    /// A secret that the manifest does not know.
    UnknownSecret "E252" "unknown secret"
    /// A secret that must be given.
    MissingSecret "E253" "missing secret"
    /// A host that is asked for and not granted.
    HostNotGranted "E254" "a host is not granted"
    /// A host rule that is none.
    BadHost "E255" "not a host"
    /// The host of the token endpoint is not granted.
    TokenHost "E256" "the host that tokens come from is not granted"
    /// A destination whose tokens begin with a login that nobody made.
    LoginMissing "E257" "a login is missing"
    /// Tokens that could not be asked for.
    BadTokens "E258" "tokens cannot be asked for"
    /// A field that the plugin does not have, or requires.
    UnknownField "E261" "a field does not fit the plugin"
    /// What the plugin finds wrong.
    PluginProblem "E262" "the plugin finds a mistake"
    /// A trait that cannot be read.
    BadTrait "E263" "not the name of a trait"
    /// An identifier that the plugin has no place for.
    BadIdentifier "E264" "an identifier does not fit the plugin"
    /// A preset that the plugin does not have.
    UnknownPreset "E265" "unknown preset"
    /// A condition or an expression that means nothing.
    BadExpression "E266" "a condition or an expression cannot be read"
    /// Events that no mapping can match.
    NoMapping "E267" "no mapping can match"
    /// A setting that an audience cannot have of its own.
    SharedSetting "E268" "a setting is the destination's"
    /// A kind of identifier in two rows.
    IdentifierTwice "E271" "an identifier is named twice"
    /// More identifiers with all values than are allowed.
    TooManyAll "E272" "too many identifiers with all their values"
    /// Two mappings with one name.
    MappingTwice "E273" "two mappings have one name"
    /// A condition that asks for what no profile has.
    DoubtfulCondition "E280" "a condition asks for what no profile has"
    /// A condition that is no SQL, or does what conditions must not.
    BadCondition "E281" "a condition cannot be evaluated"
    /// A trait whose own name has a dot, written as if it stood within another.
    DottedTrait "E290" "a trait has a dot in its name"
    /// A row of a connection whose mappings fill their own fields.
    UnusedRow "E291" "no mapping uses a row"
    /// A secret that came with something around it.
    OddSecret "E292" "a secret has something around it"
    /// A plugin that traps, or breaks a limit, where it is asked what is wrong.
    PluginFault "E310" "a plugin fails where it is asked"
    /// A limit of a plugin that is more than the host can spare, or less than any plugin needs.
    BadLimit "E315" "a limit of a plugin is out of bounds"
    /// A field that the account at the destination does not have.
    FieldNotThere "E320" "the account has no such field"
    /// A list or object that the account at the destination does not have.
    PlaceNotThere "E321" "the account has no such list or object"
    /// A plugin whose manifest has words that mean nothing.
    UnknownWord "E322" "a word in a plugin's manifest means nothing"
    /// Hours or attempts of `retry` that nobody can mean.
    BadRetry "E330" "a limit of retrying is out of bounds"
    /// An alert that watches nothing, or tells nobody.
    IdleAlert "E335" "an alert watches nothing, or tells nobody"
    /// Members of a connection that is not in the configuration any more.
    LeftBehind "E340" "members are held that no connection is about"
    /// Two connections into one list, field or tag.
    SharedPlace "E341" "two connections put members into one place"
    /// An audience that is not the one that had its key before.
    KeyReused "E342" "an audience has the key of one that was removed"
    /// A query that is no SQL, asks for what is not there, or gives what no profile can have.
    BadQuery "E343" "the query of a source has no result that can be used"
    /// More than one of `every`, `at` and `cron`.
    TwoSchedules "E350" "there is more than one schedule"
    /// An `every` that is no length of time, or out of bounds.
    BadInterval "E351" "not a length of time"
    /// An `at` that is no time of day.
    BadTime "E352" "not a time of day"
    /// A `cron` that is no line of cron.
    BadCron "E353" "not a line of cron"
    /// A `zone` that there is not, or that nothing needs.
    BadZone "E354" "not a time zone"
    /// A `cron` that no day meets.
    NeverDue "E355" "a schedule never comes"
    /// A source that listens and reads, or has the keys of one that listens and does not.
    MixedListener "E360" "a source listens or reads"
    /// Two sources that clients could not tell apart.
    SharedKey "E361" "two sources listen for one key"
    /// Something that no browser sends as the origin of a page.
    BadOrigin "E362" "not the origin of a page"
    /// A reference to a sealed secret that nobody set.
    NotSealed "E390" "the store keeps no such secret"
    /// Columns that are not there, or go where nothing can be.
    BadColumns "E400" "the columns of a source cannot be used"
    /// `complete`, `cursor` or `mode` where it has no meaning.
    NoSnapshot "E401" "a source cannot be read in that way"
    /// A read that looks as if it had lost people.
    Guarded "E402" "a read is not believed"
    /// A cursor that is no column, or of no order.
    BadCursor "E403" "a cursor leads nowhere"
    /// An audience that is not said once.
    BadAudience "E404" "an audience is not said once"
    /// A type of a column that there is not, or that nothing needs.
    BadType "E420" "a column cannot have that type"
    /// A command that names no program, or shows secrets.
    BadCommand "E421" "a command cannot be run like that"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Paths;
    use crate::diagnostic::Diagnostics;
    use crate::load::understand;

    const PAGE: &str = include_str!("../../../docs/errors.md");

    fn sections() -> Vec<(&'static str, &'static str)> {
        PAGE.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
    }

    #[test]
    fn every_code_has_its_page_and_every_page_its_code() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| format!("{code}: {}", code.title())).collect();
        let pages: Vec<_> = sections().iter().map(|(title, _)| *title).collect();
        assert_eq!(codes, pages);
    }

    #[test]
    fn every_example_makes_the_mistake_that_its_section_is_about() {
        let mut without = Vec::new();
        for (title, body) in sections() {
            let id = title.split(':').next().unwrap();
            let Some((_, rest)) = body.split_once("```toml\n") else {
                without.push(id);
                continue;
            };
            let example = rest.split_once("```").unwrap().0;
            let (plugins, audiences) =
                if example.starts_with("# plugins.toml\n") { (example, "") } else { ("", example) };
            let loaded = understand(Paths::new("."), Some(plugins), Some(audiences), Diagnostics::default());
            let found = loaded.diagnostics.render(&loaded.files);
            let is_of_plugins = [
                "E241"..="E268",
                "E280"..="E292",
                "E310"..="E314",
                "E320"..="E324",
                "E340"..="E349",
                "E390"..="E390",
                "E400"..="E400",
                "E402"..="E403",
            ]
            .iter()
            .any(|ids| ids.contains(&id));
            if is_of_plugins {
                // Seen only beside the plugin; the files by themselves are sound, but for the other file's names.
                assert_eq!(found.matches("error[").count(), found.matches("error[E232]").count(), "{title}\n{found}");
                continue;
            }
            assert!(found.contains(&format!("error[{id}]")), "{title}\n{found}");
        }
        assert_eq!(without, ["E201", "E202", "E203", "E204", "E226"], "these need more than a text");
    }
}
