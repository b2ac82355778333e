"""Starts a host as a service manager does, sends it events, has the maker of Prometheus' own parser read its metrics, and
stops it: over TLS too, with a certificate that is replaced meanwhile."""

import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

from prometheus_client.openmetrics.parser import text_string_to_metric_families

AUDIENCES = """
[source.app]
holds = "events"
listen = true
key = "${file:app.key}"

[trait.orders]
compute = "count"
event = "Order"
"""
WANTED = ["enroute_build", "enroute_config_in_force", "enroute_ingest_requests", "enroute_store_commit_seconds",
          "enroute_http_requests", "process_cpu_seconds", "process_resident_memory_bytes"]


def start(host, folder, *more):
    """The host, its address, and the socket that it says READY=1 to."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = os.path.join(folder, "notify.sock")
    pathlib.Path(path).unlink(missing_ok=True)
    told.bind(path)
    told.settimeout(60)
    command = [host, "-C", folder, "--json", "serve", "--listen", "127.0.0.1:0", *more]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NOTIFY_SOCKET": path})
    until(told, "READY=1")
    text = ""
    while True:
        text += running.stdout.readline()
        try:
            return running, json.loads(text)["address"].split("//")[1], told
        except json.JSONDecodeError:
            continue


def until(told, word):
    while word not in told.recv(4096).decode().splitlines():
        pass


def stop(running, told):
    running.send_signal(signal.SIGTERM)
    until(told, "STOPPING=1")
    if running.wait(timeout=60) != 0:
        sys.exit(f"it ended with {running.returncode}")


def scraped(connection):
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    kind = answer.getheader("content-type")
    if not kind.startswith("application/openmetrics-text"):
        sys.exit(f"metrics came as {kind}")
    return {family.name: family for family in text_string_to_metric_families(answer.read().decode())}


def value(families, name, **labels):
    samples = families[name].samples if name in families else []
    found = [one.value for one in samples if all(one.labels.get(key) == value for key, value in labels.items())]
    return sum(found)


def metrics(host, folder):
    running, address, told = start(host, folder)
    connection = http.client.HTTPConnection(address, timeout=60)
    calls = [{"type": "track", "userId": f"u{call}", "event": "Order", "messageId": f"m{call}"} for call in range(50)]
    connection.request("POST", "/v1/batch", json.dumps({"batch": calls, "writeKey": "wk_example"}))
    if connection.getresponse().read() != b'{"success":true}':
        sys.exit("the batch was not taken")
    families = scraped(connection)
    while value(families, "enroute_ingest_calls", source="app", type="track", outcome="kept") != 50:
        families = scraped(connection)
    missing = [name for name in WANTED if name not in families]
    if missing:
        sys.exit(f"{missing} are not told; there are {sorted(families)}")
    stop(running, told)
    print(f"metrics: {len(families)} families were read by another maker's parser")


def certificate(folder, name):
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
               "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-subj", f"/CN={name}",
               "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return pathlib.Path(folder, "cert.pem").read_text()


def shown(address):
    return ssl.get_server_certificate(tuple(address.split(":"))).strip()


def tls(host, folder):
    first = certificate(folder, "first")
    running, address, told = start(host, folder, "--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem")
    trusting = ssl.create_default_context(cadata=first)
    connection = http.client.HTTPSConnection("localhost", int(address.split(":")[1]), timeout=60, context=trusting)
    connection.request("GET", "/ready")
    if connection.getresponse().status != 200:
        sys.exit("it is not ready over TLS")
    second = certificate(folder, "second").strip()
    while shown(address) != second:
        pass
    stop(running, told)
    print("tls: the certificate was replaced while it ran")


with tempfile.TemporaryDirectory() as folder:
    for name, text in [("plugins.toml", ""), ("audiences.toml", AUDIENCES), ("app.key", "wk_example")]:
        pathlib.Path(folder, name).write_text(text)
    metrics(sys.argv[1], folder)
    tls(sys.argv[1], folder)
