"""Drives the pages by forms alone, and checks what they answer and what stands in the two files afterwards."""
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

ENROUTE = pathlib.Path(sys.argv[1]).resolve()
EVIL = "Ana<script>alert(1)</script>"


class Browser:
    """One browser: a cookie, and the token of its forms."""

    def __init__(self, at):
        self.at, self.cookie, self.csrf = at, "", ""

    def ask(self, path, form=None, origin=None):
        link = http.client.HTTPConnection(self.at, timeout=60)
        headers, body = {"Cookie": self.cookie}, None
        if form is not None:
            body = urllib.parse.urlencode([("csrf", self.csrf), *form])
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = origin or f"http://{self.at}"
        link.request("GET" if form is None else "POST", path, body, headers)
        answer = link.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self.cookie = cookie.split(";")[0]
        if found := re.search('name="csrf" value="([0-9a-f]+)"', text):
            self.csrf = found.group(1)
        assert answer.status < 500, (path, answer.status, text)
        assert "default-src 'none'" in answer.getheader("content-security-policy", ""), path
        assert "<script>alert" not in text, f"{path}: markup of a trait is markup of the page"
        return answer.status, text, answer.getheader("location")

    def save(self, form):
        """Reviews and saves; returns where it leads."""
        status, text, _ = self.ask("/change", form)
        assert status == 200, text
        base = re.search('name="base" value="([^"]+)"', text).group(1)
        status, text, place = self.ask("/change", [*form, ("base", base), ("step", "save")])
        assert status == 303, re.sub("<[^>]+>", " ", text)
        return place


def walk(browser, folder, token):
    assert browser.ask("/")[0] == 303
    assert browser.ask("/login", [("token", "wrong"), ("to", "/")])[0] == 401
    assert browser.ask("/login", [("token", token), ("to", "/")])[0] == 303
    for page in ["/", "/audiences", "/audiences/new", "/destinations", "/destinations/new", "/activity", "/people",
                 "/activity/waiting", "/activity/refused", "/sources", "/traits", "/plugins", "/config", "/access"]:
        assert browser.ask(page)[0] == 200, page
    rows = [("view", "rows"), ("is_new", "1"), ("name", "VIP buyers"), ("audience", "vip_buyers"), ("mode", "all"),
            ("what", "traits.plan"), ("op_", "is"), ("value", "gold"), ("group", "")]
    count = json.loads(browser.ask("/audiences/count", rows)[1])
    assert count["count"] == "60", count
    audience = [*rows, ("do", "audience")]
    assert browser.ask("/change", audience, origin="http://evil.example")[0] == 403
    assert browser.save(audience) == "/audiences/vip_buyers"
    _, text, _ = browser.ask("/destinations/new?plugin=facebook")
    digest = re.search('component_digest" value="([^"]+)"', text).group(1)
    browser.save([("do", "destination"), ("is_new", "1"), ("plugin", "facebook"), ("destination", "facebook-ads"),
                  ("component_file", "plugins/facebook.wasm"), ("component_digest", digest),
                  ("hosts", "graph.facebook.com"), ("set.audience_id", "23848494844100489"),
                  ("secret.access_token", "${file:facebook.token}")])
    form = [("do", "connect"), ("audience", "vip_buyers"), ("destination", "facebook-ads"), ("enabled", "false"),
            ("setup", "customized"), ("ids", "plugin"), ("identify", "true")]
    ticks = [("op", "add"), *(("tick", name) for name in ["email", "birthday", "firstName"])]
    _, text, _ = browser.ask("/audiences/vip_buyers/connect?to=facebook-ads", [*form, *ticks])
    assert re.findall('name="field" value="([^"]*)"', text) == ["EMAIL", "DOBD", "FN"], text
    form += [("trait", "email"), ("field", "EMAIL"), ("trait", "birthday"), ("field", "DOBD")]
    assert browser.ask("/change", [*form, ("base", "0"), ("step", "save")])[0] == 409
    assert browser.save(form) == "/audiences/vip_buyers/to/facebook-ads"
    person = browser.ask("/people", [("kind", "id"), ("value", "u-0001")])[2]
    assert "u-0001" not in person
    assert "p1@example.com" not in browser.ask(person)[1]
    assert "p1@example.com" in browser.ask(person, [])[1]
    written = (folder / "audiences.toml").read_text()
    assert written.startswith("# people\n[source.crm]") and "enabled = false" in written, written
    # Who has to log in again loses nothing of a form.
    browser.cookie = ""
    status, text, _ = browser.ask("/change", audience)
    draft = re.search('name="draft" value="([^"]+)"', text).group(1)
    assert status == 401
    assert "VIP buyers" in browser.ask("/login", [("token", token), ("draft", draft)])[1]


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "plugins").mkdir()
    shutil.copy("target/plugins/facebook.wasm", folder / "plugins")
    (folder / "facebook.token").write_text("opens-nothing\n")
    (folder / "plugins.toml").write_text("# ours\n")
    (folder / "audiences.toml").write_text('# people\n[source.crm]\nfile = "profiles.ndjson"\n')
    person = lambda n: {"id": f"u-{n:04}", "traits": {"email": f"p{n}@example.com", "firstName": EVIL,
                        "plan": "gold" if n % 2 else "silver", "birthday": "1990-01-02"}}
    (folder / "profiles.ndjson").write_text("".join(json.dumps(person(n)) + "\n" for n in range(1, 121)))
    run = lambda *words: subprocess.run([ENROUTE, "-C", folder, *words], check=True, capture_output=True, text=True)
    run("import")
    token = run("token", "new", "ann", "--role", "admin").stdout.split()[-1]
    host = subprocess.Popen([ENROUTE, "--json", "-C", folder, "serve", "--listen", "127.0.0.1:0"],
                            stdout=subprocess.PIPE, text=True)
    try:
        told = ""
        while not told.rstrip().endswith("}"):
            told += host.stdout.readline()
        walk(Browser(json.loads(told)["address"].split("//")[1]), folder, token)
    finally:
        host.terminate()
        host.wait()
        shutil.rmtree(folder)


main()
