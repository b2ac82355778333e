"""SendGrid, by `sendgrid`, which has no models: what an answer must have stands here, by SendGrid's own description."""

import json

from python_http_client.exceptions import NotFoundError
from sendgrid import SendGridAPIClient

from judge import equal, has

LIBRARY = "sendgrid"
CONTACT = ["id", "list_ids", "segment_ids", "created_at", "updated_at"]


def read(answer, status):
    equal(answer.status_code, status)
    return json.loads(answer.body) if answer.body else None


def judge(judge, fakes):
    client = SendGridAPIClient(fakes.secret("sendgrid.key"), host=fakes.urls["sendgrid-marketing"]).client
    marketing = client.marketing
    with judge.call("scopes"):
        has(read(client.scopes.get(), 200), "scopes")
    with judge.call("field definitions"):
        told = read(marketing.field_definitions.get(), 200)
        has(told, "custom_fields", "reserved_fields", "_metadata")
        has(told["custom_fields"][0], "id", "name", "field_type")
    with judge.call("create field definition"):
        said = {"name": "shoe_size", "field_type": "Number"}
        has(read(marketing.field_definitions.post(request_body=said), 200), "id", "name", "field_type", "_metadata")
    with judge.call("create list"):
        made = read(marketing.lists.post(request_body={"name": "VIP"}), 201)
        has(made, "id", "name", "contact_count", "_metadata")
    with judge.call("all lists"):
        page = read(marketing.lists.get(query_params={"page_size": 10}), 200)
        has(page["_metadata"], "self")
        has(page["result"][0], "id", "name", "contact_count", "_metadata")
    with judge.call("a list"):
        has(read(marketing.lists._(made["id"]).get(), 200), "id", "name", "contact_count", "_metadata")
    with judge.call("a list that does not exist"):
        (one,) = refused(marketing.lists._("00000000-0000-4000-8000-00000000ffff").get)
        has(one, "message")
    contacts(judge, marketing, made["id"])


def contacts(judge, marketing, list_id):
    people = [{"email": "ann@example.com", "external_id": "u1"}, {"email": "bo@example.com", "external_id": "u2"}]
    with judge.call("add contacts"):
        job = read(marketing.contacts.put(request_body={"list_ids": [list_id], "contacts": people}), 202)["job_id"]
    with judge.call("import status"):
        ended = None
        while not ended or ended["status"] == "pending":
            ended = read(marketing.contacts.imports._(job).get(), 200)
        has(ended, "id", "status", "job_type", "results", "started_at", "finished_at")
        equal((ended["status"], ended["results"]["created_count"]), ("completed", 2))
    with judge.call("contacts by identifiers"):
        search = marketing.contacts.search.identifiers
        found = read(search._("external_id").post(request_body={"identifiers": ["u1", "u9"]}), 200)["result"]
        ann = found["u1"]["contact"]
        has(ann, *CONTACT)
        has(found["u9"], "error")
    with judge.call("contacts by e-mail address"):
        found = read(marketing.contacts.search.emails.post(request_body={"emails": ["Ann@example.com"]}), 200)
        has(found["result"]["ann@example.com"]["contact"], *CONTACT)
    with judge.call("a contact"):
        has(read(marketing.contacts._(ann["id"]).get(), 200), *CONTACT)
    with judge.call("identifiers that nobody has"):
        told = refused(lambda: search._("external_id").post(request_body={"identifiers": ["u9"]}))
        has(told, "message")
        assert all(isinstance(value, str) for value in told.values()), f"not only texts in {told}"
    with judge.call("addresses that nobody has"):
        told = refused(lambda: marketing.contacts.search.emails.post(request_body={"emails": ["no@example.com"]}))
        has(told, "errors")
    with judge.call("remove contacts from a list"):
        gone = marketing.lists._(list_id).contacts.delete(query_params={"contact_ids": ann["id"]})
        has(read(gone, 202), "job_id")
    with judge.call("delete contacts"):
        has(read(marketing.contacts.delete(query_params={"ids": ann["id"]}), 202), "job_id")


def refused(call):
    try:
        call()
    except NotFoundError as refusal:
        return json.loads(refusal.body)
    raise AssertionError("it is not refused")
