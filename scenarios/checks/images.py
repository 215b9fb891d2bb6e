"""What runs is what was built: images' repositories, tags and sizes (from the nodes that pulled them)."""

from __future__ import annotations

import re
from typing import NamedTuple

from fixtures.evidence import NoEvidence
from fixtures.platforms.abilities import Nodes, Pod, able
from fixtures.target.checks import ImagesSized, ImagesTagged
from fixtures.target.model import Service
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


class Image(NamedTuple):
    """An image's name taken apart: [registry/path/]repository[:tag][@digest]."""

    repository: str  # the last part of the path
    tag: str  # "" where none is named: that means latest
    digest: str


def parse(reference: str) -> Image:
    name, _, digest = reference.partition("@")
    last = name.rpartition("/")[2]
    repository, _, tag = last.partition(":")
    return Image(repository, tag, digest)


@measures(ImagesTagged)
def images_tagged(check: ImagesTagged, around: Surroundings) -> Measurement:
    """Every pod of a service runs that service's repository, with a tag of the promised form, and all the same one."""
    tally = Tally("pods")
    for service in around.target.services:
        pods = _pods(around, service, tally)
        for pod in pods:
            tally.saw(pod.name)
            images = [parse(one) for one in pod.images]
            ours = next((one for one in images if one.repository == service.image), None)
            if ours is None:
                tally.breaks(pod.name, f"runs {', '.join(pod.images)}, not {service.image}")
            elif not re.fullmatch(check.pattern, ours.tag):
                tally.breaks(
                    pod.name,
                    f"tag {ours.tag or '(none)'!r} of {service.image} is not of form {check.pattern}",
                )
        tags = sorted({tag for pod in pods for tag in _tags(pod, service.image)})
        if len(tags) > 1:
            tally.breaks(service.name, f"runs {len(tags)} versions at once: {', '.join(tags)}")
        if pods:
            tally.note(_beside_the_other(around, service, tags))
    return tally.measurement()


def _beside_the_other(around: Surroundings, service: Service, tags: list[str]) -> Evidence:
    """What the other side runs: nobody's fault, as after a release both may run the same, but a person should see."""
    ours, other = ", ".join(tags) or "(none)", around.other_side
    try:
        theirs = sorted({tag for pod in around.pods_on(other, service) for tag in _tags(pod, service.image)})
    except NoEvidence as error:
        return Evidence(
            f"{service.name}: {around.side} runs {ours}; what {other} runs is not known", str(error)
        )
    if theirs == tags:
        return Evidence(f"{service.name}: {around.side} and {other} run the same version, {ours}", "")
    return Evidence(f"{service.name}: {around.side} runs {ours}, {other} {', '.join(theirs) or '(none)'}", "")


@measures(ImagesSized)
def images_sized(check: ImagesSized, around: Surroundings) -> Measurement:
    """As the nodes report the images that they hold."""
    tally = Tally("images")
    held: dict[str, int] = {}
    for node in able(around.platform, Nodes).nodes():
        for name, held_bytes in node.images.items():
            held[name] = max(held_bytes, held.get(name, 0))  # nodes may disagree until each has looked again
    running = {
        image
        for service in around.target.services
        for pod in _pods(around, service, tally)
        for image in pod.images
    }
    for image in sorted(running):
        size = held.get(image)
        if size is None:
            tally.unseen(f"no node says how big {image} is")
            continue
        tally.saw(image)
        tally.note(Evidence(f"{image}: {size / 1e6:.0f} MB", ""))
        if size >= check.below.amount:
            tally.breaks(image, f"{size / 1e9:.2f} GB, where less than {check.below} is promised")
    return tally.measurement()


def _pods(around: Surroundings, service: Service, tally: Tally) -> list[Pod]:
    """A service's pods; one that has none is not examined, and the tally knows."""
    with tally.looking():
        return around.pods(service)
    return []


def _tags(pod: Pod, repository: str) -> list[str]:
    return [image.tag for image in map(parse, pod.images) if image.repository == repository]
