//! One sound manifest, and one change at a time: what each contradiction is called.

use super::*;

/// Refers to everything that a manifest can refer to.
const SOUND: &str = r#"
id = "acme"
version = "1.0.0"
contract = "0.1"
name = "Acme"
summary = "For tests."
hosts = ["{base_url}", "api.example.com"]
answer_hosts = ["*.files.example.com"]
auth = [
  { kind = "bearer", secret = "token" },
  { kind = "hmac-proof", name = "proof", key = "app_secret", message = "token" },
]
batch_members = 100

[identity]
use = "all"
key = ["email", "id"]
fold = "lowercase"

[[setting]]
name = "base_url"
type = "origin"
required = true
help = "the address"

[[setting]]
name = "most_members"
type = "integer"
help = "how many"

[[setting]]
name = "most_bytes"
type = "integer"
help = "how much"

[[secret]]
name = "token"
required = true
help = "from the console"

[[secret]]
name = "app_secret"
help = "from the console"

[[identifier]]
kind = "user_id"
field = "id"

[[identifier]]
kind = "email"
field = "email"

[[field]]
name = "id"
format = "text"
identifier = true

[[field]]
name = "email"
format = "e-mail address"
identifier = true

[[preset]]
name = "Upsert"
help = "sets the address"
trigger = { path = "type", operator = "=", value = "identify" }
[preset.fields]
email = { "@path" = "$.traits.email" }

[[operation]]
name = "put"
members = 100
members_setting = "most_members"
bytes = 1000
bytes_setting = "most_bytes"
bucket = "api"
idempotent = true

[[bucket]]
name = "api"
scope = "credential"
requests = 10
per_ms = 1000

[[derived]]
kind = "probe"
help = "tests the token"
"#;

/// The sound manifest with `from` replaced by `to`, which must change something.
fn changed(from: &str, to: &str) -> String {
    let text = SOUND.replacen(from, to, 1);
    assert_ne!(text, SOUND, "`{from}` is not in the sound manifest");
    text
}

/// The sound manifest with `more` behind it.
fn with(more: &str) -> String {
    format!("{SOUND}{more}")
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let got = match Manifest::parse_toml(text) {
        Ok(manifest) => format!("ok: {}", manifest.id),
        Err(ManifestError::Inconsistent(problems)) => problems.join("\n"),
        Err(error) => error.to_string(),
    };
    assert_eq!(got, expect);
}

