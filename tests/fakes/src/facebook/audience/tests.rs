use serde_json::json;

use super::super::tests::{ANN, call, emails, error, get, start, start_with};
use super::Audience;

#[tokio::test]
async fn an_audience_tells_the_fields_asked_for() {
    let facebook = start().await;
    let raw = get(&facebook, "/v25.0/77?fields=name,account_id,subtype,is_value_based").await;
    let expect =
        json!({"id": "77", "name": "High value", "account_id": "1000", "subtype": "CUSTOM", "is_value_based": false});
    assert_eq!((raw.status(), raw.json()), (200, expect));
    assert_eq!(get(&facebook, "/v25.0/77").await.json(), json!({"id": "77"}));
    let raw = get(&facebook, "/v25.0/77?fields=id%2Coperation_status,permission_for_actions,delivery_status").await;
    assert_eq!(raw.json()["operation_status"]["code"], 200);
    assert_eq!(error(&get(&facebook, "/v25.0/77?fields=size").await).0, 100);
}

#[tokio::test]
async fn an_account_tells_whether_the_terms_were_accepted() {
    let facebook = start().await;
    let raw = get(&facebook, "/v25.0/act_1000?fields=tos_accepted").await;
    assert_eq!(raw.json(), json!({"id": "act_1000", "tos_accepted": {"custom_audience_tos": 1}}));
    let facebook = start_with(|config| config.terms_accepted = false).await;
    let raw = get(&facebook, "/v25.0/act_1000?fields=tos_accepted").await;
    assert_eq!(raw.json()["tos_accepted"], json!({}));
    assert_eq!(error(&get(&facebook, "/v25.0/act_1000?fields=secret").await).0, 100);
}

#[tokio::test]
async fn a_token_can_be_looked_into() {
    let facebook = start().await;
    for target in ["/debug_token?input_token=fake-facebook-token", "/v25.0/debug_token?input_token=fake-facebook-token"]
    {
        let data = get(&facebook, target).await.json()["data"].clone();
        let told = ["is_valid", "expires_at", "scopes"].map(|key| data[key].clone());
        assert_eq!(told, [json!(true), json!(0), json!(["ads_management"])]);
    }
    assert_eq!(get(&facebook, "/debug_token?input_token=x").await.json()["data"]["is_valid"], false);
    assert_eq!(error(&get(&facebook, "/debug_token").await).0, 100);
}

#[tokio::test]
async fn the_list_of_audiences_comes_in_pages() {
    let audiences = (1..=5).map(|n| Audience::new(&n.to_string(), &format!("a{n}"))).collect();
    let facebook = start_with(|config| {
        config.audiences = audiences;
        config.page_entries_max = 2;
    })
    .await;
    let mut target = "/v25.0/act_1000/customaudiences?fields=id,name&limit=200".to_owned();
    let mut names = Vec::new();
    loop {
        let page = get(&facebook, &target).await.json();
        names.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()));
        match page["paging"]["next"].as_str() {
            Some(next) => target = next.trim_start_matches("http://fake").to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["a1", "a2", "a3", "a4", "a5"]);
    for bad in ["limit=0", "limit=x", "after=zzz", "fields=size"] {
        let raw = get(&facebook, &format!("/v25.0/act_1000/customaudiences?{bad}")).await;
        assert_eq!(error(&raw).0, 100, "{bad}");
    }
}

#[tokio::test]
async fn an_audience_is_created_and_can_be_filled() {
    let facebook = start().await;
    let body =
        json!({"name": "New", "subtype": "CUSTOM", "description": "d", "customer_file_source": "USER_PROVIDED_ONLY"});
    let raw = call(&facebook, "POST", "/v25.0/act_1000/customaudiences", &body).await;
    let id = raw.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(facebook.audiences()[1], Audience { description: "d".into(), ..Audience::new(&id, "New") });
    call(&facebook, "POST", &format!("/v25.0/{id}/users"), &emails(&[ANN])).await;
    assert_eq!(facebook.members(&id).len(), 1);
}

#[tokio::test]
async fn a_creation_names_subtype_source_and_nothing_unknown() {
    let facebook = start().await;
    let good = json!({"name": "New", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"});
    let cases = [
        ("name", json!(" ")),
        ("subtype", json!("LOOKALIKE")),
        ("customer_file_source", json!("ME")),
        ("is_value_based", json!(1)),
        ("nme", json!(1)),
    ];
    for (name, value) in cases {
        let mut body = good.clone();
        body[name] = value;
        let raw = call(&facebook, "POST", "/v25.0/act_1000/customaudiences", &body).await;
        assert_eq!((raw.status(), error(&raw).0), (400, 100), "{name}");
    }
    assert_eq!(facebook.audiences().len(), 1);
}

#[tokio::test]
async fn an_account_has_at_most_500_customer_lists() {
    let full = (0..500).map(|n| Audience::new(&n.to_string(), "")).collect();
    let facebook = start_with(|config| config.audiences = full).await;
    let body = json!({"name": "New", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"});
    assert_eq!(error(&call(&facebook, "POST", "/v25.0/act_1000/customaudiences", &body).await).0, 100);
}
