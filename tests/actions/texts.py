"""The texts of small workflows, for tests of the engine."""

import sys

START = "on: workflow_dispatch\npermissions: {}\njobs:\n"

# A step that asks the API for its run, and then opens an issue; it prints both statuses.
CALL = f"""|
          cat > call.py <<'END'
          import os, urllib.error, urllib.request
          base = os.environ["GITHUB_API_URL"] + "/repos/" + os.environ["GITHUB_REPOSITORY"]
          run = base + "/actions/runs/" + os.environ["GITHUB_RUN_ID"]
          for url, data in ((run, None), (base + "/issues", b'{{"title": "x"}}')):
              about = {{"Authorization": "Bearer " + os.environ["T"]}}
              about["Content-Type"] = "application/json"
              try:
                  with urllib.request.urlopen(urllib.request.Request(url, data, about)) as answer:
                      print(answer.status)
              except urllib.error.HTTPError as error:
                  print(error.code)
          END
          {sys.executable} call.py
        env: {{T: "${{{{ github.token }}}}"}}"""


def workflow(steps: str, permissions: str = "{contents: read}") -> str:
    """One job `a` of these steps, started by hand or by a push of the branch `new`."""
    indented = "".join(f"      {line}\n" for line in steps.strip("\n").splitlines())
    on = "on: {push: {branches: [new]}, workflow_dispatch: }\n"
    job = f"    runs-on: ubuntu-latest\n    permissions: {permissions}\n    steps:\n"
    return f"{on}jobs:\n  a:\n{job}{indented}"


def job(name: str, keys: list[str], *steps: str) -> str:
    """One job: its further keys, and its steps, each on a line of YAML."""
    lines = [f"  {name}:", "    runs-on: ubuntu-latest", *(f"    {key}" for key in keys)]
    return "\n".join([*lines, "    steps:", *(f"      - {step}" for step in steps), ""])
