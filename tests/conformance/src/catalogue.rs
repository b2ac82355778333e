//! Every check: its name, the clause that it holds a plugin to, and what it says.
//!
//! The names are what reports, JUnit files and `docs/conformance.md` use; they stay the same.

use serde::Serialize;

/// What a check is about; reports are ordered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The file and its manifest.
    File,
    /// `validate`.
    Validate,
    /// `map`.
    Map,
    /// `send`.
    Send,
    /// What calls may cost.
    Budgets,
}

impl Group {
    /// The word that reports use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Validate => "validate",
            Self::Map => "map",
            Self::Send => "send",
            Self::Budgets => "budgets",
        }
    }
}

macro_rules! catalogue {
    ($($check:ident: $group:ident, $clause:literal, $name:literal, $says:literal;)*) => {
        /// One check of the kit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $(#[doc = $says] $check,)*
        }

        impl Check {
            /// All checks, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$check,)*];

            /// The name that reports use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$check => $name,)* }
            }

            /// The clause of the contract that a failure breaks.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$check => $clause,)* }
            }

            /// What it is about.
            #[must_use]
            pub const fn group(self) -> Group {
                match self { $(Self::$check => Group::$group,)* }
            }

            /// What holds where it passes.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$check => $says,)* }
            }
        }
    };
}

