//! The worked examples of Google's guide and libraries, and of other tools that send to Google.
//! Hashes were made with `sha256sum` on the UTF-8 of the normal form.

use super::*;

fn rules(code: &str) -> Rules {
    Rules { hashing: Hashing::Auto, dial_code: DialCode::parse(code), region: None, strips_punctuation: false }
}

#[track_caller]
fn check(got: Result<Noted, Code>, found: &str, normal: &str, sha256: &str) {
    let (form, _) = got.unwrap_or_else(|code| panic!("{found:?} is {code}"));
    assert_eq!(form, normal, "{found:?}");
    assert_eq!(hash::sha256_hex(&form), sha256, "{found:?}");
}

#[test]
fn email_addresses() {
    for (found, normal, sha256) in [
        (
            " Jane.Doe@Example.COM ",
            "jane.doe@example.com",
            "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d",
        ),
        (
            "Cloudy.SanFrancisco+shopping@gmail.com",
            "cloudysanfrancisco@gmail.com",
            "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
        ),
        (
            "user.name+NYC@Example.com",
            "user.name+nyc@example.com",
            "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac",
        ),
        (
            "Test.User+a@googlemail.com",
            "testuser@googlemail.com",
            "06bfc6aa38674253530e62f2b585d63e3786cbb759b81b73df34ae80894d8813",
        ),
        ("ALEXZ@example.com", "alexz@example.com", "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"),
        ("test@abc.com", "test@abc.com", "d3142c8f9c9129484daf28df80cc5c955791efed5e69afabb603bc8cb9ffd419"),
        ("test+1@gmail.com", "test@gmail.com", "87924606b4131a8aceeeae8868531fbb9712aaa07a5d3a756b26ce0f5d6ca674"),
        ("İpek@example.com", "i\u{307}pek@example.com", &hash::sha256_hex("i\u{307}pek@example.com")),
        ("a.b+c@gmail.co", "a.b+c@gmail.co", &hash::sha256_hex("a.b+c@gmail.co")),
    ] {
        check(email(found), found, normal, sha256);
    }
    for found in
        ["invalid_email", "@x.com", "+a@gmail.com", "...@gmail.com", "jane doe@example .com", "a@b", "a@b@c.de"]
    {
        assert_eq!(email(found), Err("email_invalid"), "{found}");
    }
}

