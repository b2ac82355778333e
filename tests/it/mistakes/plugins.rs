//! Mistakes that show only beside the plugins and the secrets.

use snapbox::str;

use super::Broken::{Append, Beside, Edit};
use super::{Case, case};

const P: &str = "plugins.toml";
const A: &str = "audiences.toml";
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(super) fn cases() -> Vec<Case> {
    [plugin_files(), sealed(), destinations(), rows(), mappings(), conditions(), warnings()]
        .into_iter()
        .flatten()
        .collect()
}

fn sealed() -> Vec<Case> {
    vec![case(
        "E390",
        Edit(P, "${file:a.key}", "${sealed:BRAZE_KEY}"),
        str![[r#"
error[E390]: secret `api_key` of destination `braze-eu`: the store keeps no secret `BRAZE_KEY`
  --> plugins.toml:13:23
   |
13 | secrets = { api_key = "${sealed:BRAZE_KEY}" }
   |                       ^^^^^^^^^^^^^^^^^^^^^

hint: run `enroute secret set BRAZE_KEY`, and give it the value on standard input

"#]],
    )]
}

fn plugin_files() -> Vec<Case> {
    vec![
        case(
            "E241",
            Edit(P, "braze.wasm", "braze.wsm"),
            str![[r#"
error[E241]: plugin file `./plugins/braze.wsm` cannot be read: No such file or directory (os error 2)
 --> plugins.toml:2:8
  |
2 | file = "plugins/braze.wsm"
  |        ^^^^^^^^^^^^^^^^^^^

hint: build it with `enroute plugin build`, or mend the path of [plugin.braze]

"#]],
        ),
        case(
            "E242",
            Edit(P, "sha256 = \"DIGEST-OF-BRAZE\"\n", ""),
            str![[r#"
error[E242]: plugin `braze` has no `sha256`, so nothing says that its file is the one you reviewed
 --> plugins.toml:1:9
  |
1 | [plugin.braze]
  |         ^^^^^

hint: look at it with `enroute plugin inspect`, then run `enroute plugin lock braze`

"#]],
        ),
        case(
            "E243",
            Edit(P, "DIGEST-OF-BRAZE", ZEROS),
            str![[r#"
error[E243]: plugin `braze` is not the file that was locked: plugins.toml says sha256 0000000000000000000000000000000000000000000000000000000000000000, the file has DIGEST-OF-BRAZE; nothing of it was run
 --> plugins.toml:2:8
  |
2 | file = "plugins/braze.wasm"
  |        ^^^^^^^^^^^^^^^^^^^^

hint: if you replaced it on purpose, inspect it and run `enroute plugin lock braze`

"#]],
        ),
        case(
            "E244",
            Edit(P, "braze.wasm\"\nsha256 = \"DIGEST-OF-BRAZE\"", "facebook.wasm\"\nsha256 = \"DIGEST-OF-FACEBOOK\""),
            str![[r#"
error[E244]: plugin `braze` is refused: the file calls itself `facebook`, so plugins.toml must name it [plugin.facebook]
 --> plugins.toml:2:8
  |
2 | file = "plugins/facebook.wasm"
  |        ^^^^^^^^^^^^^^^^^^^^^^^

hint: ask its author for one built for this contract

"#]],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn destinations() -> Vec<Case> {
    vec![
        case(
            "E226",
            Edit(P, "${file:a.key}", "${file:nowhere.key}"),
            str![[r#"
error[E226]: secret `api_key` of destination `braze-eu`: secret file `./nowhere.key` cannot be read: No such file or directory (os error 2)
  --> plugins.toml:13:23
   |
13 | secrets = { api_key = "${file:nowhere.key}" }
   |                       ^^^^^^^^^^^^^^^^^^^^^

hint: check the path, the file and its rights

"#]],
        ),
        case(
            "E251",
            Edit(P, "braze.eu\" }", "braze.eu/users\", batch_object_limit = 100 }"),
            str![[r#"
error[E251]: setting `endpoint` must name a host and nothing behind it, not `https://rest.fra-01.braze.eu/users`
  --> plugins.toml:12:25
   |
12 | settings = { endpoint = "https://rest.fra-01.braze.eu/users", batch_object_limit = 100 }
   |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

hint: Write `https://rest.fra-01.braze.eu`. The REST endpoint of your instance, such as https://rest.iad-01.braze.com; in Braze under Settings > APIs and Identifiers.

error[E251]: setting `batch_object_limit` must be from 1 to 75, not 100
  --> plugins.toml:12:84
   |
12 | settings = { endpoint = "https://rest.fra-01.braze.eu/users", batch_object_limit = 100 }
   |                                                                                    ^^^

hint: Most profiles in one request; lower it to 50 for older contracts by monthly active users.

"#]],
        ),
        case(
            "E252",
            Edit(P, "secrets = {", "secrets = { apikey = \"${file:a.key}\","),
            str![[r#"
error[E252]: plugin `braze` has no secret `apikey`
  --> plugins.toml:13:22
   |
13 | secrets = { apikey = "${file:a.key}", api_key = "${file:a.key}" }
   |                      ^^^^^^^^^^^^^^^

hint: did you mean `api_key`?

"#]],
        ),
        case(
            "E253",
            Edit(P, "secrets = { api_key = \"${file:a.key}\" }\n", ""),
            str![[r#"
error[E253]: secret `api_key` of plugin `braze` is required
 --> plugins.toml:9:14
  |
9 | [destination.braze-eu]
  |              ^^^^^^^^

hint: secrets = { api_key = "${env:…}" }: A REST API key with the permission users.track, made on the instance that `endpoint` names. Permissions of a key cannot be changed later.

"#]],
        ),
        case(
            "E254",
            Edit(P, "hosts = [\"rest.fra-01.braze.eu\"]", "hosts = [\"rest.iad-01.braze.com\"]"),
            str![[r#"
error[E254]: plugin `braze` asks for host `rest.fra-01.braze.eu`, which plugins.toml does not grant
  --> plugins.toml:11:10
   |
11 | hosts = ["rest.iad-01.braze.com"]
   |          ^^^^^^^^^^^^^^^^^^^^^^^

hint: add "rest.fra-01.braze.eu" to `hosts`, or remove the destination

"#]],
        ),
        case(
            "E255",
            Edit(P, "hosts = [\"rest", "hosts = [\"https://rest"),
            str![[r#"
error[E254]: plugin `braze` asks for host `rest.fra-01.braze.eu`, which plugins.toml does not grant
  --> plugins.toml:11:10
   |
11 | hosts = ["https://rest.fra-01.braze.eu"]
   |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

hint: add "rest.fra-01.braze.eu" to `hosts`, or remove the destination

error[E255]: host rule `https://rest.fra-01.braze.eu` must be a host and nothing else: no scheme, user, path or space
  --> plugins.toml:11:10
   |
11 | hosts = ["https://rest.fra-01.braze.eu"]
   |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

"#]],
        ),
    ]
}

fn rows() -> Vec<Case> {
    vec![
        case(
            "E261",
            Edit(A, "field = \"EMAIL\"", "field = \"e-mail\""),
            str![[r#"
error[E262]: facebook says: `e-mail`, for trait `email`, is no Facebook key
  --> audiences.toml:17:21
   |
17 | traits = [{ trait = "email", field = "e-mail" }]
   |                     ^^^^^^^

hint: write `{ trait = "email", field = "EMAIL" }`

error[E261]: plugin `facebook` has no field `e-mail`
  --> audiences.toml:17:38
   |
17 | traits = [{ trait = "email", field = "e-mail" }]
   |                                      ^^^^^^^^

hint: did you mean `EMAIL`?

"#]],
        ),
        case(
            "E262",
            Edit(A, "trait = \"email\"", "trait = \"favourite_colour\""),
            str![[r#"
error[E262]: facebook says: trait `favourite_colour` may not go to Facebook
  --> audiences.toml:17:21
   |
17 | traits = [{ trait = "favourite_colour", field = "EMAIL" }]
   |                     ^^^^^^^^^^^^^^^^^^

hint: these may: email, context.device.advertisingId, firstName, lastName, phone, gender, birthYear, birthMonth, birthday, address.state, address.city, address.postalCode, address.country; for others set `allow_custom_traits = true`

"#]],
        ),
        case(
            "E263",
            Edit(A, "trait = \"email\"", "trait = \"address..city\""),
            str![[r#"
error[E263]: `address..city` is not a path of a trait: a name in it is empty
  --> audiences.toml:17:21
   |
17 | traits = [{ trait = "address..city", field = "EMAIL" }]
   |                     ^^^^^^^^^^^^^^^

hint: name traits with dots between the names on the way, address.city; a name that has a dot itself stands in quotes: '"utm.source"'

"#]],
        ),
    ]
}

/// What keeps nothing from running.
fn warnings() -> Vec<Case> {
    vec![
        case(
            "E290",
            Beside(
                "{\"id\": \"u1\", \"traits\": {\"plan\": \"gold\", \"utm.source\": \"mail\"}}\n",
                A,
                "traits = [\"ltv\"",
                "traits = [{ trait = \"utm.source\", field = \"source\" }",
            ),
            str![[r#"
warning[E290]: `utm.source` is a way into a trait, and people have a trait whose own name has the dot
  --> audiences.toml:11:21
   |
11 | traits = [{ trait = "utm.source", field = "source" }, { trait = "firstName", field = "first_name" }]
   |                     ^^^^^^^^^^^^

hint: write its name in quotes: '"utm.source"' in `traits`, traits."utm.source" in a path

"#]],
        ),
        case(
            "E291",
            Append(
                A,
                "\n[[connection.mapping]]\nname = \"Numbers\"\n\
                 fields = { PHONE = { \"@path\" = \"traits.phone\" } }\n",
            ),
            str![[r#"
warning[E291]: trait `email` goes nowhere: no field `EMAIL` of mapping "Numbers" is filled with it
  --> audiences.toml:17:21
   |
17 | traits = [{ trait = "email", field = "EMAIL" }]
   |                     ^^^^^^^

hint: add `EMAIL = { "@path" = "traits.email" }` to the mapping's `fields`, or remove the row: rows go out only where a mapping has neither `fields` nor `preset`

"#]],
        ),
        case(
            "E292",
            Edit(P, "api_key = \"${file:a.key}\"", "api_key = \"${file:b.key}\""),
            str![[r#"
warning[E292]: secret `api_key` of destination `braze-eu` has quotes around it
  --> plugins.toml:13:23
   |
13 | secrets = { api_key = "${file:b.key}" }
   |                       ^^^^^^^^^^^^^^^

hint: take them out: what a file or a variable holds is taken as it is

warning[E292]: secret `api_key` of destination `braze-eu` begins with `Bearer`
  --> plugins.toml:13:23
   |
13 | secrets = { api_key = "${file:b.key}" }
   |                       ^^^^^^^^^^^^^^^

hint: take it out: what belongs in front of a secret is put there when it is sent

"#]],
        ),
    ]
}

fn mappings() -> Vec<Case> {
    vec![
        case(
            "E264",
            Append(A, "identifiers = [{ kind = \"email\", field = \"mail\" }]\n"),
            str![[r#"
error[E264]: plugin `facebook` has no identifier field `mail`
  --> audiences.toml:18:42
   |
18 | identifiers = [{ kind = "email", field = "mail" }]
   |                                          ^^^^^^

hint: did you mean `EMAIL`?

"#]],
        ),
        case(
            "E265",
            Append(A, "\n[[connection.mapping]]\nname = \"Customers\"\npreset = \"Customer Lists\"\n"),
            str![[r#"
error[E265]: plugin `facebook` has no preset "Customer Lists"
  --> audiences.toml:21:10
   |
21 | preset = "Customer Lists"
   |          ^^^^^^^^^^^^^^^^

hint: did you mean "Customer List"?

"#]],
        ),
        case(
            "E266",
            Append(
                A,
                "\n[[connection.mapping]]\nname = \"Thirty\"\n\
                 when = { path = \"traits.age\", operator = \"=\", value = 30 }\n",
            ),
            str![[r#"
error[E266]: `when`: `=` compares texts and never equals 30; for that there is `number_equals`
  --> audiences.toml:21:8
   |
21 | when = { path = "traits.age", operator = "=", value = 30 }
   |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

hint: write `number_equals 30`

"#]],
        ),
        case(
            "E267",
            Append(A, "send = [\"track\"]\n"),
            str![[r#"
error[E267]: no matching mapping possible: the connection sends Track events, which "Customer List" of plugin `facebook` never matches
  --> audiences.toml:18:8
   |
18 | send = ["track"]
   |        ^^^^^^^^^

hint: change `send`, for instance to ["identify"], or the condition of the mapping

"#]],
        ),
        case(
            "E268",
            Append(A, "settings = { api_version = \"v23.0\" }\n"),
            str![[r#"
error[E268]: setting `api_version` of plugin `facebook` is the same for all audiences
  --> audiences.toml:18:28
   |
18 | settings = { api_version = "v23.0" }
   |                            ^^^^^^^

hint: move it to the destination in plugins.toml; an audience has: audience_id

"#]],
        ),
    ]
}

fn conditions() -> Vec<Case> {
    vec![case(
        "E281",
        Edit(A, "traits ->> 'plan' = 'gold'", "plan = 'gold'"),
        str![[r#"
error[E281]: the condition of audience `gold` cannot be evaluated: no such column: plan
 --> audiences.toml:5:10
  |
5 | where = "plan = 'gold'"
  |          ^^^^^^^^^^^^^^

hint: a trait is read from the profile: `traits ->> 'plan'`

"#]],
    )]
}
