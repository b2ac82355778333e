"""Google, by `google-ads-datamanager`: uploads, their state, and lists, over the library's own transport for REST.

The library reads answers leniently. Here each answer is read a second time as the message that it is, and a field that
the message does not have is a violation.
"""

import base64
import pathlib
import re
import tomllib

from google.ads import datamanager_v1 as api
from google.auth.transport.requests import AuthorizedSession
from google.api_core.exceptions import BadRequest, NotFound
from google.oauth2.credentials import Credentials
from google.protobuf import duration_pb2, json_format

from judge import equal

LIBRARY = "google-ads-datamanager"
ACCOUNT = "7693729833"
PARENT = f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}"
HASH = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d"
CASES = pathlib.Path(__file__).parents[2] / "plugins/google/cases"
REQUESTS = {
    "ingest": api.IngestAudienceMembersRequest,
    "remove": api.RemoveAudienceMembersRequest,
}
ANSWERS = [
    ("POST", r"/v1/audienceMembers:ingest", api.IngestAudienceMembersResponse),
    ("POST", r"/v1/audienceMembers:remove", api.RemoveAudienceMembersResponse),
    ("GET", r"/v1/requestStatus:retrieve", api.RetrieveRequestStatusResponse),
    ("GET", r"/v1/accountTypes/.*/userLists", api.ListUserListsResponse),
    ("POST", r"/v1/accountTypes/.*/userLists", api.UserList),
    ("GET", r"/v1/accountTypes/.*/userLists/\d+", api.UserList),
]


def strict(text, message):
    """Reads JSON as a message, and fails at what the message does not have."""
    return json_format.Parse(text, message.pb(message()))


def read_again(response, *_, **__):
    path = response.request.path_url.partition("?")[0]
    for method, pattern, message in ANSWERS:
        if response.ok and response.request.method == method and re.fullmatch(pattern, path):
            strict(response.text, message)


def login(fakes, client):
    credentials = Credentials(
        None,
        refresh_token=fakes.secret("google.refresh"),
        token_uri=fakes.urls["google-ads"] + "/token",
        client_id="fake-client.apps.googleusercontent.com",
        client_secret=fakes.secret("google.client"),
    )
    host = fakes.urls["google-ads"].partition("//")[2]
    rest = client.get_transport_class("rest")(host=host, credentials=credentials, url_scheme="http")
    rest._session.hooks["response"].append(read_again)
    assert isinstance(rest._session, AuthorizedSession)
    return client(transport=rest)


def destination(list_id):
    account = api.ProductAccount(account_type=api.ProductAccount.AccountType.GOOGLE_ADS, account_id=ACCOUNT)
    return api.Destination(operating_account=account, product_destination_id=list_id)


def member(**identifier):
    identifiers = [api.UserIdentifier(**identifier)]
    return api.AudienceMember(user_data=api.UserData(user_identifiers=identifiers))


def judge(judge, fakes):
    lists = login(fakes, api.UserListServiceClient)
    made = None
    with judge.call("create user list"):
        info = api.IngestedUserListInfo(
            upload_key_types=[api.IngestedUserListInfo.UploadKeyType.CONTACT_ID],
            contact_id_info=api.ContactIdInfo(data_source_type=api.DataSourceType.DATA_SOURCE_TYPE_FIRST_PARTY),
        )
        said = api.UserList(
            display_name="Gold customers",
            membership_status=api.UserList.MembershipStatus.OPEN,
            membership_duration=duration_pb2.Duration(seconds=30 * 86_400),
            ingested_user_list_info=info,
        )
        made = lists.create_user_list(parent=PARENT, user_list=said)
        equal(made.ingested_user_list_info.upload_key_types, info.upload_key_types)
        equal(made.ingested_user_list_info.contact_id_info, info.contact_id_info)
    if made is None:
        return
    with judge.call("get user list"):
        equal(lists.get_user_list(name=made.name), made)
    with judge.call("list user lists"):
        asked = api.ListUserListsRequest(parent=PARENT, filter='display_name = "Gold customers"', page_size=1)
        equal([one.name for one in lists.list_user_lists(asked)], [made.name])
    with judge.call("a list that does not exist"):
        try:
            lists.get_user_list(name=f"{PARENT}/userLists/5")
        except NotFound as refusal:
            assert refusal.reason, "no ErrorInfo"
        else:
            raise AssertionError("it exists")
    uploads(judge, login(fakes, api.IngestionServiceClient), str(made.id))
    requests(judge)


def uploads(judge, client, list_id):
    granted = api.ConsentStatus.CONSENT_GRANTED
    status = api.TermsOfServiceStatus.ACCEPTED
    address = api.AddressInfo(given_name=HASH, family_name=HASH, region_code="DE", postal_code="10115")
    people = [member(email_address=HASH), member(phone_number=HASH), member(address=address)]
    said = {"destinations": [destination(list_id)], "encoding": api.Encoding.HEX}
    terms = {
        "consent": api.Consent(ad_user_data=granted, ad_personalization=granted),
        "terms_of_service": api.TermsOfService(customer_match_terms_of_service_status=status),
    }
    with judge.call("ingest"):
        asked = api.IngestAudienceMembersRequest(**said, **terms, audience_members=people)
        upload = client.ingest_audience_members(asked)
        assert upload.request_id
    with judge.call("ingest in Base64"):
        raw = base64.b64encode(bytes.fromhex(HASH)).decode()
        asked.encoding = api.Encoding.BASE64
        asked.audience_members = [member(email_address=raw)]
        asked.validate_only = True
        client.ingest_audience_members(asked)
    with judge.call("request status"):
        (told,) = client.retrieve_request_status(request={"request_id": upload.request_id}).request_status_per_destination
        equal(told.request_status, api.RequestStatusPerDestination.RequestStatus.SUCCESS)
        equal(told.destination.product_destination_id, list_id)
        equal(told.audience_members_ingestion_status.user_data_ingestion_status.record_count, 3)
    with judge.call("remove"):
        asked = api.RemoveAudienceMembersRequest(**said, audience_members=people[:1])
        upload = client.remove_audience_members(asked)
        (told,) = client.retrieve_request_status(request={"request_id": upload.request_id}).request_status_per_destination
        equal(told.audience_members_removal_status.user_data_removal_status.record_count, 1)
    with judge.call("a bad member"):
        try:
            bad = [member(email_address="ann@example.com")]
            client.ingest_audience_members(api.IngestAudienceMembersRequest(**said, **terms, audience_members=bad))
        except BadRequest as refusal:
            ((violation,),) = [one["fieldViolations"] for one in refusal.details if "fieldViolations" in one]
            assert violation["field"].startswith("audience_members[0].user_data"), str(violation)
            assert violation["reason"], "no reason"
        else:
            raise AssertionError("it is not refused")


def requests(judge):
    """The bodies that the plugin's cases expect, read as the messages that they are meant to be."""
    for case in sorted(CASES.glob("map/*.toml")):
        for request in tomllib.loads(case.read_text()).get("expect", {}).get("request", []):
            message = REQUESTS.get(request.get("operation"))
            if message and request.get("body", "").startswith('{"destinations"'):
                with judge.call(f"the body of {case.name}"):
                    strict(request["body"], message)
