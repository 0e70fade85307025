"""Push the pipeline's outputs (data and package) to the DVC remote, where a rollout finds them.

Prints its plan; --apply pushes. Safe to repeat: what is there already is not sent again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.adapters.store import push_outputs, tracked_md5
from pipeline.errors import exit_code_of
from pipeline.options import new_parser
from pipeline.paths import PACKAGE


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and push."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--apply", action="store_true", help="push")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: push(Path.cwd(), is_applied=arguments.apply))


def push(root: Path, *, is_applied: bool) -> int:
    """Print what would be pushed and, if `is_applied`, push it. Returns 0."""
    print(
        f"DVC remote: push every output of dvc.lock, with the package {tracked_md5(root, PACKAGE)}"
    )
    if not is_applied:
        print("Nothing was pushed. --apply does it.")
        return 0
    push_outputs(root)
    print("Pushed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
