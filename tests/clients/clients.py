"""Starts the tracking API, lets each library talk to it, and compares who is there with what was said."""

import json
import subprocess
import sys
import tempfile

EXPECTED = {
    "node-1": ({"plan": "gold", "seats": 1.5}, 3),
    "node-3": ({"plan": "trial"}, 1),
    "python-0": ({"plan": "gold", "seats": 2}, 2),
    "python-1": ({"plan": "gold", "seats": 2}, 2),
}


def main():
    host, clients = sys.argv[1], [command.split() for command in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen([host, folder], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        address = running.stderr.readline().strip()
        for command in clients:
            subprocess.run([*command, address], check=True, timeout=60)
        _, told = running.communicate(timeout=60)
    people = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    found = {one["id"]: (one["traits"], one["events"]) for one in people}
    expected = EXPECTED if len(clients) == 2 else {id: one for id, one in EXPECTED.items() if id.startswith("python")}
    if running.returncode != 0 or found != expected:
        sys.exit(f"expected {expected}\nfound    {found}\n{told}")
    print(f"{len(clients)} libraries, {len(found)} people: as they said")


main()
