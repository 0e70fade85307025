"""What a retrain pull request must be before it may be merged, each demand as a gate.

The judge is main: its code, its policy, its champion. Nothing that the pull request says of itself
is believed where it can be worked out again. FAIL means that something does not fit and a person
must look; INCONCLUSIVE that the world has moved on or that something is still to come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.domain import Gate, Verdict
from pipeline.wording import counted

REPORTS = (".csv", ".html", ".json", ".md", ".png")  # as .github/workflows/retrain.yml takes them
_SHOWN = 4
_WORDS = ("it", "the")  # any other beginning is a name, which in capitals is another one


@dataclass(frozen=True)
class Files:
    """The MD5 (hex) of each file at three commits, for the paths that dvc.lock names.

    `base` is where the run's own commit left main: a file that differs from main but not from base
    shows that main has moved on, not that the branch was tampered with.
    """

    head: Mapping[str, str]
    base: Mapping[str, str]
    main: Mapping[str, str]


def assess_paths(
    changed: Iterable[str],
    model: str,
    *,
    package: str,
    links: Collection[str] = (),
    mixed: Collection[str] = (),
) -> Gate:
    """Only what a retrain makes may change: no code, no policy, no workflow, no champion.

    `package` is the folder of its evidence, `links` every path that is a link or a submodule, and
    `mixed` each at which a merge would put another file than the one that is judged.
    """
    strange = ((path, _why_strange(path, model, package, links)) for path in sorted(changed))
    return _gate(
        "files",
        "Only a retrain's own files change; code, policy and workflows never do.",
        faults=[f"{path} {why}" for path, why in strange if why]
        + [f"{path} would be merged with what main has there now" for path in sorted(mixed)],
        fine="Only the retrain's own files change.",
    )


def _why_strange(path: str, model: str, package: str, links: Collection[str]) -> str | None:
    """Why no retrain leaves `path`. Each file of the package is one that its manifest names.

    Below artifacts/ lies no file that git, DVC or Python takes for its own, such as .gitattributes.
    """
    if path in links:
        return "is a link or a submodule"
    if not is_of_retrain(path, model):
        return "changes too"
    if path.startswith("evidence/") and not path.startswith(f"{package}/"):
        return "is beside the evidence package"
    is_hidden = any(part.startswith(".") for part in path.split("/"))
    if path.startswith("artifacts/") and (is_hidden or not path.endswith(REPORTS)):
        return f"is none of {', '.join(REPORTS)}"
    return None


def is_of_retrain(path: str, model: str) -> bool:
    """Whether a retrain of `model` writes the file at `path`: what came of it, a rollout does."""
    own = ("dvc.lock", "params.yaml", f"rollouts/{model}/rollout.yaml")
    folders = ("artifacts/", f"evidence/protocol-24-retraining/{model}/")
    return path in own or (path.startswith(folders) and "/outcome/" not in path)


def assess_inputs(deps: Mapping[str, str], files: Files) -> tuple[Gate, ...]:
    """Code, policy and champion that the run used (`deps`: path to MD5) are those of main."""
    rules = {
        "code": "The run used the code that is on main.",
        "policy": "The run was judged by the policy that is on main.",
        "champion": "The run was compared with the champion that serves.",
    }
    found: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in rules}
    for path, md5 in sorted(deps.items()):
        strange, stale = found[_kind(path)]
        if md5 == files.main.get(path):
            continue
        is_past = md5 == files.base.get(path)
        (stale if is_past else strange).append(path)
    return tuple(
        _gate(
            name,
            rule,
            faults=[f"{path} was another one than main ever had" for path in found[name][0]],
            waits=[f"{path} has changed on main since: evaluate again" for path in found[name][1]],
            fine=_fits(sum(_kind(path) == name for path in deps)),
        )
        for name, rule in rules.items()
    )


def assess_outputs(
    outs: Mapping[str, str], conflicts: Sequence[str], head: Mapping[str, str]
) -> Gate:
    """The committed figures are those that dvc.lock recorded (`outs`: path to MD5)."""
    edited = [path for path, md5 in sorted(outs.items()) if head.get(path, md5) != md5]
    return _gate(
        "figures",
        "The committed figures are those that the run recorded in dvc.lock.",
        faults=[f"{path} was edited after the run" for path in edited]
        + [f"{path} has two digests in dvc.lock" for path in conflicts],
        fine=_fits(sum(path in head for path in outs)),
    )


def assess_parameters(
    recorded: Mapping[str, Any], head: Mapping[str, Any], main: Mapping[str, Any]
) -> Gate:
    """The run used params.yaml as it is at `head`, which differs from main's by `as_of` alone.

    `recorded` is dvc.lock's, by dotted name; `head` and `main` are the two files.
    """
    other = [name for name, value in sorted(recorded.items()) if _at(head, name) != value]
    ours, theirs = dict(_leaves(head)), dict(_leaves(main))
    names = sorted({*ours, *theirs} - {"collect.as_of"})
    return _gate(
        "parameters",
        "The run used main's parameters; only as_of moves on.",
        faults=[f"{name} was another one in the run" for name in other]
        + [f"{name} is not main's" for name in names if ours.get(name) != theirs.get(name)],
        fine="All parameters are main's.",
    )


def assess_evidence(faults: Sequence[str], digests: Mapping[str, str | None]) -> Gate:
    """The evidence package is whole, and is that of this commit and of this pull request.

    `digests` says what is found (`package`) and what is claimed elsewhere; all must be equal.
    """
    package = digests.get("package")
    elsewhere = [name for name, digest in sorted(digests.items()) if digest != package]
    return _gate(
        "evidence",
        "The evidence package is whole and belongs to this commit.",
        faults=[*faults, *(f"the {name} speaks of other evidence" for name in elsewhere)],
        fine="Every file has its digest, and the commit names the package.",
    )


def assess_age(as_of: datetime, now: datetime, max_age: timedelta) -> Gate:
    """The rows are not older than `max_age` (exactly that old is fine)."""
    age, limit = now - as_of, max_age / timedelta(days=1)
    old = f"{counted(max(age.days, 0), 'day')} old"
    return _gate(
        "age",
        f"The data is at most {limit:g} days old.",
        waits=[f"it is {old}: evaluate again"] if age > max_age else [],
        fine=f"It is {old}.",
    )


def is_stale(gates: Iterable[Gate]) -> bool:
    """Whether evaluating again is what helps: the world moved on, and nothing else is wrong."""
    gates = tuple(gates)
    moved = {"code", "policy", "champion", "age"}
    is_honest = all(gate.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE) for gate in gates)
    return is_honest and any(g.name in moved and g.verdict is not Verdict.PASS for g in gates)


def _fits(files: int) -> str:
    return f"The recorded digests fit: {counted(files, 'file')}."


def _at(values: Any, name: str) -> Any:
    """The value at a dotted name; None where it is absent."""
    for part in name.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _leaves(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each (dotted name, value) that is no mapping itself."""
    if not isinstance(values, Mapping):
        yield name, values
        return
    for key, value in values.items():
        yield from _leaves(value, f"{name}.{key}".lstrip("."))


def _kind(path: str) -> str:
    if path.startswith("rollouts/"):
        return "champion"
    return "policy" if path.startswith("configs/") else "code"


def _gate(
    name: str,
    rule: str,
    *,
    fine: str,
    faults: Sequence[str] = (),
    waits: Sequence[str] = (),
) -> Gate:
    if faults:
        return Gate(name, Verdict.FAIL, rule, _sentence(faults))
    if waits:
        return Gate(name, Verdict.INCONCLUSIVE, rule, _sentence(waits))
    return Gate(name, Verdict.PASS, rule, fine)


def _sentence(found: Sequence[str]) -> str:
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    text = "; ".join(found[:_SHOWN])
    is_word = text.partition(" ")[0] in _WORDS
    return f"{text[0].upper() + text[1:] if is_word else text}{more}."
