use std::path::Path;

use enroute_core::aggregate::Kind;

use crate::Paths;
use crate::audiences_file::connection::{Resend, Setup};
use crate::audiences_file::source::query::{Certificates, Database};
use crate::audiences_file::source::{FileOrigin, Format, Holds, Origin, Source};
use crate::diagnostic::Diagnostics;
use crate::load::{Loaded, understand};
use crate::reference::SecretRef;

const PLUGINS: &str =
    "[plugin.p]\nfile = \"p.wasm\"\n[destination.eu]\nplugin = \"p\"\n[destination.us]\nplugin = \"p\"\n";

fn load(text: &str) -> Loaded {
    understand(Paths::new("conf"), Some(PLUGINS), Some(text), Diagnostics::default())
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let loaded = load(text);
    assert_eq!(loaded.diagnostics.render(&loaded.files).trim_end(), expect.trim());
}

#[track_caller]
fn check_connection(lines: &str, expect: &str) {
    let text =
        format!("[audience.vip]\nwhere = \"x\"\n[[connection]]\naudience = \"vip\"\ndestination = \"eu\"\n{lines}\n");
    check(&text, expect);
}

fn file(source: &Source) -> &FileOrigin {
    match &source.origin {
        Origin::File(file) => file,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_source_and_trait_becomes_typed_values() {
    let loaded = load(
        r#"
        [source.shop]
        file = "events.ndjson"
        holds = "events"
        [source.scores]
        file = "scores.csv"
        holds = "predictions"
        [source.local]
        database = "sqlite:warehouse.db"
        query = "select id, plan from accounts"
        [source.warehouse]
        database = "${env:WAREHOUSE_URL}"
        query = "select user_id, plan from accounts"
        id = "user_id"
        [trait.orders_90d]
        compute = "count"
        event = "Order Completed"
        window_days = 90
        [trait.cities]
        compute = "unique_list"
        event = "Order Completed"
        property = "address.city"
        "#,
    );
    assert_eq!(loaded.diagnostics.render(&loaded.files), "");
    let config = loaded.config.unwrap();
    let source = |name: &str| &config.sources[&name.parse().unwrap()];
    let query = |name| match &source(name).origin {
        Origin::Query(query) => query.database.value.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((file(source("shop")).holds, source("shop").id.as_str()), (Holds::Events, "userId"));
    assert_eq!((file(source("scores")).holds, source("scores").id.as_str()), (Holds::Predictions, "id"));
    assert_eq!(query("local"), Database::Sqlite("conf/warehouse.db".into()));
    assert_eq!(
        query("warehouse"),
        Database::Server(SecretRef::Env("WAREHOUSE_URL".to_owned()), Certificates::default())
    );
    assert_eq!(source("warehouse").id, "user_id");
    let (orders, cities) = (&config.traits["orders_90d"], &config.traits["cities"]);
    assert_eq!((orders.compute, orders.window_days, orders.property.len()), (Kind::Count, Some(90), 0));
    assert_eq!(
        (cities.compute, cities.window_days, cities.property.join("/")),
        (Kind::UniqueList, None, "address/city".to_owned())
    );
}

#[test]
fn a_database_is_a_file_or_a_reference_and_an_address_is_never_shown() {
    check(
        "[source.a]\ndatabase = \"postgres://u:not-a-real-key@db/x\"\nquery = \"select 1\"\n[source.b]\ndatabase = \"warehouse.db\"\n[source.c]\nfile = \"c.csv\"\nquery = \"select 1\"\n",
        r#"
error[E224]: `database` in [source.a] is an address, which may hold a password
 --> conf/audiences.toml:2:12
  |
2 | database = "********************************"
  |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not shown

hint: write "sqlite:FILE", or put the URL into a variable and refer to it: "${env:WAREHOUSE_URL}"

error[E212]: [source.b] has no `query`
 --> conf/audiences.toml:4:9
  |
4 | [source.b]
  |         ^

hint: add `query = "select id, plan from accounts"`

error[E214]: `database` in [source.b] is no database
 --> conf/audiences.toml:5:12
  |
5 | database = "************"
  |            ^^^^^^^^^^^^^^

hint: write "sqlite:FILE", or put the URL into a variable and refer to it: "${env:WAREHOUSE_URL}"

error[E212]: [source.c] has no `database`
 --> conf/audiences.toml:6:9
  |
6 | [source.c]
  |         ^

hint: add `database = "sqlite:warehouse.db"`

error[E239]: `file` in [source.c] does not go together with a query
 --> conf/audiences.toml:7:1
  |
7 | file = "c.csv"
  | ^^^^

hint: a source is a file or a query: remove the key, or make two sources of it
"#,
    );
}

#[test]
fn a_computed_trait_says_how_of_what_and_for_how_long() {
    check(
        "[trait.\"a.b\"]\ncompute = \"cuont\"\nevent = \"Order\"\n[trait.c]\ncompute = \"count\"\nevent = \"Order\"\nproperty = \"total\"\nwindow_days = 0\n[trait.d]\ncompute = \"sum\"\nevent = \"Order\"\n[trait.e]\n",
        r#"
error[E263]: `a.b` cannot be the name of a trait
 --> conf/audiences.toml:1:8
  |
1 | [trait."a.b"]
  |        ^^^^^

hint: take a name without dots, quotes and backslashes

error[E214]: `compute` cannot be "cuont"
 --> conf/audiences.toml:2:11
  |
2 | compute = "cuont"
  |           ^^^^^^^

hint: did you mean "count"?

error[E214]: `property` in [trait.c] has no meaning for "count", which counts events
 --> conf/audiences.toml:7:12
  |
7 | property = "total"
  |            ^^^^^^^

hint: remove it, or choose another way to compute

error[E214]: `window_days` must be from 1 to 36500
 --> conf/audiences.toml:8:15
  |
8 | window_days = 0
  |               ^

hint: leave it out for all events that there are

error[E212]: [trait.d] has no `property`
 --> conf/audiences.toml:9:8
  |
9 | [trait.d]
  |        ^

hint: add `property = "total"`

error[E212]: [trait.e] has no `compute`
  --> conf/audiences.toml:12:8
   |
12 | [trait.e]
   |        ^

hint: add `compute = "count"`

error[E212]: [trait.e] has no `event`
  --> conf/audiences.toml:12:8
   |
12 | [trait.e]
   |        ^

hint: add `event = "Order Completed"`
"#,
    );
}

#[test]
fn a_full_file_becomes_typed_values() {
    let loaded = load(
        r#"
        [source.crm]
        file = "profiles.CSV"
        id = "user_id"
        delimiter = "\t"
        bad_lines_max_percent = 2
        [source.web]
        file = "web.data"
        format = "ndjson"
        [audience.vip]
        where = "traits ->> 'plan' = 'gold'"
        name = "VIP"
        [[connection]]
        audience = "vip"
        destination = "us"
        setup = "customized"
        traits = ["firstName", { trait = "lifetime_value", field = "ltv" }, { trait = "city" }]
        resend = "entered"
        enabled = false
        remove_max_percent = 100
        [[connection]]
        audience = "vip"
        destination = "eu"
        "#,
    );
    assert_eq!(loaded.diagnostics.render(&loaded.files), "");
    let config = loaded.config.unwrap();
    let crm = &config.sources[&"crm".parse().unwrap()];
    assert_eq!(file(crm).file.value, Path::new("conf/profiles.CSV"));
    assert_eq!(
        (file(crm).format, crm.id.as_str(), file(crm).bad_lines_max_percent),
        (Format::Csv { delimiter: b'\t' }, "user_id", 2.0)
    );
    let web = &config.sources[&"web".parse().unwrap()];
    assert_eq!((file(web).format, web.id.as_str(), file(web).bad_lines_max_percent), (Format::Ndjson, "id", 1.0));
    let vip = &config.audiences[&"vip".parse().unwrap()];
    assert_eq!((vip.name.as_str(), vip.condition.value.as_str()), ("VIP", "traits ->> 'plan' = 'gold'"));
    let [first, second] = config.connections.as_slice() else { panic!("two connections") };
    let rows: Vec<_> = first
        .rows()
        .iter()
        .map(|row| (row.trait_name.value.as_str(), row.field.as_ref().map_or("-", |field| field.value.as_str())))
        .collect();
    assert_eq!(rows, [("firstName", "-"), ("lifetime_value", "ltv"), ("city", "-")]);
    assert_eq!((first.resend, first.enabled, first.remove_max_percent), (Resend::Entered, false, 100));
    assert_eq!((second.resend, second.enabled, second.remove_max_percent), (Resend::Changed, true, 50));
    assert_eq!(second.setup, Setup::Default);
}

#[test]
fn a_customized_setup_may_have_no_rows() {
    let connection = "[audience.vip]\nwhere = \"x\"\n[[connection]]\naudience = \"vip\"\ndestination = \"eu\"\n";
    let config = load(&format!("{connection}setup = \"customized\"\n")).config.unwrap();
    assert_eq!(config.connections[0].setup, Setup::Customized { rows: vec![] });
    assert_eq!(config.audiences[&"vip".parse().unwrap()].name, "vip");
}

#[test]
fn a_connection_leads_from_an_audience_to_a_destination() {
    check(
        "[audience.vip_buyers]\nwhere = \"x\"\n[[connection]]\naudience = \"vip_buyer\"\ndestination = \"braze\"\nsetup = \"custom\"\n[[connection]]\n",
        r#"
error[E231]: there is no audience `vip_buyer`
 --> conf/audiences.toml:4:12
  |
4 | audience = "vip_buyer"
  |            ^^^^^^^^^^^

hint: did you mean "vip_buyers"?

error[E232]: there is no destination `braze`
 --> conf/audiences.toml:5:15
  |
5 | destination = "braze"
  |               ^^^^^^^

hint: there are: eu, us

error[E214]: `setup` cannot be "custom"
 --> conf/audiences.toml:6:9
  |
6 | setup = "custom"
  |         ^^^^^^^^

hint: did you mean "customized"?

error[E212]: [[connection]] has no `audience`
 --> conf/audiences.toml:7:1
  |
7 | [[connection]]
  | ^^^^^^^^^^^^^^

hint: add `audience = "KEY"`

error[E212]: [[connection]] has no `destination`
 --> conf/audiences.toml:7:1
  |
7 | [[connection]]
  | ^^^^^^^^^^^^^^

hint: add `destination = "NAME"`
"#,
    );
}

#[test]
fn an_audience_goes_to_a_destination_once() {
    check_connection(
        "[[connection]]\naudience = \"vip\"\ndestination = \"eu\"",
        r#"
error[E233]: audience `vip` is connected to destination `eu` twice
 --> conf/audiences.toml:6:1
  |
3 | [[connection]]
  | -------------- the first one
...
6 | [[connection]]
  | ^^^^^^^^^^^^^^

hint: put the traits of both into one, or add a second destination of the same plugin
"#,
    );
}

#[test]
fn a_field_takes_one_trait() {
    check_connection(
        "setup = \"customized\"\ntraits = [\n  \"phone\",\n  \"name\",\n  { trait = \"mobile\", field = \"phone\" },\n  \"name\",\n]",
        r#"
error[E234]: traits `phone` and `mobile` both go into field `phone`
  --> conf/audiences.toml:10:31
   |
 8 |   "phone",
   |   ------- `phone` goes there
 9 |   "name",
10 |   { trait = "mobile", field = "phone" },
   |                               ^^^^^^^

hint: a field takes one value: remove one of the two, or give it another field

error[E234]: trait `name` goes into field `name` twice
  --> conf/audiences.toml:11:3
   |
 9 |   "name",
   |   ------ `name` goes there
10 |   { trait = "mobile", field = "phone" },
11 |   "name",
   |   ^^^^^^

hint: a field takes one value: remove one of the two, or give it another field
"#,
    );
}

#[test]
fn a_row_names_a_trait_that_is_not_the_audience() {
    check_connection(
        "setup = \"customized\"\ntraits = [\"vip\", \"\", { trait = \" \" }, { field = \"\" }, 1, { trait = \"a\", fild = \"b\" }]",
        r#"
error[E235]: `vip` is the audience's own key; it is no trait to map
 --> conf/audiences.toml:7:11
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |           ^^^^^

hint: remove the row: the membership is always sent

error[E237]: a row of `traits` has an empty trait
 --> conf/audiences.toml:7:18
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |                  ^^

hint: name the trait, or remove the row

error[E237]: a row of `traits` has an empty trait
 --> conf/audiences.toml:7:32
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |                                ^^^

hint: name the trait, or remove the row

error[E212]: a row of `traits` has no `trait`
 --> conf/audiences.toml:7:39
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |                                       ^^^^^^^^^^^^^^

hint: add `trait = "NAME"`

error[E237]: a row of `traits` has an empty field
 --> conf/audiences.toml:7:49
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |                                                 ^^

hint: name the field, or remove the row

error[E213]: an entry of `traits` must be the name of a trait or a table, not a whole number
 --> conf/audiences.toml:7:55
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |                                                       ^

hint: write "firstName" or { trait = "firstName", field = "first_name" }

error[E211]: unknown key `fild` in a row of `traits`
 --> conf/audiences.toml:7:73
  |
7 | traits = ["vip", "", { trait = " " }, { field = "" }, 1, { trait = "a", fild = "b" }]
  |                                                                         ^^^^

hint: did you mean `field`?
"#,
    );
}

#[test]
fn a_default_setup_has_no_traits() {
    check_connection(
        "traits = [\"firstName\"]",
        r#"
error[E236]: `traits` is given, but the setup is "default"
 --> conf/audiences.toml:6:10
  |
6 | traits = ["firstName"]
  |          ^^^^^^^^^^^^^

hint: write `setup = "customized"`, or remove `traits`
"#,
    );
}

#[test]
fn a_value_has_its_type_and_range() {
    check_connection(
        "resend = \"always\"\nremove_max_percent = 50.5\nenabled = 1\nrefresh = 1",
        r#"
error[E214]: `resend` cannot be "always"
 --> conf/audiences.toml:6:10
  |
6 | resend = "always"
  |          ^^^^^^^^

hint: choose one of: changed, entered

error[E213]: `remove_max_percent` must be a whole number, not a number with a point
 --> conf/audiences.toml:7:22
  |
7 | remove_max_percent = 50.5
  |                      ^^^^

hint: write it like `remove_max_percent = 50`

error[E213]: `enabled` must be true or false, not a whole number
 --> conf/audiences.toml:8:11
  |
8 | enabled = 1
  |           ^

error[E211]: unknown key `refresh` in [[connection]]
 --> conf/audiences.toml:9:1
  |
9 | refresh = 1
  | ^^^^^^^

hint: it may have: audience, destination, setup, traits, resend, enabled, paused, history, remove_max_percent, settings, identifiers, identifiers_all_max, send, events, enrich_on_exit, mapping, every, at, cron, zone
"#,
    );
    check(
        "[connection]\naudience = \"a\"\n",
        r#"
error[E213]: `connection` must be a list of tables, not a table
 --> conf/audiences.toml:1:1
  |
1 | [connection]
  | ^^^^^^^^^^^^

hint: write `[[connection]]`, with two brackets on each side
"#,
    );
}

#[test]
fn a_source_tells_its_format() {
    check(
        "[source.a]\nfile = \"a.txt\"\n[source.b]\nfile = \"b.jsonl\"\ndelimiter = \";\"\n[source.c]\nfile = \"c.csv\"\ndelimiter = \"::\"\nbad_lines_max_percent = -1\n[source.d-e]\n",
        r#"
error[E238]: the name of "a.txt" does not tell its format
 --> conf/audiences.toml:2:8
  |
2 | file = "a.txt"
  |        ^^^^^^^

hint: add `format = "ndjson"` or `format = "csv"`

error[E214]: `delimiter` in [source.b] has a meaning for CSV alone
 --> conf/audiences.toml:5:13
  |
5 | delimiter = ";"
  |             ^^^

hint: remove it, or write `format = "csv"`

error[E214]: `delimiter` must be one character of ASCII
 --> conf/audiences.toml:8:13
  |
8 | delimiter = "::"
  |             ^^^^

hint: write a comma, a semicolon or "\t"

error[E214]: `bad_lines_max_percent` must be from 0 to 100
 --> conf/audiences.toml:9:25
  |
9 | bad_lines_max_percent = -1
  |                         ^^

hint: it is a share in percent

error[E212]: [source.d-e] has no `file`
  --> conf/audiences.toml:10:9
   |
10 | [source.d-e]
   |         ^^^

hint: add `file = "profiles.ndjson"`

error[E215]: source name `d-e` must consist of lower-case letters, digits and `_`, and begin with a letter
  --> conf/audiences.toml:10:9
   |
10 | [source.d-e]
   |         ^^^

hint: write `d_e`
"#,
    );
}

#[test]
fn an_audience_has_a_condition() {
    check(
        "[audience.vip]\nwher = \"x\"\n[destination.eu]\n",
        r#"
error[E212]: [audience.vip] has no `where`
 --> conf/audiences.toml:1:11
  |
1 | [audience.vip]
  |           ^^^

hint: add `where = "traits ->> 'plan' = 'gold'"`

error[E211]: unknown key `wher` in [audience.vip]
 --> conf/audiences.toml:2:1
  |
2 | wher = "x"
  | ^^^^

hint: did you mean `where`?

error[E211]: `destination` does not belong into audiences.toml
 --> conf/audiences.toml:3:2
  |
3 | [destination.eu]
  |  ^^^^^^^^^^^

hint: move it to plugins.toml
"#,
    );
}
