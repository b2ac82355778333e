//! Mistakes that the two files show by themselves.

use snapbox::str;

use super::Broken::{Append, Bytes, Edit, Folder, Remove};
use super::{Case, case};

const P: &str = "plugins.toml";
const A: &str = "audiences.toml";

pub(super) fn cases() -> Vec<Case> {
    [unreadable(), keys_and_values(), names(), connections(), identifiers_and_mappings(), listeners()]
        .into_iter()
        .flatten()
        .collect()
}

fn unreadable() -> Vec<Case> {
    vec![
        case(
            "E201",
            Remove(A),
            str![[r#"
error[E201]: audiences.toml is missing
hint: it says which audiences go to which destinations; create it, or run enroute in the folder that has it

"#]],
        ),
        case(
            "E202",
            Folder(A),
            str![[r#"
error[E202]: audiences.toml cannot be read: it is not a file
hint: check that it is a file, and its rights

"#]],
        ),
        case(
            "E203",
            Bytes(A, b"#", (4 << 20) + 1),
            str![[r#"
error[E203]: audiences.toml is larger than 4 MiB
hint: profiles do not belong into it; name their file in `[source.NAME]`

"#]],
        ),
        case(
            "E204",
            Bytes(A, b"# caf\xe9\n", 1),
            str![[r#"
error[E204]: audiences.toml is not UTF-8: line 1, byte 5 of the file
hint: save it as UTF-8

"#]],
        ),
        case(
            "E205",
            Edit(A, "\"profiles.ndjson\"", "profiles.ndjson"),
            str![[r#"
error[E205]: this is not TOML: this is not a value
 --> audiences.toml:2:8
  |
2 | file = profiles.ndjson
  |        ^^^^^^^^^^^^^^^

hint: a text needs quotes around it: "…"

"#]],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn keys_and_values() -> Vec<Case> {
    vec![
        case(
            "E206",
            Append(A, "\n[audience.gold]\nwhere = \"1\"\n"),
            str![[r#"
error[E206]: `gold` is given twice
  --> audiences.toml:19:11
   |
 4 | [audience.gold]
   | --------------- the first one
...
19 | [audience.gold]
   |           ^^^^

hint: give one of them another name, or remove it

error[E206]: `where` is given twice
  --> audiences.toml:20:1
   |
20 | where = "1"
   | ^^^^^

hint: remove one of the two lines

"#]],
        ),
        case(
            "E211",
            Edit(P, "hosts =", "host ="),
            str![[r#"
error[E211]: unknown key `host` in [destination.braze-eu]
  --> plugins.toml:11:1
   |
11 | host = ["rest.fra-01.braze.eu"]
   | ^^^^

hint: did you mean `hosts`?

"#]],
        ),
        case(
            "E212",
            Edit(A, "where = \"traits ->> 'plan' = 'gold'\"\n", ""),
            str![[r#"
error[E212]: [audience.gold] has no `where`
 --> audiences.toml:4:11
  |
4 | [audience.gold]
  |           ^^^^

hint: add `where = "traits ->> 'plan' = 'gold'"`

"#]],
        ),
        case(
            "E213",
            Edit(P, "plugin = \"braze\"", "plugin = \"braze\"\nenabled = \"yes\""),
            str![[r#"
error[E213]: `enabled` must be true or false, not a text
  --> plugins.toml:11:11
   |
11 | enabled = "yes"
   |           ^^^^^

"#]],
        ),
        case(
            "E214",
            Edit(A, "[audience.gold]", "bad_lines_max_percent = 150\n\n[audience.gold]"),
            str![[r#"
error[E214]: `bad_lines_max_percent` must be from 0 to 100
 --> audiences.toml:4:25
  |
4 | bad_lines_max_percent = 150
  |                         ^^^

hint: it is a share in percent

"#]],
        ),
        case(
            "E222",
            Edit(P, "DIGEST-OF-BRAZE", "9f2c"),
            str![[r#"
error[E222]: `sha256` of plugin `braze` must be 64 hexadecimal digits
 --> plugins.toml:3:10
  |
3 | sha256 = "9f2c"
  |          ^^^^^^

hint: `enroute plugin lock braze` writes it

"#]],
        ),
        case(
            "E315",
            Edit(P, "sha256 = \"DIGEST-OF-BRAZE\"", "sha256 = \"DIGEST-OF-BRAZE\"\nlimits = { memory_mib = 100000 }"),
            str![[r#"
error[E315]: limit `memory_mib` of plugin `braze` is not between 1 and 1024
 --> plugins.toml:4:25
  |
4 | limits = { memory_mib = 100000 }
  |                         ^^^^^^

hint: `enroute plugin test` shows what the plugin needs; without the key it has the default

"#]],
        ),
        case(
            "E330",
            Edit(P, "settings =", "retry = { hours = 0 }\nsettings ="),
            str![[r#"
error[E330]: `hours` of `retry` of destination `braze-eu` is not between 1 and 720
  --> plugins.toml:12:19
   |
12 | retry = { hours = 0 }
   |                   ^

hint: without the key it is 4 hours and 5 attempts; a member is given up when both are over

"#]],
        ),
        case(
            "E223",
            Edit(P, "settings =", "allow_networks = [\"127.0.0.1\"]\nsettings ="),
            str![[r#"
error[E223]: "127.0.0.1" is not a network
  --> plugins.toml:12:19
   |
12 | allow_networks = ["127.0.0.1"]
   |                   ^^^^^^^^^^^

hint: for this one address write "127.0.0.1/32"

"#]],
        ),
        case(
            "E224",
            Edit(P, "${file:a.key}", "not-a-real-key"),
            str![[r#"
error[E224]: secret `api_key` of destination `braze-eu` stands in the file
  --> plugins.toml:13:23
   |
13 | secrets = { api_key = "**************" }
   |                       ^^^^^^^^^^^^^^^^ not shown

hint: write a reference instead, like "${env:BRAZE_EU_API_KEY}", and replace the secret if others could read the file

"#]],
        ),
        case(
            "E225",
            Edit(P, "${file:a.key}", "${vault:braze}"),
            str![[r#"
error[E225]: secret `api_key`: `vault` is not a kind of reference
  --> plugins.toml:13:23
   |
13 | secrets = { api_key = "${vault:braze}" }
   |                       ^^^^^^^^^^^^^^^^

hint: write "${env:VARIABLE}", "${file:path}", "${sealed:NAME}" or { exec = ["command", "argument"] }

"#]],
        ),
        case(
            "E238",
            Edit(A, "profiles.ndjson", "profiles.txt"),
            str![[r#"
error[E238]: the name of "profiles.txt" does not tell its format
 --> audiences.toml:2:8
  |
2 | file = "profiles.txt"
  |        ^^^^^^^^^^^^^^

hint: add `format = "ndjson"` or `format = "csv"`

"#]],
        ),
        case(
            "E239",
            Edit(A, "file = \"profiles.ndjson\"", "file = \"profiles.ndjson\"\nquery = \"select 1\""),
            str![[r#"
error[E212]: [source.crm] has no `database`
 --> audiences.toml:1:9
  |
1 | [source.crm]
  |         ^^^

hint: add `database = "sqlite:warehouse.db"`

error[E239]: `file` in [source.crm] does not go together with a query
 --> audiences.toml:2:1
  |
2 | file = "profiles.ndjson"
  | ^^^^

hint: a source is a file or a query: remove the key, or make two sources of it

"#]],
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case(
            "E215",
            Append(A, "\n[audience.VIP-Buyers]\nwhere = \"1\"\n"),
            str![[r#"
error[E215]: audience key `VIP-Buyers` must consist of lower-case letters, digits and `_`, and begin with a letter
  --> audiences.toml:19:11
   |
19 | [audience.VIP-Buyers]
   |           ^^^^^^^^^^

hint: write `vip_buyers`

"#]],
        ),
        case(
            "E221",
            Edit(P, "plugin = \"braze\"", "plugin = \"braz\""),
            str![[r#"
error[E221]: destination `braze-eu` is of plugin `braz`, which is not in this file
  --> plugins.toml:10:10
   |
10 | plugin = "braz"
   |          ^^^^^^

hint: did you mean "braze"?

"#]],
        ),
        case(
            "E231",
            Edit(A, "audience = \"gold\"", "audience = \"golf\""),
            str![[r#"
error[E231]: there is no audience `golf`
 --> audiences.toml:8:12
  |
8 | audience = "golf"
  |            ^^^^^^

hint: did you mean "gold"?

"#]],
        ),
        case(
            "E232",
            Edit(A, "destination = \"braze-eu\"", "destination = \"braze-us\""),
            str![[r#"
error[E232]: there is no destination `braze-us`
 --> audiences.toml:9:15
  |
9 | destination = "braze-us"
  |               ^^^^^^^^^^

hint: did you mean "braze-eu"?

"#]],
        ),
    ]
}

fn connections() -> Vec<Case> {
    vec![
        case(
            "E233",
            Edit(A, "destination = \"facebook-ads\"", "destination = \"braze-eu\""),
            str![[r#"
error[E233]: audience `gold` is connected to destination `braze-eu` twice
  --> audiences.toml:13:1
   |
 7 | [[connection]]
   | -------------- the first one
...
13 | [[connection]]
   | ^^^^^^^^^^^^^^

hint: put the traits of both into one, or add a second destination of the same plugin

"#]],
        ),
        case(
            "E234",
            Edit(A, "\"ltv\"", "\"first_name\""),
            str![[r#"
error[E234]: traits `first_name` and `firstName` both go into field `first_name`
  --> audiences.toml:11:56
   |
11 | traits = ["first_name", { trait = "firstName", field = "first_name" }]
   |           ------------ `first_name` goes there         ^^^^^^^^^^^^

hint: a field takes one value: remove one of the two, or give it another field

"#]],
        ),
        case(
            "E235",
            Edit(A, "\"ltv\"", "\"gold\""),
            str![[r#"
error[E235]: `gold` is the audience's own key; it is no trait to map
  --> audiences.toml:11:11
   |
11 | traits = ["gold", { trait = "firstName", field = "first_name" }]
   |           ^^^^^^

hint: remove the row: the membership is always sent

"#]],
        ),
        case(
            "E236",
            Edit(A, "setup = \"customized\"\n", ""),
            str![[r#"
error[E236]: `traits` is given, but the setup is "default"
  --> audiences.toml:10:10
   |
10 | traits = ["ltv", { trait = "firstName", field = "first_name" }]
   |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

hint: write `setup = "customized"`, or remove `traits`

"#]],
        ),
        case(
            "E237",
            Edit(A, "field = \"first_name\"", "field = \"\""),
            str![[r#"
error[E237]: a row of `traits` has an empty field
  --> audiences.toml:11:49
   |
11 | traits = ["ltv", { trait = "firstName", field = "" }]
   |                                                 ^^

hint: name the field, or remove the row

"#]],
        ),
    ]
}

fn identifiers_and_mappings() -> Vec<Case> {
    vec![
        case(
            "E335",
            Append(A, "\n[alert.ops]\ncommand = [\"notify\"]\n"),
            str![[r#"
error[E335]: [alert.ops] watches nothing
  --> audiences.toml:19:8
   |
19 | [alert.ops]
   |        ^^^

hint: add `paused = true`, or a limit such as `delivery_rate_min = 95`

"#]],
        ),
        case(
            "E271",
            Append(A, "identifiers = [\"email\", \"email\"]\n"),
            str![[r#"
error[E271]: identifier `email` is named twice
  --> audiences.toml:18:25
   |
18 | identifiers = ["email", "email"]
   |                -------  ^^^^^^^
   |                |
   |                the first one

hint: keep one of the two

"#]],
        ),
        case(
            "E272",
            Append(
                A,
                "identifiers_all_max = 1\n\
                 identifiers = [{ kind = \"email\", use = \"all\" }, { kind = \"phone\", use = \"all\" }]\n",
            ),
            str![[r#"
error[E272]: 2 identifiers go out with all their values, allowed are 1
  --> audiences.toml:19:15
   |
19 | identifiers = [{ kind = "email", use = "all" }, { kind = "phone", use = "all" }]
   |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

hint: use "last" for some, or raise `identifiers_all_max = 1`

"#]],
        ),
        case(
            "E273",
            Append(A, "\n[[connection.mapping]]\nname = \"Gold\"\n\n[[connection.mapping]]\nname = \"Gold\"\n"),
            str![[r#"
error[E273]: two mappings of the connection are named "Gold"
  --> audiences.toml:23:8
   |
20 | name = "Gold"
   |        ------ the first one
...
23 | name = "Gold"
   |        ^^^^^^

hint: give one another name: receipts are kept under it

"#]],
        ),
    ]
}

fn listeners() -> Vec<Case> {
    vec![
        case(
            "E360",
            Append(A, "\n[source.app]\nholds = \"events\"\nlisten = true\nkey = \"${env:K}\"\nfile = \"e.ndjson\"\n"),
            str![[r#"
error[E360]: `file` in [source.app] does not go together with `listen`
  --> audiences.toml:23:1
   |
23 | file = "e.ndjson"
   | ^^^^

hint: a source listens or reads: remove the key, or make two sources of it

"#]],
        ),
        case(
            "E361",
            Append(
                A,
                "\n[source.app]\nholds = \"events\"\nlisten = true\nkey = \"${env:K}\"\n[source.web]\nholds = \"events\"\nlisten = true\nkey = \"${env:K}\"\n",
            ),
            str![[r#"
error[E361]: the sources `app` and `web` have one key
  --> audiences.toml:26:7
   |
26 | key = "${env:K}"
   |       ^^^^^^^^^^

hint: give one of them another key: it tells which source a call is for

"#]],
        ),
        case(
            "E362",
            Append(
                A,
                "\n[source.app]\nholds = \"events\"\nlisten = true\nkey = \"${env:K}\"\norigins = [\"www.example.com\"]\n",
            ),
            str![[r#"
error[E362]: "www.example.com" is not the origin of a page
  --> audiences.toml:23:12
   |
23 | origins = ["www.example.com"]
   |            ^^^^^^^^^^^^^^^^^

hint: write scheme and host, like "https://www.example.com"

"#]],
        ),
    ]
}
