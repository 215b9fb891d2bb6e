"""Faults of pods, and of what makes them."""

from __future__ import annotations

from fixtures.platforms.abilities import Pod
from fixtures.platforms.changes import Json, Ref
from fixtures.target.faults import AllPodsKilled, BadImage, CrashLoop, PodKill, ScaleToZero, SecretMissing
from scenarios.faults.acts import Act, Edit, Remove
from scenarios.faults.radius import Forbidden, Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

NOWHERE = "verdigris-none-such"
CONTAINER = ("spec", "template", "spec", "containers", 0)


@puts_in(
    PodKill,
    Declared(
        touches="one ready pod of the service, deleted at once, by its uid",
        seen_by="the pod is gone from the platform's list, or was begun again",
        heals="its owner makes another, or its policy begins it again; a pod that nobody owns is refused",
        rights=(Right("Pod", ("delete",)),),
    ),
)
class KilledPod(OfService[PodKill | AllPodsKilled]):
    def plan(self) -> Plan:
        pods = self.remember()
        chosen = self.chosen(pods)
        acts: list[Act] = []
        for pod in chosen:
            ref = Ref("Pod", pod.namespace, pod.name)
            found = self.objects.read_object(ref)
            if found is None:
                continue
            if not found["metadata"].get("ownerReferences"):
                raise Forbidden(f"{ref} is owned by nobody: nothing would bring it back")
            acts.append(Remove(ref, found["metadata"]["uid"]))
        return Plan(tuple(acts), self.victims(chosen), len(pods))

    def chosen(self, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
        return tuple(sorted((pod for pod in pods if pod.ready), key=lambda pod: pod.name)[:1])

    def effect(self) -> str:
        left = {pod.name: pod.restarts for pod in self.pods() if not pod.is_over}
        gone = [pod.name for pod in self.chosen(self.before) if left.get(pod.name) != pod.restarts]
        return f"gone: {', '.join(gone)}" if len(gone) == len(self.chosen(self.before)) else ""


@puts_in(
    AllPodsKilled,
    Declared(
        touches="every pod of the service, deleted at once, by their uids",
        seen_by="all of them are gone from the platform's list, or were begun again",
        heals="their owner makes others, or their policy begins them again; a pod that nobody owns is refused",
        rights=(Right("Pod", ("delete",)),),
    ),
)
class KilledPods(KilledPod):
    def chosen(self, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
        return pods


@puts_in(
    ScaleToZero,
    Declared(
        touches="replicas of the service's deployment",
        seen_by="the platform lists no pod of it that runs",
        heals="the replicas that it had",
        rights=(Right("Deployment", ("update",)),),
    ),
)
class Scaled(OfService[ScaleToZero]):
    def plan(self) -> Plan:
        pods = self.remember()
        edit = Edit.plan("Deployment", self.deployment(), (("spec", "replicas"), 0))
        return Plan((edit,), self.victims(pods), len(pods))

    def effect(self) -> str:
        runs = [pod for pod in self.pods() if not pod.is_over]
        return "" if runs else f"no pod of {self.order.service} is left"


class RolledOut(OfService[CrashLoop | BadImage | SecretMissing]):
    """A change of the pods' template. The old pods go on where the roll-out waits for the new ones."""

    def plan(self) -> Plan:
        pods, deployment = self.remember(), self.deployment()
        edit = Edit.plan("Deployment", deployment, *self.changes(deployment))
        return Plan((edit,), self.victims(pods)[:1], len(pods))

    def changes(self, deployment: Json, /) -> list[tuple[tuple[str | int, ...], object]]:
        raise NotImplementedError

    def unwell(self, *words: str) -> str:
        """A pod of the service whose container is in a state of one of those words."""
        for pod in self.pods():
            for container in pod.containers:
                if any(word in container.state for word in words):
                    return f"{pod.name}: {container.state}"
        return ""


@puts_in(
    CrashLoop,
    Declared(
        touches="the liveness probe in the service's deployment, which then asks for a path that is not there",
        seen_by="containers that were started again, or wait to be",
        heals="the probe that it had",
        rights=(Right("Deployment", ("update",)),),
        needs="a liveness probe by HTTP",
    ),
)
class Crashing(RolledOut):
    def changes(self, _: Json, /) -> list[tuple[tuple[str | int, ...], object]]:
        probe = (*CONTAINER, "livenessProbe")
        return [
            ((*probe, "httpGet", "path"), f"/{NOWHERE}"),
            ((*probe, "periodSeconds"), 1),
            ((*probe, "failureThreshold"), 1),
        ]

    def effect(self) -> str:
        for pod in self.pods():
            if pod.name not in self.victims(self.before) and any(one.restarts for one in pod.containers):
                return f"{pod.name} was started again"
        return self.unwell("CrashLoopBackOff")


@puts_in(
    BadImage,
    Declared(
        touches="the image's tag in the service's deployment",
        seen_by="a pod that waits for an image which cannot be pulled",
        heals="the image that it had",
        rights=(Right("Deployment", ("update",)),),
    ),
)
class Unbuilt(RolledOut):
    def changes(self, deployment: Json, /) -> list[tuple[tuple[str | int, ...], object]]:
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        return [((*CONTAINER, "image"), f"{image.rpartition(':')[0]}:{NOWHERE}")]

    def effect(self) -> str:
        return self.unwell("ErrImagePull", "ImagePullBackOff", "InvalidImageName")


@puts_in(
    SecretMissing,
    Declared(
        touches="the names of the secrets in the service's deployment: one more is asked for, which does not exist",
        seen_by="a pod that cannot be started for want of it",
        heals="the names that it had; no secret is read, changed or removed",
        rights=(Right("Deployment", ("update",)),),
    ),
)
class Unsecret(RolledOut):
    def changes(self, deployment: Json, /) -> list[tuple[tuple[str | int, ...], object]]:
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        sources = [*(container.get("envFrom") or ()), {"secretRef": {"name": NOWHERE}}]
        return [((*CONTAINER, "envFrom"), sources)]

    def effect(self) -> str:
        return self.unwell("CreateContainerConfigError")
