"""The three quality gates of a retrain: the protocol's checkboxes, each worked out from evidence.

An item says what it asks (`rule`), what it found (`reason`) and where to look (`evidence`). What
waits for people, or for a later step, is INCONCLUSIVE: it never passes by being forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pipeline.core.quality.facts import Facts, Missing
from pipeline.domain import Verdict, worst


@dataclass(frozen=True)
class Answer:
    """What an item found. `waits`: for people, or for a step that comes later.

    `is_elsewhere`: the evidence is not kept in git and not in this checkout.
    """

    verdict: Verdict
    reason: str
    waits: bool = False
    is_elsewhere: bool = False


@dataclass(frozen=True)
class Ask:
    """One item before it is answered. `answer` may raise: what breaks is an ERROR."""

    name: str
    title: str
    rule: str
    evidence: tuple[str, ...]
    answer: Callable[[Facts], Answer]


@dataclass(frozen=True)
class Item:
    """One item, answered. One that is not required does not count towards its gate."""

    name: str
    title: str
    verdict: Verdict
    rule: str
    reason: str
    evidence: tuple[str, ...] = ()
    is_required: bool = True
    waits: bool = False
    is_elsewhere: bool = False


@dataclass(frozen=True)
class QualityGate:
    """A gate of the protocol."""

    name: str
    title: str
    items: tuple[Item, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the required items; ERROR where none is required: nothing was checked."""
        return worst(item.verdict for item in self.items if item.is_required)


@dataclass(frozen=True)
class Assessment:
    """All gates of one retrain; `version` is None where no package names one."""

    model: str
    version: str | None
    gates: tuple[QualityGate, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """The items of all gates."""
        return tuple(item for gate in self.gates for item in gate.items)

    @property
    def verdict(self) -> Verdict:
        """The worst gate."""
        return worst(gate.verdict for gate in self.gates)


def passes(reason: str) -> Answer:
    """It is shown."""
    return Answer(Verdict.PASS, reason)


def fails(reason: str) -> Answer:
    """It is shown not to be so."""
    return Answer(Verdict.FAIL, reason)


def unclear(reason: str) -> Answer:
    """There is too little evidence either way."""
    return Answer(Verdict.INCONCLUSIVE, reason)


def waits(reason: str) -> Answer:
    """People, or a later step, have the word."""
    return Answer(Verdict.INCONCLUSIVE, reason, waits=True)


def elsewhere(reason: str) -> Answer:
    """The evidence was never in git, and is not in this checkout."""
    return Answer(Verdict.INCONCLUSIVE, reason, is_elsewhere=True)


def fails_if(faults: Iterable[str], fine: str) -> Answer:
    """FAIL with all `faults` in one sentence, PASS with `fine` where there are none."""
    found = list(faults)
    if not found:
        return passes(fine)
    text = "; ".join(found)
    return fails(f"{text[:1].upper()}{text[1:]}.")


def assess(ask: Ask, facts: Facts, *, is_required: bool) -> Item:
    """`ask` answered: a missing document is FAIL, and whatever breaks is ERROR, never a PASS."""
    try:
        answer = ask.answer(facts)
    except Missing as missing:
        answer = fails(f"{missing} is missing: run the pipeline to its end.")
    except Exception as error:  # noqa: BLE001 (whatever broke, a broken check must be a verdict)
        reason = f"The check itself broke: {type(error).__name__}: {error}."
        answer = Answer(Verdict.ERROR, reason)
    return Item(
        name=ask.name,
        title=ask.title,
        verdict=answer.verdict,
        rule=ask.rule,
        reason=answer.reason,
        evidence=ask.evidence,
        is_required=is_required,
        waits=answer.waits,
        is_elsewhere=answer.is_elsewhere,
    )


def with_recorded(found: Assessment, recorded: Assessment | None) -> Assessment:
    """`found`, where an item whose evidence is elsewhere keeps what the run itself `recorded`.

    Only a record of the same model and version counts.
    """
    if recorded is None or (recorded.model, recorded.version) != (found.model, found.version):
        return found
    known = {item.name: item for item in recorded.items}

    def settled(item: Item) -> Item:
        was = known.get(item.name)
        if not item.is_elsewhere or was is None or was.is_elsewhere:
            return item
        return replace(item, verdict=was.verdict, reason=_as_recorded(was), is_elsewhere=False)

    gates = (replace(gate, items=tuple(map(settled, gate.items))) for gate in found.gates)
    return replace(found, gates=tuple(gates))


def _as_recorded(item: Item) -> str:
    """Said once, however often it is carried on."""
    told = " (as the run recorded it)"
    return item.reason if item.reason.endswith(told) else f"{item.reason}{told}"


def what_is_open(assessment: Assessment, *, is_final: bool) -> tuple[Item, ...]:
    """The required items that say no: FAIL and ERROR; before a merge (`is_final`) all but PASS."""

    def says_no(item: Item) -> bool:
        if item.verdict is Verdict.INCONCLUSIVE:
            return is_final
        return item.verdict is not Verdict.PASS

    return tuple(item for item in assessment.items if item.is_required and says_no(item))