catalogue! {
    FileIsAComponent: File, "K1.1", "file_is_a_component",
        "the file is one whole WebAssembly component of at most 32 MiB";
    ExportsAreComplete: File, "K1.1", "exports_are_complete",
        "it exports the interface `destination` with the types of the contract";
    ImportsAreOffered: File, "K1.2", "imports_are_offered",
        "it imports what the contract offers and nothing else";
    ContractIsKnown: File, "K16.1", "contract_is_known",
        "it is built for the version of the contract that this host speaks";
    ManifestIsReadable: File, "K10.1", "manifest_is_readable",
        "it carries exactly one manifest, readable without running anything";
    ManifestAgrees: File, "K10.2", "manifest_agrees_with_itself",
        "the manifest refers only to what it declares, and its defaults fit their own types";
    SettingsAreRefusedByName: File, "K10.2", "settings_are_refused_by_name",
        "a setting that is missing, unknown, of a wrong type or out of its choices is refused by its name";
    ConnectionCanBeMade: Validate, "K2.4", "a_connection_can_be_made",
        "some settings and rows pass `validate` without an error";
    ValidateIsPure: Validate, "K2.1", "validate_is_pure",
        "`validate` gives the same problems whatever the clock and random numbers say, and reaches for no network";
    ValidateNeverFails: Validate, "K2.2", "validate_never_fails",
        "`validate` returns, whatever settings of the right type, rows and remote it is given";
    ProblemsHaveTheirPlace: Validate, "K2.3", "problems_have_their_place",
        "every problem names a setting or row that exists, says what is wrong and what to do";
    ProblemsAreShort: Validate, "K2.5", "problems_are_short",
        "a message and a hint are one line of at most 500 bytes, and a call has at most 100 problems";
    MapIsTotal: Map, "K3.1", "map_is_total",
        "every member is in exactly one delivery or rejection, and every position is one of the batch";
    OrdinaryMembersAreDelivered: Map, "K3.1", "ordinary_members_are_delivered",
        "somebody with usable identifiers and values gets into a delivery";
    RequestsNameTheirMembers: Map, "K3.1", "requests_name_their_members",
        "a request that carries a member's values names the member, in the order of the body";
    NobodyMakesNoRequest: Map, "K3.1", "nobody_makes_no_request",
        "a batch without members makes no request";
    MapIsDeterministic: Map, "K3.2", "map_is_deterministic",
        "the same batch gives the same bytes, again and whatever the clock and random numbers say";
    MapLeavesTheNetworkAlone: Map, "K4.1", "map_leaves_the_network_alone",
        "`map` does not reach for the network";
    MapMindsNoNeighbours: Map, "K3.3", "map_minds_no_neighbours",
        "one by one, in halves, shuffled or reversed, a member has the same part of a request or the same rejection";
    HeadsMindNoNeighbours: Map, "K3.8", "heads_mind_no_neighbours",
        "method, path, query, headers, slots and what stands in a body outside of lists are as for each member alone";
    NobodyStandsTwice: Map, "K3.3", "nobody_stands_twice",
        "no member is in a list or in a delivery more often than once, alone or among others";
    BodiesAreWhatTheySay: Map, "K3.9", "bodies_are_what_they_say",
        "a body has a content type, and a strict reader takes it for that";
    NamesStandOnce: Map, "K3.9", "names_stand_once",
        "no object of a JSON body has a name twice";
    DigitsAndCharactersAreKept: Map, "K3.9", "digits_and_characters_are_kept",
        "numbers leave with every digit, and texts with every character, or not at all";
    WarningsAreWellSaid: Map, "K3.10", "warnings_are_well_said",
        "a warning has a code in snake_case and counts somebody, and a call has at most 100 different ones";
    ConsentIsSaidAsGiven: Map, "K7.6", "consent_is_said_as_given",
        "what a request says of consent is what the members agreed to, and a refusal is not said as an agreement";
    RejectionsAreWellSaid: Map, "K3.4", "rejections_are_well_said",
        "a rejection has a code in snake_case and a sentence, and a field that exists where it names one";
    ReasonsAreImpersonal: Map, "K3.4", "reasons_are_impersonal",
        "no code, reason or warning of `map` holds a value of a member";
    MapNeverFails: Map, "K3.5", "map_never_fails",
        "no value of a member makes `map` trap";
    LimitsAreKept: Map, "K11.1", "limits_are_kept",
        "no request has more members or bytes than its operation allows";
    OperationsAreDeclared: Map, "K10.2", "operations_are_declared",
        "every delivery names an operation of the manifest, and has a request";
    HostsAreDeclared: Map, "K4.1", "hosts_are_declared",
        "requests go to hosts that the manifest asks for";
    HostsPartsAreLeftAlone: Map, "K8.6", "hosts_parts_are_left_alone",
        "no request sets what belongs to the host: credentials, `Host`, lengths; and each can be sent as it stands";
    SlotsAreWellFormed: Map, "K8.1", "slots_are_well_formed",
        "every slot names a place that is there, is empty, and is named once";
    HashedFieldsLeaveHashed: Map, "K10", "hashed_fields_leave_hashed",
        "the value of a field that the manifest calls hashed is in no request in clear";
    FoldedSpellingsAreOne: Map, "K15.4", "folded_spellings_are_one",
        "two spellings of a value that the manifest folds into one give the same bytes";
    RegionsAreTold: Map, "K15.4", "regions_are_told",
        "a setting is the country of numbers that identify where the manifest says so, and nowhere else";
    RemovalsNameWhatWasSent: Map, "K7.5", "removals_name_what_was_sent",
        "a removal is the same whatever identifies the member now";
    RemovalsReachAllThatWasSent: Map, "K7.5", "removals_reach_all_that_was_sent",
        "a removal names every set of identifiers that was sent";
    RemovalsReachNobodyElse: Map, "K7.5", "removals_reach_nobody_else",
        "among others, a removal names what was sent of its member and of nobody else";
    CodesHaveAdvice: Map, "K10.4", "codes_have_advice",
        "the manifest says for every code of a rejection what to do";
    LogsAreImpersonal: Map, "K12.5", "logs_are_impersonal",
        "no log line holds a value of a member, in whatever form";
    SendNeverFails: Send, "K6.8", "send_never_fails",
        "no answer makes `send` trap";
    ReportsNameEverybodyOnce: Send, "K5.1", "reports_name_everybody_once",
        "a report has exactly one outcome for every member, and none for `probe` and `open`";
    OnlySuccessIsDelivered: Send, "K5.2", "only_success_is_delivered",
        "nobody is delivered or accepted where the answer is an error, a web page, damaged or missing";
    ErrorsOutrankStatuses: Send, "K5.11", "errors_outrank_statuses",
        "nobody is delivered or accepted where the body of a 200, 202 or 207 is an error";
    NothingIsClaimedUnasked: Send, "K5.9", "nothing_is_claimed_unasked",
        "nobody is delivered, accepted or unchanged in a call in which nothing left";
    UnchangedIsSaid: Send, "K5.10", "unchanged_is_said",
        "nobody is unchanged where the answer says no such thing: a refusal, trouble, a web page, no answer";
    RequestsAreSentInOrder: Send, "K3.6", "requests_are_sent_in_order",
        "the requests of a delivery are sent in their order, and nobody has arrived before the last one";
    TroubleRejectsNobody: Send, "K5.3", "trouble_rejects_nobody",
        "nobody is rejected for trouble that is not the member's: 401, 429, 5xx, no answer";
    EverybodyIsNotToBlame: Send, "K5.3", "everybody_is_not_to_blame",
        "a 403, 404, 409, 410 or 413 does not reject all members of a request, and a 405 or a redirect nobody";
    UnsentIsDeferred: Send, "K5.8", "unsent_is_deferred",
        "members whose request never left are deferred";
    InterruptedIsUnknown: Send, "K5.6", "interrupted_is_unknown",
        "members whose request left without a complete answer are unknown";
    ReportsAreImpersonal: Send, "K5.3", "reports_are_impersonal",
        "no code, reason or warning of a report holds a value of a member, in whatever form";
    ReportsAreWellSaid: Send, "K5.12", "reports_are_well_said",
        "a report has codes in snake_case, sentences on one line of at most 500 bytes, and at most 100 of each";
    TroubleIsTold: Send, "K6.6", "trouble_is_told",
        "the verdict is not `ok` where the destination fails or cannot be reached";
    BadCredentialPauses: Send, "K6.2", "bad_credential_pauses",
        "a 401 gives a verdict that pauses the connection";
    PausesHaveACause: Send, "K6.2", "pauses_have_a_cause",
        "no verdict pauses the connection or holds a bucket after a plain success, a plain 400 or a plain 500";
    ThrottlingHoldsABucket: Send, "K6.3", "throttling_holds_a_bucket",
        "a 429 gives `throttled` with a bucket of the manifest, for about as long as the answer asks";
    WaitsAreBounded: Send, "K6.9", "waits_are_bounded",
        "no wait is longer than a day: of a member, of a bucket, of a job";
    NothingIsSentTwice: Send, "K6.7", "nothing_is_sent_twice",
        "no prepared request is sent twice in one call";
    DerivedKindsAreDeclared: Send, "K4.5", "derived_kinds_are_declared",
        "every derived request is of a kind that the manifest lists";
    DerivedHostsAreDeclared: Send, "K4.1", "derived_hosts_are_declared",
        "derived requests go to hosts that the manifest asks for";
    ProbeTellsTrouble: Send, "K4.2", "probe_tells_trouble",
        "a probe that is answered 401, 403, 404, 405, 410, 5xx, an error, a web page or not at all is not `ok`";
    ProbeChangesNothing: Send, "K4.2", "probe_changes_nothing",
        "a probe uses no PUT, PATCH or DELETE, and no POST with which an opening or a delivery changes something";
    ProbeSendsNothingPrepared: Send, "K4.2", "probe_sends_nothing_prepared",
        "`probe` and `open` send no prepared request";
    OpenCanBeRepeated: Send, "K4.3", "open_can_be_repeated",
        "`open` makes the same requests and the same report when it gets the same answers again";
    OpenLooksFirst: Send, "K4.3", "open_looks_before_it_creates",
        "an opening that learns something does not begin with the POST that creates it";
    OpenTellsTrouble: Send, "K4.3", "open_tells_trouble",
        "an `open` that is answered with an error, a web page or not at all is not `ok`";
    RemoteIsOneJsonValue: Send, "K9.1", "remote_is_one_json_value",
        "a remote is one JSON value of at most 1 MiB, without values of members";
    RemoteStaysAsItIs: Send, "K9.1", "remote_stays_as_it_is",
        "opening again and again with what was learned, and the same answers, leaves the remote as it is";
    TicketsSuffice: Send, "K14.1", "tickets_are_small",
        "a ticket has at most 4 KiB, is not empty, and holds no value of a member in whatever form";
    ResumeClaimsNothing: Send, "K14.3", "resume_claims_nothing",
        "a bad answer about a job delivers nobody";
    MemoryIsEnough: Budgets, "K12.2", "memory_is_enough",
        "no call needs more than 64 MiB";
    TimeIsEnough: Budgets, "K12.2", "time_is_enough",
        "no call needs more CPU time than its budget";
    OutputIsBounded: Budgets, "K12.3", "output_is_bounded",
        "no call hands over more than 32 MiB";
    LogIsBounded: Budgets, "K12.3", "log_is_bounded",
        "no call logs more than 500 lines or 64 KiB";
}
