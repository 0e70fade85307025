"""The worst of sites: every part is there, names are long, and what others wrote is hostile."""

from __future__ import annotations

from dataclasses import replace

from pipeline.core.site.facts import ModelHistory
from pipeline.core.site.pages import Source, render_site
from pipeline.core.triggers.ledger import Ledger, RetrainState
from scripts.build_dashboard import load_templates
from tests.core import site_histories as made
from tests.core.site_histories import BEGAN, evidence, history, merged, reign
from tests.rollouts import DAY, HOUR, START, champion_of, spec_of, tick

EVIL = (
    "</style></title><script>alert(1)</script><img src=//evil.test/x onerror=alert(2)>" + "W" * 90
)
SOURCE = Source("ab" * 20, "cd" * 20, "https://forge.example/flights")


def busy() -> ModelHistory:
    """A challenger promoted, one failed, one at 5 %, years of retrains, and hostile words."""
    world = made.promoted_world()
    champion = champion_of("c").model_copy(update={"reason": EVIL, "approved_by": EVIL[:300]})
    specs = [spec_of("c"), spec_of("d", "c"), spec_of("e", "c")]
    world.champion = world.alias = champion.digest
    world.spec = specs[1]
    tick(world, START + DAY)
    found = made.samples(specs[1], START + DAY + HOUR, made.BAD)
    tick(world, START + DAY + HOUR, found)
    world.spec = specs[2]
    tick(world, START + 2 * DAY)
    moments = [BEGAN + i * DAY for i in range(55)]
    retrains = tuple(made.retrain(i, at, RetrainState.LOST) for i, at in enumerate(moments, 1))
    events = tuple(replace(made.event(at), reason=EVIL) for at in moments)
    return history(
        world,
        reigns=(reign(), reign(None, BEGAN + DAY), reign("a", BEGAN + 9 * DAY),
                replace(reign("c", START + 3 * HOUR), champion=champion)),
        merged=tuple(
            replace(merged(spec, START + i * DAY, evidence(0.02 * i)), subject=f"x (#{i})")
            for i, spec in enumerate(specs)
        ),
        ledger=Ledger(events, retrains),
    )  # fmt: skip


def worst_site() -> dict[str, str]:
    """A page for all models, of a faulty one, of an empty one and of the busy one."""
    broken = ModelHistory("a-model-of-" + "long" * 13, faults=(EVIL,))
    empty = ModelHistory("empty")
    return render_site((broken, empty, busy()), START + 2 * DAY + HOUR, SOURCE, load_templates())
