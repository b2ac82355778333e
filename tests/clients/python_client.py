"""Segment's library for Python, as published, at the address that is named, plain and packed with gzip."""

import sys

from segment.analytics.client import Client

failed = []
for packed in (False, True):
    client = Client(
        "wk_example",
        host=sys.argv[1],
        gzip=packed,
        on_error=lambda error, items: failed.append(error),
    )
    who = f"python-{int(packed)}"
    client.identify(who, {"plan": "gold", "seats": 2})
    client.track(who, "Order Completed", {"total": 42.5})
    client.page(who, "Docs", "Python")
    client.shutdown()
for error in failed:
    print(error, file=sys.stderr)
sys.exit(len(failed))
