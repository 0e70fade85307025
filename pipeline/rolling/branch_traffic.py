"""The traffic of a cluster: rendered files on a branch of their own, which Argo CD or Flux applies.

They are not on main: each stage rewrites the same file, so the revert of an earlier stage would
conflict there. On this branch nobody reverts; a revert on main is what changes the weights here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.plumbing import Git
from pipeline.adapters.traffic.rendered import Cluster, Kind, Rendered
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.errors import OutsideError
from pipeline.rolling.latch import Decided, Latch, check_decision
from pipeline.rolling.names import Names
from pipeline.rolling.repository import ATTEMPTS, RolloutRepository
from pipeline.rolling.snapshot import FOLDER
from pipeline.rolling.traffic import Seen
from pipeline.serving_config import ClusterSettings

KINDS = {
    "gateway-api": Kind.HTTP_ROUTE,
    "istio": Kind.VIRTUAL_SERVICE,
    "kserve": Kind.INFERENCE_SERVICE,
}
_WAIT_SECONDS = 0.1


class BranchTraffic:
    """The file of one model on the branch of `settings`; the latch is committed beside it."""

    def __init__(
        self,
        repository: RolloutRepository,
        kind: Kind,
        settings: ClusterSettings,
        names: Names,
        clock: Callable[[], datetime],
    ) -> None:
        self._git: Git
        self._branch: Branch
        self._git, self._branch = repository.beside(settings.branch)
        self._kind = kind
        self._cluster = Cluster(model=names.model, **settings.model_dump(exclude={"branch"}))
        self._names = names
        self._clock = clock

    def observe(self) -> Seen:
        """See RolloutTraffic. Before the first rollout there is no file: the champion serves."""
        try:
            with self._files(self._branch.tip()) as folder:
                beside = self._latch(folder).load()
                provider = self._provider(folder)
                if not provider.path.is_file():
                    return Seen(Routing(self._names.champion), stop=beside.stop)
                routing = self._names.routing(provider.observe())
                return Seen(routing, beside.routed_since, beside.stop)
        except OutsideError as error:
            return Seen(None, reason=str(error))

    def apply(self, routing: Routing, stop: Stop | None, *, decided: Decided, salt: str) -> None:
        """See RolloutTraffic. One commit on the branch, by compare-and-swap."""
        weights = self._names.weights(routing, salt)
        for lost in range(ATTEMPTS):
            tip = self._branch.tip()
            with self._files(tip) as folder:
                latch, provider = self._latch(folder), self._provider(folder)
                beside = latch.load()
                if stop is None:
                    check_decision(self._names.versions, beside, routing, decided)
                before = provider.path.read_bytes() if provider.path.is_file() else b""
                is_change = before != provider.render(weights).encode()
                if not is_change and beside.stop == stop:
                    return
                since = self._clock() if is_change else beside.routed_since
                provider.apply(weights)
                sequence = max(beside.sequence, decided.sequence)
                latch.save(replace(beside, routed_since=since, stop=stop, sequence=sequence))
                if self._swap(tip, folder, routing):
                    return
            time.sleep(random.uniform(0, _WAIT_SECONDS * 2 ** min(lost, 5)))  # noqa: S311 (jitter)
        raise OutsideError(f"{self._names.model}: others came first {ATTEMPTS} times. Run again.")

    def follow_addresses(self) -> str:
        """Nothing to do here: what a Service's name leads to is the cluster's to know."""
        return ""

    def _swap(self, tip: str | None, folder: Path, routing: Routing) -> bool:
        place = f"{FOLDER}/{self._names.model}/traffic"
        blobs: dict[str, str | None] = {
            f"{place}/{path.name}": self._git.write_blob(path.read_bytes())
            for path in (folder / place).iterdir()
            if path.suffix == ".yaml"
        }
        tree = self._git.write_tree(tip, blobs)
        share = f"{routing.challenger_percent:g} %"
        message = f"{self._names.model}: the challenger gets {share}\n"
        commit = self._git.write_commit(tree, [tip] if tip else [], message)
        return self._branch.swap(tip, commit)

    @contextmanager
    def _files(self, tip: str | None) -> Iterator[Path]:
        """The branch's files of this model, in a folder that is gone afterwards."""
        place = f"{FOLDER}/{self._names.model}/traffic"
        with TemporaryDirectory(prefix="perennial-traffic-") as folder:
            (Path(folder) / place).mkdir(parents=True)
            for name in (f"{self._kind}.yaml", "perennial.yaml"):
                content = self._git.file_at(tip, f"{place}/{name}") if tip is not None else None
                if content is not None:
                    (Path(folder) / place / name).write_bytes(content)
            yield Path(folder)

    def _provider(self, folder: Path) -> Rendered:
        return Rendered(folder, self._kind, self._cluster)

    def _latch(self, folder: Path) -> Latch:
        return Latch(folder / FOLDER / self._names.model / "traffic")
