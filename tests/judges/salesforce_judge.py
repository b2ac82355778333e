"""Salesforce, by `simple-salesforce`: both logins, queries, collections, single records and the Bulk API 2.0."""

import csv

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce, SalesforceResourceNotFound

from judge import equal, has, session

LIBRARY = "simple-salesforce"
KEY = "Enroute_Id__c"
FIELD = "Gold_Customers__c"


def login(fakes):
    return Salesforce(
        consumer_key="fake-consumer-key",
        consumer_secret=fakes.secret("salesforce.client"),
        domain="enroute.my",
        session=session(fakes.urls["salesforce-crm"]),
        version="64.0",
    )


def assertion(fakes):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Salesforce(
        username="sync@example.com",
        consumer_key="fake-consumer-key",
        privatekey=pem,
        session=session(fakes.urls["salesforce-crm"]),
    )


def judge(judge, fakes):
    with judge.call("login by assertion"):
        assert assertion(fakes).session_id
    with judge.call("login by client credentials"):
        org = login(fakes)
    if judge.violations:
        return
    with judge.call("limits"):
        has(org.limits()["DailyApiRequests"], "Max", "Remaining")
        has(org.api_usage, "api-usage")
    with judge.call("describe of all objects"):
        equal({"Lead", "Contact"} - {entry["name"] for entry in org.describe()["sobjects"]}, set())
    with judge.call("describe"):
        fields = {field["name"]: field for field in org.Lead.describe()["fields"]}
        equal((fields[KEY]["externalId"], fields[FIELD]["type"]), (True, "boolean"))
    single(judge, org)
    collections(judge, org)
    bulk(judge, org)


def single(judge, org):
    lead = {"LastName": "Ott", "Company": "Ott AG", "Email": "ann@example.com"}
    with judge.call("create"):
        made = org.Lead.create(lead)
        equal((made["success"], made["errors"]), (True, []))
        equal(org.Lead.get(made["id"])["Email"], "ann@example.com")
    with judge.call("upsert by external id"):
        equal(org.Lead.upsert(f"{KEY}/u1", lead), 201)
        equal(org.Lead.upsert(f"{KEY}/u1", {FIELD: True}), 204)
    with judge.call("get by custom id"):
        equal(org.Lead.get_by_custom_id(KEY, "u1")[FIELD], True)
    with judge.call("query"):
        found = org.query(f"SELECT Id, {FIELD} FROM Lead WHERE {KEY} IN ('u1', 'u2')")
        equal((found["totalSize"], found["done"], len(found["records"])), (1, True, 1))
        has(found["records"][0]["attributes"], "type", "url")
    with judge.call("query all"):
        equal(org.query_all("SELECT Id FROM Lead")["done"], True)
    with judge.call("update and delete"):
        equal(org.Lead.update(made["id"], {"City": "Porto"}), 204)
        equal(org.Lead.delete(made["id"]), 204)
    with judge.call("what does not exist"):
        try:
            org.Lead.get("00Q000000000999AAA")
        except SalesforceResourceNotFound as refusal:
            has(refusal.content[0], "errorCode", "message")
        else:
            raise AssertionError("somebody is there")


def collections(judge, org):
    records = [
        {"attributes": {"type": "Lead"}, KEY: "u2", "LastName": "Fey", "Company": "Fey AG"},
        {"attributes": {"type": "Lead"}, KEY: "u3", "LastName": "Kim", "Company": "Kim AG", "Email": "no"},
    ]
    with judge.call("upsert of a collection"):
        path = f"composite/sobjects/Lead/{KEY}"
        good, bad = org.restful(path, method="PATCH", json={"allOrNone": False, "records": records})
        equal((good["success"], good["created"], good["errors"], bad["success"]), (True, True, [], False))
        has(bad["errors"][0], "statusCode", "message", "fields")
    with judge.call("delete of a collection"):
        (gone,) = org.restful("composite/sobjects", method="DELETE", params={"ids": good["id"], "allOrNone": "false"})
        equal((gone["id"], gone["success"], gone["errors"]), (good["id"], True, []))


def bulk(judge, org):
    rows = [
        {KEY: "u4", "LastName": "Lee", "Company": "Lee AG", FIELD: "true"},
        {KEY: "u5", "LastName": "", "Company": "Noname AG", FIELD: "true"},
    ]
    with judge.call("bulk upsert"):
        (told,) = org.bulk2.Lead.upsert(records=rows, external_id_field=KEY, wait=0)
        equal((told["numberRecordsProcessed"], told["numberRecordsFailed"]), (2, 1))
    with judge.call("bulk job"):
        shown = org.bulk2.Lead._client.get_job(told["job_id"], False)
        has(shown, "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "apiVersion")
        has(shown, "externalIdFieldName", "concurrencyMode", "contentType", "jobType", "lineEnding", "columnDelimiter")
        has(shown, "retries", "totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime")
    with judge.call("bulk results"):
        got = org.bulk2.Lead.get_all_ingest_records(told["job_id"])
        equal([row["sf__Created"] for row in got["successfulRecords"]], ["true"])
        equal([row[KEY] for row in got["failedRecords"]], ["u5"])
        equal(got["unprocessedRecords"], [])
    with judge.call("bulk results, the spelling of the API guide"):
        path = f"jobs/ingest/{told['job_id']}/unprocessedrecords"
        text = org._call_salesforce("GET", org.base_url + path).text
        assert KEY in next(csv.reader([text])), text
