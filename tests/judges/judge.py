"""What every judge has in common: what a call is, how the fakes are started, and where the clients are led.

A judge is a vendor's own client. It makes the calls that the plugin of that vendor makes too, against the fake. A
violation is what the client cannot read, what it raises, or what its own models say is wrong.
"""

import pathlib
import subprocess
import tempfile
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

AUDIENCE = "gold_customers"


class Judge:
    """A vendor's library, the calls that were tried with it, and what it found wrong."""

    def __init__(self, library):
        self.library = library
        self.tried = 0
        self.violations = []

    @contextmanager
    def call(self, name):
        """One call: whatever is raised in the block is a violation of it, and the next call is tried all the same."""
        self.tried += 1
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a client may raise anything, and each is a finding
            self.violations.append(f"{name}: {type(error).__name__}: {error}")

    def report(self):
        print(f"{self.library}: {self.tried} calls tried, {len(self.violations)} violations", flush=True)
        for violation in self.violations:
            print(f"  {violation}", flush=True)


class Fakes:
    """The fakes of `cargo run -p enroute-fakes --example serve`, while the block runs."""

    def __init__(self, serve):
        self.serve = serve

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        command = [self.serve, self.folder.name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lines = [self.process.stdout.readline().split() for _ in range(7)]
        self.urls = dict(lines)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()

    def secret(self, file):
        return pathlib.Path(self.folder.name, file).read_text()


class Loopback(HTTPAdapter):
    """Leads every request to a fake over plain HTTP, whatever host its client meant."""

    def __init__(self, url):
        super().__init__()
        self.place = urlsplit(url)

    def send(self, request, **options):
        meant, led = urlsplit(request.url), request.copy()
        led.url = urlunsplit((self.place.scheme, self.place.netloc, meant.path, meant.query, ""))
        answer = super().send(led, **options)
        # A client tells answers apart by the address that it meant.
        answer.request, answer.url = request, request.url
        return answer


def session(url):
    """A session whose requests all go to the fake at this address."""
    led = requests.Session()
    led.mount("https://", Loopback(url))
    return led


def has(answer, *keys):
    """Fails unless an answer has all these keys."""
    missing = [key for key in keys if key not in answer]
    assert not missing, f"no {', '.join(missing)} in {answer}"


def equal(found, expected):
    """Fails unless both are the same."""
    assert found == expected, f"{found!r} instead of {expected!r}"
