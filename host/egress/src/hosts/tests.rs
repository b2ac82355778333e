use super::*;

#[track_caller]
fn check(text: &str, expect: &str) {
    let got = match HostRule::parse(text) {
        Ok(rule) => format!("ok: {rule}"),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expect);
}

fn rules(texts: &[&str]) -> Vec<HostRule> {
    texts.iter().map(|text| HostRule::parse(text).unwrap()).collect()
}

#[test]
fn a_rule_names_a_host_and_nothing_else() {
    check("API.Example.com", "ok: api.example.com");
    check("api.example.com.", "ok: api.example.com");
    check("api.example.com:8443", "ok: api.example.com:8443");
    check("api.example.com:443", "ok: api.example.com");
    for text in ["https://api.example.com", "api.example.com/v1", "u@api.example.com", "a b.example", "", "a%2eb.c"] {
        check(
            text,
            &format!("error: host rule `{text}` must be a host and nothing else: no scheme, user, path or space"),
        );
    }
    for text in ["api..example.com", ".example.com", "-a.example", "a-.example", "a,b.example", "."] {
        let expect = format!(
            "error: host rule `{text}` has a label that is empty, longer than 63 bytes or not of letters, digits and `-`"
        );
        check(text, &expect);
    }
    check("a.example:0", "error: host rule `a.example:0` must name a port from 1 to 65535");
    check("a.example:+80", "error: host rule `a.example:+80` must name a port from 1 to 65535");
    check("a.example:", "error: host rule `a.example:` must name a port from 1 to 65535");
}

#[test]
fn a_star_stands_for_the_first_labels_only() {
    check("*.Braze.com", "ok: *.braze.com");
    for text in ["*", "*.com", "*.*.com", "a.*.com", "a*.example.com", "*.127.0.0.1"] {
        check(
            text,
            &format!(
                "error: host rule `{text}` may have one `*`, as its whole first label, with two labels or more behind it"
            ),
        );
    }
}

#[test]
fn a_rule_is_written_in_ascii() {
    check(
        "bücher.example",
        "error: host rule `bücher.example` must be in ASCII: write the name in its punycode form, which begins with `xn--`",
    );
    check("xn--bcher-kva.example", "ok: xn--bcher-kva.example");
}

#[test]
fn an_address_is_written_in_full() {
    check("127.0.0.1:8080", "ok: 127.0.0.1:8080");
    check("[::1]", "ok: [::1]");
    check("[0:0::1]:8080", "ok: [::1]:8080");
    for text in ["2130706433", "0x7f.1", "127.1", "0x7f000001", "010.0.0.1", "1.2.3.4.5", "a.1"] {
        let expect = format!("error: host rule `{text}` is no address as written: write all four numbers, in decimal");
        check(text, &expect);
    }
}

#[test]
fn a_star_matches_names_below_and_not_the_apex() {
    let rule = HostRule::parse("*.braze.com").unwrap();
    let matches = [
        ("rest.braze.com", 443, true),
        ("REST.iad-01.Braze.com.", 443, true),
        ("braze.com", 443, false),
        ("evilbraze.com", 443, false),
        ("braze.com.evil.example", 443, false),
        ("rest.braze.com", 8443, false),
        ("rest.braze.com\n", 443, false),
        ("rest.braze.com/@evil.example", 443, false),
    ];
    for (host, port, expect) in matches {
        assert_eq!(rule.matches(host, port), expect, "{host}:{port}");
    }
}

#[test]
fn a_request_needs_both_sides_and_is_told_which_refuses() {
    let grant = HostGrant {
        asked: rules(&["*.braze.eu", "api.example.com"]),
        answers: rules(&["*.storage.example"]),
        granted: rules(&["rest.fra-01.braze.eu", "files.storage.example", "other.example"]),
    };
    assert_eq!(grant.allows("rest.fra-01.braze.eu", 443), Ok(Standing::Own));
    assert_eq!(grant.allows("files.storage.example", 443), Ok(Standing::FromAnswer));
    let denied = |host: &str, port| grant.allows(host, port).unwrap_err().to_string();
    assert_eq!(denied("rest.fra-02.braze.eu", 443), "plugins.toml does not grant host `rest.fra-02.braze.eu`");
    assert_eq!(denied("other.example", 443), "the plugin's manifest does not ask for host `other.example`");
    assert_eq!(denied("other.storage.example", 443), "plugins.toml does not grant host `other.storage.example`");
    assert_eq!(
        denied("rest.fra-01.braze.eu", 80),
        "the plugin's manifest does not ask for host `rest.fra-01.braze.eu:80`"
    );
}

#[test]
fn a_check_knows_what_is_withheld_and_what_is_idle() {
    let grant = HostGrant {
        asked: rules(&["*.braze.eu", "api.example.com"]),
        answers: vec![],
        granted: rules(&["rest.braze.eu", "other.example"]),
    };
    assert_eq!(grant.withheld().map(ToString::to_string).collect::<Vec<_>>(), ["api.example.com"]);
    assert_eq!(grant.idle().map(ToString::to_string).collect::<Vec<_>>(), ["other.example"]);
    assert!(!grant.covers(&HostRule::parse("*.braze.eu").unwrap()));
    assert!(grant.covers(&HostRule::parse("rest.braze.eu").unwrap()));
    let covers = |a: &str, b: &str| HostRule::parse(a).unwrap().covers(&HostRule::parse(b).unwrap());
    assert!(covers("*.a.example", "*.b.a.example"));
    assert!(!covers("*.b.a.example", "*.a.example"));
    assert!(!covers("a.b.example", "*.b.example"));
}

#[test]
fn a_rule_of_a_manifest_can_be_a_setting() {
    let settings =
        serde_json::json!({"endpoint": "http://127.0.0.1:8080", "host": "a.example", "plain": "http://b.example"});
    let of =
        |text: &str| HostRule::of_manifest(text, settings.as_object().unwrap()).map(|rule| rule.map(|r| r.to_string()));
    assert_eq!(of("{endpoint}"), Ok(Some("127.0.0.1:8080".into())));
    assert_eq!(of("{host}"), Ok(Some("a.example".into())));
    assert_eq!(of("{plain}"), Ok(Some("b.example:80".into())));
    assert_eq!(of("{missing}"), Ok(None));
    assert_eq!(of("api.example.com"), Ok(Some("api.example.com".into())));
}

#[test]
fn a_setting_inside_of_a_name_is_one_label() {
    #[track_caller]
    fn check(value: serde_json::Value, expect: &str) {
        let settings = serde_json::json!({ "subdomain": value });
        let rule = HostRule::of_manifest("{subdomain}.zendesk.com", settings.as_object().unwrap());
        let got = match rule {
            Ok(Some(rule)) => rule.to_string(),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect);
    }
    let label = |text: &str| {
        format!("host rule `{text}` has a label that is empty, longer than 63 bytes or not of letters, digits and `-`")
    };
    check("Acme-1".into(), "acme-1.zendesk.com");
    check(7.into(), "none");
    for hostile in ["", "evil.com/", "a.b", "*", "-a", "evil.example:443/x", "{subdomain}"] {
        check(hostile.into(), &label(hostile));
    }
}
