"""Experiments that a team has already, run as they are: objects of Chaos Mesh's or of Litmus's, one in a file."""

from __future__ import annotations

from pathlib import Path

import yaml

from fixtures.evidence import Missing, NoEvidence, Unsupported
from fixtures.platforms.abilities import Pod, Workloads, able
from fixtures.platforms.changes import Changes, CustomKinds, Json, Ref
from fixtures.target.faults import TeamsOwn
from scenarios.faults.acts import EXPIRY, Make, seconds_of
from scenarios.faults.conclusions import Conclusion
from scenarios.faults.measured import Measured
from scenarios.faults.radius import Forbidden, Plan
from scenarios.faults.registry import Declared, Right, puts_in

CHAOS_MESH = ("StressChaos", "PodChaos", "NetworkChaos", "HTTPChaos", "DNSChaos", "IOChaos", "TimeChaos")
LITMUS, RESULT = "ChaosEngine", "ChaosResult"
KINDS = (*CHAOS_MESH, LITMUS)
LASTS = "TOTAL_CHAOS_DURATION"  # in seconds, of each of Litmus's experiments
OF_NODES = "TARGET_NODE"
SETTLES_S = 120.0  # beside what its experiments last: to begin, and to see that all is well again


@puts_in(
    TeamsOwn,
    Declared(
        touches="what the file's object selects, in our side's namespace alone; an object without an end is refused."
        " A ChaosEngine leaves its ChaosResult, as Litmus has it",
        seen_by="the metric that is named, leaving its bound; or else pods of the service, gone or begun anew",
        heals="the object is removed, and seen to be gone; its controller undoes what it did before it lets it go",
        uses=(Changes, CustomKinds, Workloads),
        rights=(
            *(Right(kind, ("create", "delete")) for kind in KINDS),
            Right(RESULT, ("get",)),
        ),
        needs="Chaos Mesh or Litmus, and the metric's Prometheus where one is named",
    ),
)
class AsItIs(Measured[TeamsOwn]):
    over_s = 90.0

    def plan(self) -> Plan:
        self.remember()
        body = read(self.file)
        if not able(self.around.platform, CustomKinds).has_kind(body["kind"]):
            raise Unsupported(self.around.platform, f"{body['kind']}: what answers it is not installed")
        selector, where = must_stay_within(body, self.namespace), self.namespace
        felt_by = tuple(able(self.around.platform, Workloads).pods(where, selector))
        if body["spec"].get("mode") == "one":
            felt_by = felt_by[:1]
        ref = self._ref(body)
        return Plan((Make(ref, {"spec": body["spec"]}),), self.victims(felt_by), len(self.everyone()))

    def _ref(self, body: Json) -> Ref:
        return Ref(body["kind"], self.namespace, f"verdigris-{body['metadata']['name']}")

    # --- what it says of itself --------------------------------------------------------------------------------------
    @property
    def concludes_s(self) -> float:
        """Litmus's come to a verdict, each when it is over; Chaos Mesh's do harm, and leave judging to others."""
        body = read(self.file)
        if body["kind"] != LITMUS:
            return 0.0
        return SETTLES_S + sum(lasts_s(one) for one in body["spec"].get("experiments") or ())

    def conclusion(self) -> Conclusion | None:
        """By the engine, which is of this run alone; its result may be of runs before too, and says why."""
        ref = self._ref(read(self.file))
        status = (self.objects.read_object(ref) or {}).get("status") or {}
        shown = status.get("experiments") or []
        if status.get("engineStatus") != "completed" or not shown:
            return None
        verdicts = {one["name"]: str(one.get("verdict")) for one in shown}
        said = [f"{name}: {verdict}{self._why(ref, name, verdict)}" for name, verdict in verdicts.items()]
        return Conclusion(set(verdicts.values()) == {"Pass"}, "; ".join(said))

    def _why(self, engine: Ref, experiment: str, verdict: str) -> str:
        found = self.objects.read_object(Ref(RESULT, engine.namespace, f"{engine.name}-{experiment}")) or {}
        told = (found.get("status") or {}).get("experimentStatus") or {}
        if told.get("verdict") != verdict:
            return ""
        step, probes = str(told.get("failStep", "N/A")), told.get("probeSuccessPercentage")
        failed = "" if step in ("N/A", "") else f", failed at {step}"
        return f" (probes {probes}%{failed})" if probes is not None else failed

    # --- what is seen of it ------------------------------------------------------------------------------------------
    @property
    def file(self) -> Path:
        return self.around.target.beside(self.order.manifest)

    def effect(self) -> str:
        if self.order.felt:
            return super().effect()
        before = {pod.name: restarts(pod) for pod in self.before}
        now = {pod.name: restarts(pod) for pod in self.pods()}
        gone = [name for name in before if name not in now]
        again = [name for name in before if now.get(name, 0) > before[name]]
        said = {"gone": gone, "begun anew": again}
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)

    def is_over(self) -> bool:
        """Pods that are gone stay gone, and others are there for them."""
        try:
            return self.all_well() and (not self.order.felt or super().is_over())
        except NoEvidence:
            return False