#[test]
fn phone_numbers() {
    for (found, code, normal, sha256) in [
        ("+1 800-555-0100", "", "+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
        ("1 800 555 0100", "", "+18005550100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
        ("020 7946 0958", "44", "+442079460958", "f0bf0228144d9fe2bdf1da2d8ca698f17bf1410ee688b075c27062e47b6f0b6d"),
        ("+44 20 7946 0958", "1", "+442079460958", "f0bf0228144d9fe2bdf1da2d8ca698f17bf1410ee688b075c27062e47b6f0b6d"),
        ("0049 30 123456", "", "+4930123456", "a909469fabf3f43d0b7b6c42a85a6e7e8ceb36c7a2f0f1b9c15b80dc16384cb7"),
        ("3234567890", "1", "+13234567890", "0506a1f3f4c515fd310fce54d253b731f71e33e7e7d2b10848528ca4411120b0"),
        ("3234567890", "91", "+913234567890", "df7c233443c263c8a532f65c745c38f411ef984acbc02af10b45203472774e6d"),
        ("09876543210", "91", "+919876543210", "f3a47ce5ce3d4ca8ad15225a245b2759022f79489f5c62719b8c9490f7aab90e"),
    ] {
        check(phone_number(found, &rules(code)), found, normal, sha256);
    }
    for found in ["09876543210", "abc-def", "+0 9876543210", "+123456", "+1234567890123456", ""] {
        assert_eq!(phone_number(found, &rules("")), Err("phone_invalid"), "{found}");
    }
    let warned = phone_number("1 800 555 0100", &rules("")).map(|(_, warning)| warning);
    assert_eq!(warned, Ok(Some("phone_without_country_code")));
}

#[test]
fn a_region_reads_national_numbers_by_its_numbering_plan() {
    let rules = Rules { region: Some("IT".to_owned()), ..rules("") };
    assert_eq!(phone_number("06 1234 5678", &rules), Ok(("+390612345678".to_owned(), None)));
    assert_eq!(phone_number("+44 20 7946 0958", &rules), Ok(("+442079460958".to_owned(), None)));
    assert_eq!(phone_number("12", &rules), Err("phone_invalid"));
}

#[test]
fn names() {
    let noted = |name: Result<String, Code>| name.map(|name| (name, None));
    for (found, strips, normal, sha256) in [
        (" Jane ", false, "jane", "81f8f6dde88365f3928796ec7aa53f72820b06db8664f5fe76a7eb13e24546a2"),
        ("Dr. José", false, "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
        ("Quinn-Alex", false, "quinn-alex", "91581930b788bf2fd4ea63d8783c8c3b4c7ac8575461e033d18ee7def6cd49a9"),
        ("Quinn-Alex", true, "quinnalex", "1eb45891d7f84b0df73fd8dbbcf86cfaa87e521553b5fcb30cc9e78d8130dbe2"),
        ("GivenName", false, "givenname", "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814"),
        ("Alex Dr.", false, "alex", "4135aa9dc1b842a653dea846903ddb95bfb8c5a10c504a7fa16e10bc31d1fdf0"),
    ] {
        check(noted(given_name(found, strips)), found, normal, sha256);
    }
    for (found, strips, normal, sha256) in [
        ("Doe", false, "doe", "799ef92a11af918e3fb741df42934f3b568ed2d93ac1df74f1b8d41a27932a6f"),
        ("O'Brien Jr.", false, "o'brien", "65b87174be3b1b122e2b0929f0b84888637d31a4a83bb96a860bcff411f5e668"),
        ("O'Brien Jr.", true, "obrien", "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
        ("Quinn, Jr., DDS", false, "quinn", "c512ca0c5c1e71be19f3356821e56732b5fb3ac894b0dbc5846d0b6920106fb3"),
        ("Smith III", false, "smith", "6627835f988e2c5e50533d491163072d3f4f41f5c8b04630150debb3722ca2dd"),
        ("FamilyName", false, "familyname", "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"),
        ("rudderlabs", false, "rudderlabs", "dcf000c2386fb76d22cefc0d118a8511bb75999019cd373df52044bccd1bd251"),
    ] {
        check(noted(family_name(found, strips)), found, normal, sha256);
    }
    assert_eq!(family_name("V", false).as_deref(), Ok("v"));
    assert_eq!(given_name("Dr.", false), Err("name_invalid"));
}

#[test]
fn countries_and_mobile_ids() {
    for (found, normal) in [("us", "US"), ("uS", "US"), ("GB", "GB"), ("USA", "US"), ("UK", "GB"), ("Portugal", "PT")] {
        assert_eq!(region_code(found).as_deref(), Ok(normal));
    }
    for found in ["u", "U2", "ZZ", "EU", "Atlantis"] {
        assert_eq!(region_code(found), Err("region_invalid"), "{found}");
    }
    let id = "38400000-8cf0-11bd-b23e-10b96e40000d";
    assert_eq!(mobile_id(id).as_deref(), Ok(id));
    assert_eq!(mobile_id("ABCD-EF").as_deref(), Ok("ABCD-EF"));
    assert_eq!(mobile_id("00000000-0000-0000-0000-000000000000"), Err("mobile_id_opted_out"));
    assert_eq!(mobile_id("ann@example.com"), Err("mobile_id_invalid"));
}

#[test]
fn values_that_are_no_text() {
    assert_eq!(text_of(Value::Number("18005550100.0")), Ok(Some("18005550100".into())));
    assert_eq!(text_of(Value::Number("94045")), Ok(Some("94045".into())));
    assert_eq!(text_of(Value::Text(" 1229-076 ")), Ok(Some("1229-076".into())));
    assert_eq!(text_of(Value::Text(" \u{200b}")), Ok(None));
    assert_eq!(text_of(Value::Null), Ok(None));
    assert_eq!(text_of(Value::Bool(false)), Err("not_text"));
    assert_eq!(text_of(Value::Json("[]")), Err("not_text"));
}

#[test]
fn nothing_is_hashed_twice() {
    let once = hash::sha256_hex("jane.doe@example.com");
    assert_eq!(hashed(&once.to_uppercase(), Hashing::Auto, email), Ok((once.clone(), None)));
    assert_eq!(hashed("Jane.Doe@example.com", Hashing::Auto, email), Ok((once.clone(), None)));
    assert_eq!(hashed(&once, Hashing::Always, email), Err("already_hashed"));
    assert_eq!(hashed("jane.doe@example.com", Hashing::Prehashed, email), Err("not_hashed"));
    assert_eq!(hashed(&"a1".repeat(16), Hashing::Auto, email), Err("md5_value"));
}

#[test]
fn a_normal_form_is_its_own() {
    for found in ["A.b+c@GMAIL.com", "İ.x@Example.com", "a-b@c.de", "e\u{301}@x.yz"] {
        let (form, _) = email(found).expect("an address");
        assert_eq!(email(&form), Ok((form.clone(), None)));
    }
    for found in ["020 7946 0958", "+44 20 7946 0958", "+44 (0)161 496 0000 ext. 3"] {
        let (form, _) = phone_number(found, &rules("44")).expect("a number");
        assert_eq!(phone_number(&form, &rules("44")), Ok((form.clone(), None)));
    }
    for found in ["Dr. Ann  Mr. Lee", "Quinn, Jr., DDS", "Smith , III"] {
        for strips in [false, true] {
            let given = given_name(found, strips).expect("a name");
            assert_eq!(given_name(&given, strips), Ok(given));
            let family = family_name(found, false).expect("a name");
            assert_eq!(family_name(&family, false), Ok(family));
        }
    }
}
