"""Where an environment's faults are recorded and how they are reached: enough to heal them in another process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fixtures.evidence import Missing
from fixtures.ledger import Ledger
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target.base import Side
from fixtures.target.environment import Environment, MissingCredential
from scenarios.faults.acts import Hands
from scenarios.faults.stores import Stores

if TYPE_CHECKING:
    from fixtures.platforms.compose import Compose
    from fixtures.platforms.ecs import Ecs

ROOT = Path(__file__).resolve().parents[2]
LEDGERS = ROOT / ".verdigris" / "ledgers"


@dataclass(frozen=True)
class Place:
    folder: str  # the ledger's
    kubeconfig: str | None
    context: str | None
    stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    # account, cluster and doors, where it is no Kubernetes
    ecs: Mapping[str, Any] | None = field(default=None, repr=False)
    engine: str | None = None  # of containers

    @classmethod
    def of(cls, system: str, environment: Environment, lab: str = "") -> Self:
        """`lab`: the name of an embedded environment's lab: each has faults of its own."""
        name = "-".join(filter(None, (system, environment.name, lab if environment.embedded else "")))
        ecs = _ecs(environment) if environment.cluster else None
        way = (environment.kubeconfig, environment.context, _urls(environment), ecs, environment.engine)
        return cls(str(LEDGERS / name), *way)

    @property
    def ledger(self) -> Ledger:
        return Ledger(Path(self.folder))

    @contextmanager
    def opened(self) -> Iterator[Hands]:
        """Raises NoEvidence where the platform cannot even be addressed."""
        platform = self._platform()
        stores = Stores(self.stores)
        try:
            yield Hands(platform, stores.say, stores.hold)
        finally:
            stores.close()
            platform.close()

    def _platform(self) -> Kubernetes | Ecs | Compose:
        if self.engine is not None:
            from fixtures.platforms.compose import Compose  # as AWS's clients: for those who need it

            return Compose(self.engine)
        if self.ecs is not None:
            # Slow to load, and a watchdog of Kubernetes' need not wait for it.
            from fixtures.platforms.aws import Account
            from fixtures.platforms.ecs import Ecs

            return Ecs(Account(**self.ecs["account"]), self.ecs["cluster"], self.ecs["doors"])
        if not (self.kubeconfig or self.context):  # never whatever cluster is at hand
            raise Missing("the environment states no platform into which faults can be put")
        return Kubernetes(Path(self.kubeconfig) if self.kubeconfig else None, self.context)

    @property
    def text(self) -> str:
        """With the stores' passwords and AWS's keys: for a pipe, never for a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(**json.loads(text))


def _ecs(environment: Environment) -> dict[str, Any]:
    """Raises Missing."""
    from scenarios.surroundings import account_of, doors_of  # as slow

    account, doors = asdict(account_of(environment)), doors_of(environment)
    return {"account": account, "cluster": environment.cluster, "doors": doors}


def _urls(environment: Environment) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for store in ("database", "database_owner", "cache"):
        sides = getattr(environment.stores, store)
        for side in Side if sides else ():
            try:
                found.setdefault(store, {})[str(side)] = sides[side].value()
            except MissingCredential:
                continue  # a fault that needs it says so
    return found
