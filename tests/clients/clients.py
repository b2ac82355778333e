"""Starts the tracking API, lets each library talk to it, and compares who is there with what was said. Then it is killed
while batches come in: whoever was answered with 200 is there afterwards, once."""

import http.client
import json
import signal
import subprocess
import sys
import tempfile

EXPECTED = {
    "node-1": ({"plan": "gold", "seats": 1.5}, 3),
    "node-3": ({"plan": "trial"}, 1),
    "python-0": ({"plan": "gold", "seats": 2}, 2),
    "python-1": ({"plan": "gold", "seats": 2}, 2),
}
# Kills, batches that are answered before each, and calls of one batch.
KILLS, BATCHES, CALLS = 3, 40, 50


def start(host, folder):
    running = subprocess.Popen([host, folder], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return running, running.stderr.readline().strip()


def end(running):
    """Lets it come to its end, and returns who is there: traits and how many calls are kept, by id."""
    _, told = running.communicate(timeout=120)
    people = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    if running.returncode != 0:
        sys.exit(told)
    return {one["id"]: (one["traits"], one["events"]) for one in people}


def as_they_said(host, clients):
    with tempfile.TemporaryDirectory() as folder:
        running, address = start(host, folder)
        for command in clients:
            subprocess.run([*command, address], check=True, timeout=60)
        found = end(running)
    expected = EXPECTED if len(clients) == 2 else {id: one for id, one in EXPECTED.items() if id.startswith("python")}
    if found != expected:
        sys.exit(f"expected {expected}\nfound    {found}")
    print(f"{len(clients)} libraries, {len(found)} people: as they said")


def killed(host):
    taken, sent = set(), set()
    with tempfile.TemporaryDirectory() as folder:
        for kill in range(KILLS):
            running, address = start(host, folder)
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
            for batch in range(BATCHES + 1):
                people = [f"u{kill}-{batch}-{call}" for call in range(CALLS)]
                calls = [{"type": "track", "userId": id, "event": "Order", "messageId": id} for id in people]
                body = json.dumps({"batch": calls, "writeKey": "wk_example"})
                sent.update(people)
                connection.request("POST", "/v1/batch", body)
                if batch == BATCHES:
                    # Of this one nobody knows whether it was in time.
                    running.send_signal(signal.SIGKILL)
                    running.wait()
                    break
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    taken.update(people)
        found = end(start(host, folder)[0])
    lost, twice = taken - set(found), {id for id, (_, events) in found.items() if events != 1}
    if lost or twice or set(found) - sent or len(taken) != KILLS * BATCHES * CALLS:
        sys.exit(f"lost {len(lost)}, twice {len(twice)}, taken {len(taken)}, found {len(found)}")
    print(f"killed {KILLS} times: {len(taken)} calls were answered with 200, each is there once")


as_they_said(sys.argv[1], [command.split() for command in sys.argv[2:]])
killed(sys.argv[1])
