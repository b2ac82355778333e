"""Facebook, by `facebook_business`: the account, its audiences, and the people in them, as forms and queries."""

import hashlib

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from judge import equal, has

LIBRARY = "facebook_business"
AUDIENCE = "23848494844100489"
PLAIN = {"string": str, "int": int, "unsigned int": int, "bool": bool}
FIELDS = ["id", "name", "account_id", "subtype", "is_value_based", "operation_status", "delivery_status"]
FIELDS += ["permission_for_actions", "approximate_count_lower_bound", "description"]


def login(fakes):
    asked = FacebookSession(
        app_secret=fakes.secret("facebook.secret"), access_token=fakes.secret("facebook.token")
    )
    asked.GRAPH = fakes.urls["facebook-ads"]
    return FacebookAdsApi.set_default_api(FacebookAdsApi(asked))


def fits(answer):
    """Fails where a value is not of the type that the library's model declares."""
    for name, value in answer.export_all_data().items():
        kind = answer._field_types.get(name)
        assert kind, f"{type(answer).__name__} has no field {name}"
        if kind in PLAIN:
            assert type(value) is PLAIN[kind], f"{name} is {value!r} and not {kind}"
        else:
            assert isinstance(value, (dict, list, str)), f"{name} is {value!r} and not {kind}"


def hashed(text):
    return hashlib.sha256(text.encode()).hexdigest()


def judge(judge, fakes):
    login(fakes)
    with judge.call("ad account"):
        account = AdAccount("act_1000").api_get(fields=["account_id", "tos_accepted"])
        fits(account)
        equal(account["tos_accepted"]["custom_audience_tos"], 1)
    with judge.call("audience"):
        audience = CustomAudience(AUDIENCE).api_get(fields=FIELDS)
        fits(audience)
        has(audience, *FIELDS)
    with judge.call("audiences, page by page"):
        names = [one["name"] for one in AdAccount("act_1000").get_custom_audiences(fields=["name"], params={"limit": 1})]
        equal(names, ["Gold customers", "Other"])
    with judge.call("create audience"):
        said = {"name": "New", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
        assert AdAccount("act_1000").create_custom_audience(params=said)["id"]
    people(judge)
    with judge.call("a field that does not exist"):
        refused(lambda: CustomAudience(AUDIENCE).api_get(fields=["members"]), 100)
    with judge.call("an audience that does not exist"):
        refused(lambda: CustomAudience("5").api_get(fields=["name"]), 100)
    with judge.call("debug token"):
        token = fakes.secret("facebook.token")
        told = FacebookAdsApi.get_default_api().call("GET", ("debug_token",), params={"input_token": token}).json()
        has(told["data"], "is_valid", "scopes", "expires_at", "app_id", "type", "application", "user_id")


def people(judge):
    audience = CustomAudience(AUDIENCE)
    schema, rows = ["EMAIL", "EXTERN_ID"], [[hashed("ann@example.com"), "u1"], [hashed("bo@example.com"), "u2"]]
    counts = lambda answer: (answer.json()["num_received"], answer.json()["num_invalid_entries"])
    with judge.call("add users"):
        answer = audience.add_users(schema, rows, is_raw=True, pre_hashed=True)
        equal(counts(answer), (2, 0))
        has(answer.json(), "audience_id", "session_id", "invalid_entry_samples")
    with judge.call("add users in a session"):
        part = {"session_id": 7, "batch_seq": 1, "last_batch_flag": True}
        equal(counts(audience.add_users(schema, rows, is_raw=True, pre_hashed=True, session=part)), (2, 0))
    with judge.call("add users with a bad row"):
        equal(counts(audience.add_users(schema, [["ann", "u3"]], is_raw=True, pre_hashed=True)), (1, 1))
    with judge.call("remove users"):
        equal(counts(audience.remove_users(schema, rows, is_raw=True, pre_hashed=True)), (2, 0))
    with judge.call("create users"):
        made = audience.create_user(params={"payload": {"schema": schema, "data": rows}})
        equal(made["num_received"], 2)
    with judge.call("delete users"):
        audience.delete_users(params={"payload": {"schema": schema, "data": rows}})


def refused(call, code):
    try:
        call()
    except FacebookRequestError as refusal:
        equal(refusal.api_error_code(), code)
        assert refusal.api_error_message() and refusal.api_error_type()
    else:
        raise AssertionError("it is not refused")
