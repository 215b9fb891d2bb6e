"""What a check is handed: the target, the side to look at, and open ways to look, each made when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import httpx

from fixtures.clock import Clock, SystemClock
from fixtures.evidence import Missing
from fixtures.platforms.abilities import Pod, Workloads, able
from fixtures.platforms.alb import Listener
from fixtures.platforms.argo_cd import Switch
from fixtures.platforms.aws import Account, Aws
from fixtures.platforms.ecs import Ecs
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.probes import tls
from fixtures.probes.alertmanager import Alertmanager
from fixtures.probes.http import Entry, open_client
from fixtures.probes.loki import Loki
from fixtures.probes.prometheus import Prometheus
from fixtures.probes.sink import Sink
from fixtures.target.base import Side
from fixtures.target.environment import Credential, Environment, MissingCredential
from fixtures.target.model import Service, Target

T = TypeVar("T")


class Surroundings:
    """One side of a target in an environment. What is asked for and not stated raises Missing, which is UNKNOWN."""

    def __init__(
        self, target: Target, environment: Environment, side: Side, clock: Clock | None = None
    ) -> None:
        self.target = target
        self.environment = environment
        self.side = side
        self.clock = clock or SystemClock()
        self._open = ExitStack()
        self.doors: dict[Side, httpx.Client] = {}  # to the front door, as opened so far

    def close(self) -> None:
        self._open.close()

    @property
    def other_side(self) -> Side:
        return Side.GREEN if self.side is Side.BLUE else Side.BLUE

    @property
    def namespace(self) -> str:
        return self.environment.namespaces[self.side]

    # --- ways to look ------------------------------------------------------------------------------------------------
    @cached_property
    def platform(self) -> object:
        """Where the workloads run; ask `able` for what it can show."""
        match self.target.platform:
            case "kubernetes":
                kubeconfig = self.environment.kubeconfig
                file = Path(kubeconfig) if kubeconfig else None
                return self._keep(Kubernetes(file, self.environment.context))
            case "ecs":
                return self._keep(ecs_of(self.environment))
            case "compose":
                from fixtures.platforms.compose import Compose  # what few targets need

                return self._keep(Compose(self._stated(self.environment.engine, "engine")))

    @cached_property
    def aws(self) -> object:
        return Aws(account_of(self.environment))

    @cached_property
    def prometheus(self) -> Prometheus:
        return self._keep(Prometheus(self._stated(self.environment.prometheus, "prometheus")))

    @cached_property
    def alertmanager(self) -> Alertmanager:
        return self._keep(Alertmanager(self._stated(self.environment.alertmanager, "alertmanager")))

    @cached_property
    def sink(self) -> Sink:
        return self._keep(Sink(self._stated(self.environment.sink, "sink")))

    @cached_property
    def loki(self) -> Loki:
        return self._keep(Loki(self._stated(self.environment.loki, "loki"), self.ca))

    @property
    def http(self) -> httpx.Client:
        """The front door, led to our side."""
        return self.http_to(self.side)

    def http_to(self, side: Side) -> httpx.Client:
        if side not in self.doors:
            entry = Entry(self.entry, self.environment.route[side], self.ca, self.environment.host or "")
            self.doors[side] = self._open.enter_context(open_client(entry))
        return self.doors[side]

    @property
    def entry(self) -> str:
        return self._stated(self.environment.entry, "entry")

    @property
    def door(self) -> tls.Door:
        """Where users shake hands, and by which name."""
        return tls.Door.of(self.entry, self.environment.host or "", ca=self.ca)

    # --- what is there -----------------------------------------------------------------------------------------------
    def pods(self, service: Service) -> list[Pod]:
        """The pods that do the service's work on our side: those its workload selects. Raises Missing of none."""
        return self.pods_on(self.side, service)

    def pods_on(self, side: Side, service: Service) -> list[Pod]:
        platform, namespace = able(self.platform, Workloads), self.environment.namespaces[side]
        workload = next((one for one in platform.workloads(namespace) if one.name == service.name), None)
        if workload is None:
            raise Missing(f"{namespace} has no workload {service.name}")
        pods = platform.pods(namespace, workload.selector) if workload.selector else ()
        if not pods:
            raise Missing(f"no pod in {namespace} is of {service.name}: its selector matches none")
        return list(pods)

    def store(self, kind: str, side: Side) -> str:
        """The URL of a side's store, password and all: never to be shown."""
        sides = self._stated(getattr(self.environment.stores, kind), kind)
        return value_of(sides[side])

    def credential(self, name: str) -> str:
        """One of the environment's, by its name there: user, password, admin, admin_password, ..."""
        return value_of(self._stated(self.environment.credentials.get(name), f"credential {name}"))

    # -----------------------------------------------------------------------------------------------------------------
    @property
    def ca(self) -> Path | None:
        """An authority that the environment trusts besides the system's."""
        return Path(self.environment.ca) if self.environment.ca else None

    def _stated(self, value: T | None, what: str) -> T:
        return stated(self.environment, value, what)

    def _keep(self, way: T) -> T:
        close: Callable[[], object] = getattr(way, "close")  # noqa: B009
        self._open.callback(close)
        return way


# --- what an environment states, as it takes to get there ------------------------------------------------------------
def stated(environment: Environment, value: T | None, what: str) -> T:
    if value is None:
        raise Missing(f"environment {environment.name} states no {what}")
    return value


def value_of(credential: Credential) -> str:
    try:
        return credential.value()
    except MissingCredential as error:
        raise Missing(str(error)) from error


def account_of(environment: Environment) -> Account:
    aws = stated(environment, environment.aws, "aws")
    keys = (value_of(one) if one else None for one in (aws.access_key, aws.secret_key))
    return Account(aws.region, aws.endpoint, *keys)


def listener_of(environment: Environment) -> Listener:
    alb = stated(environment, environment.alb, "alb")
    return Listener(alb.balancer, alb.port, alb.groups.blue, alb.groups.green)


def switch_of(environment: Environment) -> Switch | None:
    """None where Argo CD moves nobody."""
    told = environment.delivery
    if told is None or told.routes is None:
        return None
    routes = told.routes
    shares = {revision: float(share.share) for revision, share in routes.revisions.items()}
    return Switch(told.namespace, routes.application, shares, routes.closed or "", routes.within.seconds)


def doors_of(environment: Environment) -> list[str]:
    """The listeners that lead to it."""
    return [listener_of(environment).ref.name] if environment.alb else []


def ecs_of(environment: Environment) -> Ecs:
    cluster = stated(environment, environment.cluster, "cluster")
    return Ecs(account_of(environment), cluster, doors_of(environment))