def restarts(pod: Pod) -> int:
    return sum(one.restarts for one in pod.containers)


def read(file: Path) -> Json:
    """The one object of a team's file. Raises Missing."""
    try:
        found = [one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one]
    except (OSError, yaml.YAMLError) as error:
        raise Missing(f"{file.name} cannot be read: {error}") from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise Missing(f"{file.name} holds {len(found)} objects, not one: each is an experiment of its own")
    body: Json = found[0]
    named = isinstance(body.get("spec"), dict) and "name" in body.get("metadata", {})
    if body.get("kind") not in KINDS or not named:
        raise Missing(f"{file.name} is no named object of {', '.join(KINDS)}: it is a {body.get('kind')!r}")
    return body


def must_stay_within(body: Json, namespace: str) -> dict[str, str]:
    """The labels of whom it selects. Raises Forbidden where that could be anybody else, or would never end."""
    name, spec = str(body["metadata"]["name"]), body["spec"]
    if body["kind"] == LITMUS:
        return _of_litmus(name, spec, namespace)
    own = body["metadata"].get("namespace")
    labels = _of_selector(name, spec.get("selector") or {}, own, namespace)
    if "target" in spec:  # whom it is cut off from is harmed too
        _of_selector(f"{name}'s target", spec["target"].get("selector") or {}, own, namespace)
    if spec.get("action") != "pod-kill" and not seconds_of(str(spec.get(EXPIRY, ""))):
        raise Forbidden(f"{name} has no duration: nothing would end it, should we not")
    return labels


def _of_selector(name: str, selector: Json, own: str | None, namespace: str) -> dict[str, str]:
    spaces = selector.get("namespaces") or [own]
    if spaces != [namespace]:
        raise Forbidden(f"{name} selects in {spaces}, and not in {namespace} alone")
    labels = selector.get("labelSelectors")
    if not labels or selector.keys() - {"namespaces", "labelSelectors"}:
        raise Forbidden(f"{name} does not select by labels alone: whom it would hit cannot be counted")
    return {str(key): str(value) for key, value in labels.items()}


def _of_litmus(name: str, spec: Json, namespace: str) -> dict[str, str]:
    told = spec.get("appinfo") or {}
    if told.get("appns") != namespace:
        raise Forbidden(f"{name} selects in {[told.get('appns')]}, and not in {namespace} alone")
    key, _, value = str(told.get("applabel", "")).partition("=")
    if not key or not value or "," in value:
        raise Forbidden(f"{name} does not select by one label: whom it would hit cannot be counted")
    for one in spec.get("experiments") or ():
        said = {env["name"]: env.get("value") for env in _env(one)}
        if not lasts_s(one):
            raise Forbidden(f"{name}: {one.get('name')} has no {LASTS}: nothing would end it, should we not")
        if nodes := [word for word in said if word.startswith(OF_NODES)]:
            raise Forbidden(
                f"{name}: {one.get('name')} chooses nodes by {', '.join(nodes)}, which are everybody's"
            )
    return {key: value}


def lasts_s(experiment: Json) -> float:
    """0 where it does not say."""
    said = next((str(env.get("value", "")) for env in _env(experiment) if env["name"] == LASTS), "")
    return float(said) if said.isdigit() else 0.0


def _env(experiment: Json) -> list[Json]:
    found: list[Json] = ((experiment.get("spec") or {}).get("components") or {}).get("env") or []
    return found
