"""What the experiments of a stage share, because it takes long to come: users who do what users do, and those who ask
throughout. Who asks in the next experiment may begin while the one before is being healed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from fixtures.evidence import NoEvidence
from fixtures.target.experiment import Experiment
from scenarios.faults.crowd import Crowd
from scenarios.faults.onlookers import Onlookers
from scenarios.faults.watching import Audience, audience
from scenarios.release.probing import ProberFailed
from scenarios.surroundings import Surroundings


class Stage:
    def __init__(self, around: Surroundings) -> None:
        self._around, self._open = around, ExitStack()
        self._onlookers = self._open.enter_context(Onlookers())
        self.crowd = self._open.enter_context(Crowd(around))
        self._early: dict[Path, Audience] = {}
        self._preparing: threading.Thread | None = None

    def prepare(self, coming: Sequence[Experiment], folder: Path) -> None:
        """For a stage's experiments, whose folders are there: who asks in the first begins, and users who are to be
        counted set out for the first that wants them. Nobody waits for either."""
        if coming:
            self._preparing = threading.Thread(
                target=self.expect, args=(coming[0], folder / coming[0].name), daemon=True
            )
            self._preparing.start()
        if loads := [one.load.amount for one in coming if one.load]:
            self.crowd.set_out(loads[0])

    def _prepared(self) -> None:
        if self._preparing is not None:
            self._preparing.join()
            self._preparing = None

    def expect(self, experiment: Experiment, folder: Path) -> None:
        """Have those who ask in it begin now. Where they cannot yet, they begin with the experiment."""
        with suppress(NoEvidence, ProberFailed):
            self._early[folder] = audience(experiment, self._around, folder, self._onlookers)

    @contextmanager
    def audience(self, experiment: Experiment, folder: Path) -> Iterator[Audience]:
        """Raises Missing, and ProberFailed also at its end, where they did not ask for as long as they were to."""
        self._prepared()
        found = self._early.pop(folder, None) or audience(experiment, self._around, folder, self._onlookers)
        try:
            yield found
        finally:
            found.leave()

    def close(self) -> None:
        self._prepared()
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
