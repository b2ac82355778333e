"""Lets the vendors' own clients judge the fakes. Called by `tests/judges/run`: judges.py SERVE ITERABLE."""

import pathlib
import subprocess
import sys

import facebook_judge
import google_judge
import salesforce_judge
import sendgrid_judge
import zendesk_judge
from judge import Fakes, Judge

JUDGES = [facebook_judge, google_judge, salesforce_judge, sendgrid_judge, zendesk_judge]


def main(serve, iterable):
    found = 0
    with Fakes(serve) as fakes:
        for module in JUDGES:
            judge = Judge(module.LIBRARY)
            try:
                module.judge(judge, fakes)
            except Exception as error:  # noqa: BLE001 - what ends a judge early is a finding too
                judge.violations.append(f"ended early: {type(error).__name__}: {error}")
            judge.report()
            found += len(judge.violations)
        if pathlib.Path(iterable).exists():
            place = [fakes.urls["iterable-us"], fakes.secret("iterable.key")]
            found += subprocess.run(["node", iterable, *place]).returncode
        else:
            print("@iterable/api: left out, there is no npm here")
    print("Braze: left out, its vendor publishes no client of the REST API")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
