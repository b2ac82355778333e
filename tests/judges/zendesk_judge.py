"""Zendesk, by `zenpy`: user fields, users one by one and many at once, their jobs, tags and identities."""

from zenpy import Zenpy
from zenpy.lib.api_objects import User
from zenpy.lib.exception import APIException

from judge import AUDIENCE, equal, has, session

LIBRARY = "zenpy"


def login(fakes):
    led = session(fakes.urls["zendesk-support"])
    token = fakes.secret("zendesk.token")
    return Zenpy(subdomain="enroute", email="agent@example.com", token=token, session=led, disable_cache=True)


def judge(judge, fakes):
    desk = login(fakes)
    with judge.call("who am I"):
        equal(desk.users.me().role, "admin")
    with judge.call("user fields"):
        fields = {field.key: field for field in desk.user_fields()}
        equal(fields[AUDIENCE].type, "checkbox")
        has(fields[AUDIENCE].to_dict(), "id", "title", "active", "position", "url", "created_at", "updated_at")
    with judge.call("create or update"):
        said = {"external_id": "u1", "name": "Ann Ott", "email": "ann@example.com", "skip_verify_email": True}
        ann = desk.users.create_or_update(User(**said, user_fields={AUDIENCE: True}))
        equal((ann.external_id, ann.user_fields[AUDIENCE], ann.role), ("u1", True, "end-user"))
        has(ann.to_dict(), "id", "url", "active", "created_at", "updated_at", "tags", "verified", "suspended")
        assert "skip_verify_email" not in ann.to_dict(), "what only a request says is in the answer"
    many(judge, desk)
    one(judge, desk)


def many(judge, desk):
    people = [User(external_id="u1", name="Ann Ott"), User(external_id="u2", name="Bo"), User(external_id="u3")]
    with judge.call("create or update many"):
        job = desk.users.create_or_update(people)
        has(job.to_dict(), "id", "url", "status", "total", "job_type")
    with judge.call("job status"):
        ended = desk.job_status(id=job.id)
        equal((ended.status, ended.total, ended.progress), ("completed", 3, 3))
        by_status = {result.status: result.to_dict() for result in ended.results}
        has(by_status["Created"], "id", "index")
        has(by_status["Updated"], "id", "action", "success")
        has(by_status["Failed"], "id", "error", "details")
    with judge.call("several job statuses"):
        equal([entry.id for entry in desk.job_status(ids=[job.id])["job_statuses"]], [job.id])


def one(judge, desk):
    with judge.call("show many by external id"):
        equal([user.external_id for user in desk.users(external_ids=["u1", "u2"])], ["u1", "u2"])
    with judge.call("search"):
        (ann,) = desk.users.search(external_id="u1")
        equal(ann.email, "ann@example.com")
    with judge.call("search by a query"):
        equal([user.email for user in desk.users.search(query="ann@example.com")], ["ann@example.com"])
    with judge.call("update"):
        ann.user_fields = {AUDIENCE: True}
        equal(desk.users.update(ann).user_fields[AUDIENCE], True)
    with judge.call("tags"):
        equal("vip" in desk.users.add_tags(ann.id, ["vip"]), True)
        desk.users.delete_tags(ann.id, ["vip"])
    with judge.call("identities"):
        (mail,) = desk.users.identities(ann.id)
        equal((mail.type, mail.value, mail.primary), ("email", "ann@example.com", True))
        has(mail.to_dict(), "id", "user_id", "verified", "url", "created_at", "updated_at")
    with judge.call("who is not there"):
        try:
            desk.users(id=1234567)
        except APIException as refusal:
            assert "RecordNotFound" in str(refusal) or refusal.response.status_code == 404, str(refusal)
        else:
            raise AssertionError("somebody is there")