#[test]
fn a_manifest_refers_only_to_what_it_declares() {
    check(SOUND, "ok: acme");
    check(&changed("{base_url}", "{address}"), "host `{address}` names a setting that is not declared");
    check(
        &changed(r#"kind = "bearer", secret = "token""#, r#"kind = "bearer", secret = "tokn""#),
        "auth names secret `tokn`, which is not declared",
    );
    check(
        &changed(r#"key = "app_secret", message = "token""#, r#"key = "app", message = "tokn""#),
        "auth names secret `app`, which is not declared\nauth names secret `tokn`, which is not declared",
    );
    check(
        &changed(r#"field = "email""#, r#"field = "mail""#),
        "identifier `email` goes into field `mail`, which is not declared",
    );
    check(
        &changed(r#"key = ["email", "id"]"#, r#"key = ["email", "ident"]"#),
        "identity names field `ident`, which is not declared",
    );
    check(
        &changed(r#"bucket = "api""#, r#"bucket = "slow""#),
        "operation `put` names bucket `slow`, which is not declared",
    );
    check(
        &changed(r#"members_setting = "most_members""#, r#"members_setting = "members""#),
        "operation `put` names setting `members`, which is not declared",
    );
    check(
        &changed(r#"bytes_setting = "most_bytes""#, r#"bytes_setting = "bytes""#),
        "operation `put` names setting `bytes`, which is not declared",
    );
}

#[test]
fn a_template_names_declared_settings() {
    check(
        &changed("\"api.example.com\"", "\"{subdomain}.example.com\""),
        "host `{subdomain}.example.com` names a setting that is not declared",
    );
    let bearer = r#"{ kind = "bearer", secret = "token" }"#;
    let basic = r#"{ kind = "basic", user = "{who}/token", secret = "token" }"#;
    check(&changed(bearer, basic), "auth names setting `who`, which is not declared");
    check(
        &changed("help = \"tests the token\"", "bucket = \"slow\"\nhelp = \"tests the token\""),
        "derived `probe` names bucket `slow`, which is not declared",
    );
}

#[test]
fn a_setting_may_decide_who_is_one_person_and_which_hosts_are_asked_for() {
    let text = changed(
        "fold = \"lowercase\"",
        "fold = \"lowercase\"\n[[identity.case]]\nwhen = \"base_url=x\"\nkey = [\"id\"]",
    )
    .replace("\"api.example.com\"", "{ host = \"api.example.com\", when = \"most_members=1\" }");
    let manifest = Manifest::parse_toml(&text).unwrap();
    let under = |settings: serde_json::Value| {
        let settings = settings.as_object().unwrap();
        let hosts = manifest.hosts.iter().filter(|ask| ask.applies(settings)).count();
        (manifest.identity.under(settings).key, manifest.identity.under(settings).fold, hosts)
    };
    assert_eq!(under(serde_json::json!({"base_url": "x"})), (vec!["id".to_owned()], Folding::Exact, 1));
    let usual = vec!["email".to_owned(), "id".to_owned()];
    assert_eq!(under(serde_json::json!({"most_members": 1})), (usual, Folding::Lowercase, 2));
    check(
        &text.replace("when = \"base_url=x\"", "when = \"region=x\"").replace("most_members=1", "zone=1"),
        "host `api.example.com` names a setting that is not declared\n\
         identity names a setting that is not declared: `region=x`",
    );
}

#[test]
fn a_way_to_get_tokens_has_what_its_grant_needs() {
    let oauth = |rest: &str| {
        let bearer = r#"{ kind = "bearer", secret = "token" }"#;
        changed(bearer, &format!(r#"{{ kind = "oauth2", token_url = "{{base_url}}/token", {rest} }}"#))
    };
    check(&oauth(r#"grant = "refresh_token", client_id = "{most_members}", client_secret = "app_secret""#), "ok: acme");
    check(&oauth(r#"grant = "jwt_bearer", private_key = "app_secret", issuer = "me""#), "ok: acme");
    check(&oauth(r#"grant = "refresh_token""#), "oauth2 with grant `refresh_token` needs `client_id`");
    check(
        &oauth(r#"grant = "client_credentials""#),
        "oauth2 with grant `client_credentials` needs `client_id`\n\
         oauth2 with grant `client_credentials` needs `client_secret`",
    );
    check(&oauth(r#"grant = "jwt_bearer""#), "oauth2 with grant `jwt_bearer` needs `private_key`");
    check(
        &oauth(r#"grant = "jwt_bearer", private_key = "pem", issuer = "{who}", when = "flow=jwt""#),
        "auth names secret `pem`, which is not declared\n\
         auth names setting `who`, which is not declared\n\
         auth names setting `flow`, which is not declared",
    );
}

#[test]
fn every_way_of_authenticating_names_declared_secrets() {
    let bearer = r#"{ kind = "bearer", secret = "token" }"#;
    for auth in [
        r#"{ kind = "bearer", secret = "absent" }"#,
        r#"{ kind = "header", name = "x-key", secret = "absent" }"#,
        r#"{ kind = "basic", user = "api", secret = "absent" }"#,
        r#"{ kind = "query", name = "key", secret = "absent" }"#,
        r#"{ kind = "form", name = "key", secret = "absent" }"#,
        r#"{ kind = "json", name = "key", secret = "absent" }"#,
        r#"{ kind = "hmac-proof", name = "p", key = "absent", message = "token" }"#,
        r#"{ kind = "hmac-proof", name = "p", key = "token", message = "absent" }"#,
    ] {
        check(&SOUND.replacen(bearer, auth, 1), "auth names secret `absent`, which is not declared");
        check(&SOUND.replacen(bearer, &auth.replace("absent", "token"), 1), "ok: acme");
    }
}

#[test]
fn a_name_is_given_once_and_is_not_empty() {
    let twice = [
        ("setting", "base_url", "type = \"text\"\nhelp = \"x\""),
        ("secret", "token", "help = \"x\""),
        ("field", "email", "format = \"x\""),
        ("preset", "Upsert", "help = \"x\"\nfields = { id = 1 }"),
        ("operation", "put", "members = 1\nbytes = 1\nidempotent = true"),
        ("bucket", "api", "scope = \"list\"\nrequests = 1\nper_ms = 1"),
    ];
    for (kind, name, rest) in twice {
        check(
            &with(&format!("[[{kind}]]\nname = \"{name}\"\n{rest}\n")),
            &format!("{kind} `{name}` is declared twice"),
        );
        check(&with(&format!("[[{kind}]]\nname = \"\"\n{rest}\n")), &format!("a {kind} has an empty name"));
    }
    check(&with("[[derived]]\nkind = \"probe\"\nhelp = \"x\"\n"), "derived `probe` is declared twice");
    check(&with("[[derived]]\nkind = \"\"\nhelp = \"x\"\n"), "a derived has an empty name");
}

#[test]
fn things_of_different_kinds_may_have_the_same_name() {
    check(&with("[[secret]]\nname = \"api\"\nhelp = \"x\"\n"), "ok: acme");
}

#[test]
fn a_manifest_names_itself_and_the_contract_of_this_host() {
    check(
        &changed(r#"id = "acme""#, r#"id = "Acme""#),
        "plugin id `Acme` must consist of lower-case letters, digits and `-`, and begin with a letter",
    );
    check(&changed(r#"id = "acme""#, r#"id = """#), "the plugin id must not be empty");
    check(&changed(r#"contract = "0.1""#, r#"contract = "0.2""#), "it is built for contract 0.2, this host speaks 0.1");
}

#[test]
fn a_plugin_reaches_some_host_and_does_something_there() {
    check(&changed(r#"hosts = ["{base_url}", "api.example.com"]"#, "hosts = []"), "it asks for no host");
    let (before, rest) = SOUND.split_once("[[operation]]").unwrap();
    let (_, after) = rest.split_once("[[bucket]]").unwrap();
    check(&format!("operation = []\n{before}[[bucket]]{after}"), "it declares no operation");
}

#[test]
fn no_limit_is_zero() {
    check(
        &changed("members = 100\nmembers_setting", "members = 0\nmembers_setting"),
        "operation `put` has a limit of zero",
    );
    check(&changed("bytes = 1000\n", "bytes = 0\n"), "operation `put` has a limit of zero");
    check(&changed("requests = 10\n", "requests = 0\n"), "bucket `api` has a limit of zero");
    check(&changed("per_ms = 1000\n", "per_ms = 0\n"), "bucket `api` has a limit of zero");
    check(&changed("per_ms = 1000\n", "per_ms = 1000\nconcurrency = 0\n"), "bucket `api` has a limit of zero");
    check(&changed("batch_members = 100", "batch_members = 0"), "`batch_members` is zero");
    check(&changed("batch_members = 100", "audience_min = 0"), "`audience_min` is zero");
    check(
        &changed("batch_members = 100", "batch_members = 100\n[[place]]\nname = \"list {nothing|audience_key}\""),
        "place `list {nothing|audience_key}` names a setting that is not declared",
    );
}

#[test]
fn a_preset_fills_fields_that_there_are() {
    let fields = "email = { \"@path\" = \"$.traits.email\" }";
    check(&changed(fields, "mail = 1"), "preset `Upsert` fills field `mail`, which is not declared");
    check(&changed(fields, "mail = 1").replacen("[identity]", "custom_fields = true\n[identity]", 1), "ok: acme");
    check(&changed(fields, ""), "preset `Upsert` fills no field");
    let trigger = r#"{ path = "type", operator = "=", value = "identify" }"#;
    check(&changed(trigger, "1"), "the trigger of preset `Upsert` is neither a table nor a text");
    let manifest = Manifest::parse_toml(&changed(trigger, r#"'type = "identify"'"#)).unwrap();
    assert_eq!(manifest.preset("Upsert").unwrap().trigger_in_words(), r#"`type = "identify"`"#);
    let manifest = Manifest::parse_toml(SOUND).unwrap();
    let preset = manifest.preset("Upsert").unwrap();
    assert_eq!(preset.trigger_in_words(), "`type = identify`");
    assert_eq!(preset.fields["email"], serde_json::json!({"@path": "$.traits.email"}));
    let manifest = Manifest::parse_toml(&changed(&format!("trigger = {trigger}"), "")).unwrap();
    assert_eq!(manifest.preset("Upsert").unwrap().trigger_in_words(), "every event");
}

#[test]
fn a_name_leads_to_one_field() {
    let more = |name: &str, rest: &str| with(&format!("[[field]]\nname = \"{name}\"\nformat = \"text\"\n{rest}\n"));
    let two = |first: &str, second: &str| {
        let synonyms = "synonyms = [\"Home-Town\"]";
        format!(
            "{}[[field]]\nname = \"town\"\nformat = \"text\"\nsynonyms = [\"home_town\"]\n{second}\n",
            more("city", &format!("{synonyms}\n{first}"))
        )
    };
    check(&two("", ""), "`home_town` is another name of both `city` and `town`");
    check(&two("when = \"most_bytes=1\"", "when = \"most_bytes=2\""), "ok: acme");
    check(
        &two("when = \"most_bytes=1\"", "when = \"most_members=2\""),
        "`home_town` is another name of both `city` and `town`",
    );
    check(&more("city", "synonyms = [\"town\", \"Town\"]"), "ok: acme");
    check(&more("city", "when = \"zone=1\""), "field `city` names a setting that is not declared: `zone=1`");
    let manifest = Manifest::parse_toml(&more("city", "when = \"most_bytes=1\"")).unwrap();
    let under = |settings: serde_json::Value| {
        let fields = manifest.fields_under(settings.as_object().unwrap());
        fields.into_iter().map(|field| field.name).collect::<Vec<_>>()
    };
    assert_eq!(under(serde_json::json!({"most_bytes": 1})), ["id", "email", "city"]);
    assert_eq!(under(serde_json::json!({})), ["id", "email"]);
}

#[test]
fn a_target_and_what_is_named_are_texts_and_only_identifiers_fold() {
    let fold = |of: &str| format!("{SOUND}[[field]]\nname = \"x\"\nformat = \"text\"\nfold = [\"trim\"]\n{of}");
    check(&fold("identifier = true\n"), "ok: acme");
    check(&fold(""), "field `x` says how it is folded and is no identifier");
    let regions = |of: &str| format!("{SOUND}[[field]]\nname = \"x\"\nformat = \"phone\"\ntype = \"phone\"\n{of}");
    check(&regions("identifier = true\nregion_settings = []\n"), "ok: acme");
    check(
        &regions("region_settings = []\n"),
        "field `x` says whose phone numbers it has and is no identifier of type \"phone\"",
    );
    check(
        &regions("identifier = true\nregion_settings = [\"land\"]\n"),
        "field `x` takes its region from `land`, which is no setting",
    );
    let setting = |kind: &str, more: &str| {
        with(&format!("[[setting]]\nname = \"list\"\ntype = \"{kind}\"\nhelp = \"h\"\n{more}\n"))
    };
    check(&setting("digits", "target = true\nnames = \"list\""), "ok: acme");
    check(&setting("boolean", "target = true"), "setting `list` is true or false, which names no `target`");
    check(&setting("origin", "names = \"list\""), "setting `list` has a type that `names` nothing in an account");
    let creates = |when: &str| changed("batch_members = 100", &format!("creates_fields = \"{when}\""));
    check(&creates("always"), "ok: acme");
    check(&creates("most_bytes=7"), "ok: acme");
    check(
        &creates("sometimes"),
        "`creates_fields` is neither `always` nor names a setting that is declared: `sometimes`",
    );
}

#[test]
fn every_contradiction_is_told_at_once() {
    let text = changed(r#"id = "acme""#, r#"id = "Acme""#)
        .replacen("{base_url}", "{address}", 1)
        .replacen(r#"bucket = "api""#, r#"bucket = "slow""#, 1)
        .replacen("per_ms = 1000", "per_ms = 0", 1);
    let error = Manifest::parse_toml(&text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the manifest contradicts itself: \
         plugin id `Acme` must consist of lower-case letters, digits and `-`, and begin with a letter; \
         host `{address}` names a setting that is not declared; \
         operation `put` names bucket `slow`, which is not declared; \
         bucket `api` has a limit of zero"
    );
}

#[test]
fn json_is_held_to_the_same_rules() {
    let sound = Manifest::parse_toml(SOUND).unwrap();
    let json = serde_json::to_string(&sound).unwrap();
    assert_eq!(Manifest::parse_json(json.as_bytes()).unwrap(), sound);
    let error = Manifest::parse_json(json.replace("{base_url}", "{address}").as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the manifest contradicts itself: host `{address}` names a setting that is not declared"
    );
}

#[test]
fn a_key_that_manifests_do_not_have_is_refused() {
    for text in [
        format!("retries = 3\n{SOUND}"),
        changed("[identity]\n", "[identity]\nwith = \"email\"\n"),
        changed("per_ms = 1000\n", "per_ms = 1000\nburst = 5\n"),
        changed(r#"kind = "bearer", secret = "token""#, r#"kind = "bearer", secret = "token", name = "x""#),
    ] {
        let error = Manifest::parse_toml(&text).unwrap_err().to_string();
        assert!(error.starts_with("the manifest cannot be read: ") && error.contains("unknown field"), "{error}");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let manifest = Manifest::parse_toml(SOUND).unwrap();
    assert_eq!(manifest.bucket("api").map(|bucket| bucket.concurrency), Some(4));
    assert!(!manifest.custom_fields && !manifest.opens && manifest.audience_min.is_none());
    assert_eq!(manifest.identity.values, Values::Last);
    let all = Manifest::parse_toml(&changed("use = \"all\"", "use = \"all\"\nvalues = \"all\"")).unwrap();
    assert_eq!(all.identity.under(&serde_json::Map::new()).values, Values::All);
    let text = changed("[identity]\nuse = \"all\"\nkey = [\"email\", \"id\"]\nfold = \"lowercase\"\n", "");
    let identity = Manifest::parse_toml(&text).unwrap().identity;
    assert_eq!(identity, Identity::default());
}
