"""What runs is what was built: images' repositories, tags and sizes (from the nodes that pulled them)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from fixtures.evidence import NoEvidence
from fixtures.platforms.abilities import Nodes, Pod, able
from fixtures.target.base import Side
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
    """Every pod of a service runs that service's repository, with a tag of the promised form, and all the same one.

    Green that runs what blue runs is fine in itself, and whatever is then found of it says nothing of a new version.
    """
    tally = Tally("pods")
    same: dict[str, bool | None] = {}  # by service, whether it runs what it runs on the other side
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
        same[service.name] = _runs_the_others(around, service, tags, tally) if pods else None
    if check.differs_from_blue and around.side is Side.GREEN:
        _new(tally, same, every=check.differs_from_blue == "all")
    return tally.measurement()


def _new(tally: Tally, same: Mapping[str, bool | None], *, every: bool) -> None:
    """Whether green runs another version than blue: every service, or at least one."""
    if not every and False in same.values():
        return
    for name, is_blues in same.items():
        if is_blues:
            tally.breaks(name, "runs blue's version: nothing new is proven")
        elif is_blues is None:
            tally.unseen(f"whether {name} runs another version than blue is not known")


def _runs_the_others(around: Surroundings, service: Service, tags: list[str], tally: Tally) -> bool | None:
    """Whether a version of ours is the other side's too, None where that is not known; both are noted, for people."""
    ours, other = ", ".join(tags) or "(none)", around.other_side
    try:
        theirs = sorted({tag for pod in around.pods_on(other, service) for tag in _tags(pod, service.image)})
    except NoEvidence as error:
        what = f"{service.name}: {around.side} runs {ours}; what {other} runs is not known"
        tally.note(Evidence(what, str(error)))
        return None
    if theirs == tags:
        tally.note(Evidence(f"{service.name}: {around.side} and {other} run the same version, {ours}", ""))
    else:
        there = ", ".join(theirs) or "(none)"
        tally.note(Evidence(f"{service.name}: {around.side} runs {ours}, {other} {there}", ""))
    return bool(set(tags) & set(theirs))


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
