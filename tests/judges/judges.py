"""Lets the vendors' own clients judge the fakes. Called by `tests/judges/run`: judges.py SERVE [NODE]."""

import subprocess
import sys

import facebook_judge
import google_judge
import salesforce_judge
import sendgrid_judge
import zendesk_judge
from judge import Fakes

JUDGES = [facebook_judge, google_judge, salesforce_judge, sendgrid_judge, zendesk_judge]


def main(serve, node=None):
    with Fakes(serve) as fakes:
        found = 0
        for module in JUDGES:
            judge = module.judge(fakes)
            judge.report()
            found += len(judge.violations)
        if node:
            script = __file__.replace("judges.py", "iterable_judge.mjs")
            found += subprocess.run([node, script, fakes.urls["iterable-us"], fakes.secret("iterable.key")]).returncode
        else:
            print("@iterable/api: left out, there is no npm here")
        print("braze: left out, the vendor publishes no client of its REST API")
        return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
