"""The pure parts of a kubelet: back-off, images, environment, volumes, logs, figures, phases."""

from __future__ import annotations

import base64
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from fixtures.lab.api import Object
from fixtures.lab.control.kubelet import environment, images, volumes
from fixtures.lab.control.kubelet.addresses import Addresses, NoAddressError
from fixtures.lab.control.kubelet.backoff import Crashes, wait_s
from fixtures.lab.control.kubelet.environment import ConfigError, Sources
from fixtures.lab.control.kubelet.figures import Figures, page, private_bytes
from fixtures.lab.control.kubelet.images import PullError
from fixtures.lab.control.kubelet.logs import LogFile, Wanted
from fixtures.lab.control.kubelet.probes import Streak, Timing, port_of, quick_retry_s
from fixtures.lab.control.kubelet.status import Seen, State, phase_of, restarts_after, running, waiting
from fixtures.lab.control.kubelet.volumes import MountError
from fixtures.lab.layout import Layout
from fixtures.lab.system import Image

NOW = datetime(2025, 5, 31, tzinfo=UTC)


# --- back-off and addresses --------------------------------------------------------------------------------------
def test_the_first_restart_is_at_once_then_it_doubles_to_five_minutes() -> None:
    crashes = Crashes(1.0)
    assert [crashes.ended(0) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert crashes.ended(601) == 0  # it ran for long enough to be forgiven


@given(st.integers(0, 10_000), st.floats(0.001, 1))
def test_no_wait_is_longer_than_the_labs_five_minutes(failures: int, factor: float) -> None:
    assert 0 <= wait_s(failures, factor) <= 300 * factor
    assert wait_s(failures + 1, factor) >= wait_s(failures, factor)


def test_an_address_given_back_comes_last(tmp_path: Path) -> None:
    addresses = Addresses(Layout(201, tmp_path), 1)
    first = addresses.take()
    addresses.give_back(first)
    others = [addresses.take() for _ in range(252)]
    assert first not in others
    assert addresses.take() == first
    with pytest.raises(NoAddressError):
        addresses.take()
    addresses.give_back(others[5])
    assert addresses.take(others[5]) == others[5]


# --- images ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        ("echo", "echo", "latest"),
        ("echo:1.0", "echo", "1.0"),
        ("registry:5000/team/echo", "registry:5000/team/echo", "latest"),
        ("registry:5000/team/echo:2", "registry:5000/team/echo", "2"),
        ("registry/echo:2@sha256:abc", "registry/echo", "2"),
    ],
)
def test_an_image_is_a_repository_and_a_tag(image: str, repository: str, tag: str) -> None:
    assert images.split(image) == (repository, tag)


def test_what_the_registry_lacks_is_named() -> None:
    known = {"r/echo": Image("m", 1, ("1",))}
    assert images.pull("r/echo:1", known).module == "m"
    with pytest.raises(PullError, match="tag 2 not found"):
        images.pull("r/echo:2", known)
    with pytest.raises(PullError, match="repository does not exist"):
        images.pull("r/other:1", known)
    assert images.listed(known) == [{"names": [images.identity("r/echo:1"), "r/echo:1"], "sizeBytes": 1}]


# --- environment -------------------------------------------------------------------------------------------------
def sources(
    config_maps: dict[str, Object] | None = None, secrets: dict[str, Object] | None = None
) -> Sources:
    pod = {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"app": "web"}},
        "spec": {"nodeName": "node-1"},
    }
    return Sources(pod, (config_maps or {}).get, (secrets or {}).get, "127.1.2.3", "127.1.2.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$(NONE)", "$(NONE)"),
        ("a$(A)b$(A)", "a1b1"),
        ("$A", "$A"),
        ("$", "$"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert environment.expand(text, {"A": "1"}) == expected


@given(st.text(alphabet="$()AB ", max_size=20))
def test_expansion_without_references_only_joins_dollars(text: str) -> None:
    assert environment.expand(text, {}).count("$") <= text.count("$")
    assert environment.expand(text.replace("$", ""), {}) == text.replace("$", "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['none']", ""),
        ("status.podIP", "127.1.2.3"),
        ("status.hostIP", "127.1.2.1"),
        ("spec.nodeName", "node-1"),
        ("spec.serviceAccountName", "default"),
    ],
)
def test_the_downward_api_tells_a_pod_of_itself(path: str, expected: str) -> None:
    assert environment.field(path, sources()) == expected


def test_later_variables_override_and_may_refer_to_earlier_ones() -> None:
    secret = {"data": {"A": base64.b64encode(b"from secret").decode()}}
    container = {
        "envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "gone", "optional": True}}],
        "env": [
            {"name": "B", "value": "<$(A)>"},
            {"name": "A", "value": "own"},
            {"name": "C", "value": "$(A)"},
            {"name": "D"},
            {"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        "resources": {"limits": {"memory": "1.5Gi"}},
    }
    expected = {"A": "own", "B": "<from secret>", "C": "own", "D": "", "M": "1536"}
    assert environment.resolve(container, sources(secrets={"s": secret})) == expected


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ({"secretKeyRef": {"name": "s", "key": "k"}}, 'secret "s" not found'),
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, "couldn't find key k in ConfigMap n/c"),
        ({"fieldRef": {"fieldPath": "spec.wrong"}}, "field path 'spec.wrong' is not supported"),
    ],
)
def test_what_is_missing_is_named_as_a_kubelet_names_it(origin: Object, message: str) -> None:
    container = {"env": [{"name": "X", "valueFrom": origin}]}
    with pytest.raises(ConfigError) as missing:
        environment.resolve(container, sources({"c": {"data": {}}}))
    assert str(missing.value) == message


# --- volumes -----------------------------------------------------------------------------------------------------
names = st.from_regex(r"[a-z][a-z0-9._-]{0,6}", fullmatch=True)
contents = st.dictionaries(names, st.binary(max_size=20), max_size=5)


@given(versions=st.lists(contents, min_size=1, max_size=4))
def test_a_volume_holds_exactly_the_latest_version(
    versions: list[dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("volume")
    for files in versions:
        volumes.write(folder, files)
        shown = {
            entry.name: entry.read_bytes() for entry in folder.iterdir() if not entry.name.startswith("..")
        }
        assert shown == files
        assert not volumes.write(folder, files)  # nothing to do
    assert len([entry for entry in folder.iterdir() if entry.name.startswith("..v")]) == 1


def test_a_reader_never_sees_half_a_version(tmp_path: Path) -> None:
    folder, torn, stop = tmp_path / "volume", [], threading.Event()
    volumes.write(folder, {"a": b"0", "b": b"0"})

    def read() -> None:
        while not stop.is_set():
            version = (folder / "..data").resolve()
            try:
                pair = {(version / name).read_bytes() for name in "ab"}
            except FileNotFoundError:  # that version was just taken away, whole
                continue
            if len(pair) > 1:
                torn.append(pair)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        volumes.write(folder, {"a": str(number).encode(), "b": str(number).encode()})
    stop.set()
    reader.join()
    assert not torn


def test_items_choose_and_place_keys() -> None:
    found = sources({"c": {"data": {"a": "1", "b": "2"}}})
    volume = {"name": "v", "configMap": {"name": "c", "items": [{"key": "a", "path": "deep/file"}]}}
    assert volumes.files_of(volume, found) == {"deep/file": b"1"}
    volume["configMap"]["items"] = [{"key": "none", "path": "x"}]  # type: ignore[index]
    with pytest.raises(MountError, match='volume "v" : c references non-existent key: none'):
        volumes.files_of(volume, found)


def test_volumes_the_lab_does_not_have_are_refused_by_kind() -> None:
    with pytest.raises(MountError, match="no volumes of kind hostPath"):
        volumes.files_of({"name": "v", "hostPath": {"path": "/"}}, sources())


def test_mounts_are_links_and_a_restart_starts_clean(tmp_path: Path) -> None:
    volumes.write(tmp_path / "volumes/c", {"key": b"1"})
    (tmp_path / "volumes/scratch").mkdir()
    mounts = [
        {"name": "c", "mountPath": "/etc/app"},
        {"name": "c", "mountPath": "/etc/one", "subPath": "key"},
        {"name": "scratch", "mountPath": "/var/tmp/"},
    ]
    root = tmp_path / "root"
    for _ in range(2):
        volumes.mount({"volumeMounts": mounts}, root, tmp_path / "volumes")
        assert (root / "etc/app/key").read_bytes() == (root / "etc/one").read_bytes() == b"1"
        assert not (root / "left").exists()
        (root / "left").touch()
        (root / "var/tmp/kept").touch()
    assert (tmp_path / "volumes/scratch/kept").exists()


# --- logs --------------------------------------------------------------------------------------------------------
def test_a_line_has_the_time_by_which_it_was_there(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log", [10.0, 20.0], [4, 8])
    log.path.write_text("one\ntwo\n")
    assert [log.time_of(offset) for offset in (0, 3, 4, 7)] == [10.0, 10.0, 20.0, 20.0]
    with log.path.open("rb") as file:
        assert log.read(file, Wanted(since=15.0)) == (b"two\n", 8)
        assert log.read(file, Wanted(since=5.0, timestamps=True))[0].splitlines() == [
            b"1970-01-01T00:00:10.000000Z one",
            b"1970-01-01T00:00:20.000000Z two",
        ]
        assert log.read(file, Wanted(), start=4) == (b"two\n", 8)


@given(st.lists(st.text(alphabet="ab", max_size=4), max_size=6), st.integers(0, 8))
def test_a_tail_is_the_last_lines(lines: list[str], count: int) -> None:
    with tempfile.NamedTemporaryFile("w") as written:
        written.write("".join(f"{line}\n" for line in lines))
        written.flush()
        log = LogFile(Path(written.name))
        with log.path.open("rb") as file:
            text, _ = log.read(file, Wanted(tail_lines=count))
    assert text.decode().splitlines() == (lines[-count:] if count else [])


# --- figures -----------------------------------------------------------------------------------------------------
@given(pod=st.text(min_size=1, max_size=10), cpu=st.floats(0, 1e6), memory=st.integers(0, 2**40))
def test_the_page_is_prometheus_text_and_says_what_was_measured(pod: str, cpu: float, memory: int) -> None:
    spec = {"resources": {"limits": {"cpu": "250m", "memory": "1Gi"}}}
    figures = Figures("n", pod, "main", "r/echo:1", cpu, memory, 12.5, spec)
    samples = {
        s.name: s for family in text_string_to_metric_families(page([figures])) for s in family.samples
    }
    labels = {"namespace": "n", "pod": pod, "container": "main", "image": "r/echo:1"}
    assert all(sample.labels == labels for sample in samples.values())
    assert samples["container_memory_usage_bytes"].value == memory
    assert samples["container_cpu_usage_seconds_total"].value == pytest.approx(cpu)
    assert samples["container_spec_memory_limit_bytes"].value == 2**30
    assert samples["container_spec_cpu_quota"].value == 25_000
    assert samples["container_spec_cpu_period"].value == 100_000


def test_without_limits_there_is_no_quota_and_the_memory_limit_is_zero() -> None:
    text = page([Figures("n", "p", "c", "i", 0, 0, 0, {})])
    assert "container_spec_cpu_quota{" not in text
    assert 'container_spec_memory_limit_bytes{namespace="n",pod="p",container="c",image="i"} 0\n' in text
    assert page([]).startswith("# TYPE")


def test_only_what_a_process_holds_for_itself_counts() -> None:
    rollup = "55d-7ff ---p 0 00:00 0 [rollup]\nRss: 9000 kB\nPrivate_Clean: 8 kB\nPrivate_Dirty: 100 kB\nSwap: 4 kB\n"
    assert private_bytes(rollup) == 112 * 1024


# --- probes and phases -------------------------------------------------------------------------------------------
def test_a_streak_turns_only_at_its_thresholds() -> None:
    streak = Streak(Timing(failures=3, successes=2))
    taken = [streak.take(ok) for ok in (True, True, False, False, True, False, False, False)]
    assert taken == [None, True, None, None, None, None, None, False]


@given(st.integers(0, 100), st.floats(0.1, 60))
def test_the_first_looks_are_quick_and_never_rarer_than_the_period(tries: int, period_s: float) -> None:
    assert 0 < quick_retry_s(tries, period_s) <= period_s


def test_a_port_may_be_named() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    assert port_of("http", container) == port_of(8080, container) == port_of("8080", container) == 8080
    with pytest.raises(OSError, match="no port named 'grpc'"):
        port_of("grpc", container)


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("Always", 0, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_the_policy_decides_on_restarts(policy: str, code: int, again: bool) -> None:
    assert restarts_after(policy, code) is again


def ended(code: int) -> State:
    return State("c", "i", now={"terminated": {"exitCode": code}}, over=True)


@pytest.mark.parametrize(
    ("init", "states", "phase"),
    [
        ([], [State("c", "i")], "Pending"),
        ([State("i", "i", now=running(NOW))], [State("c", "i")], "Pending"),
        ([ended(1)], [State("c", "i")], "Failed"),
        ([ended(0)], [State("c", "i", now=running(NOW))], "Running"),
        ([], [ended(0), ended(0)], "Succeeded"),
        ([], [ended(0), ended(2)], "Failed"),
        ([], [ended(0), State("c", "i", now=running(NOW))], "Running"),
        ([], [State("c", "i", now=waiting("CrashLoopBackOff"), last={"terminated": {}})], "Running"),
    ],
)
def test_phases(init: list[State], states: list[State], phase: str) -> None:
    assert phase_of(init, states) == phase


def test_conditions_keep_their_time_until_they_change() -> None:
    state = State("c", "i", now=running(NOW))
    seen = Seen([], [state], "127.1.2.3", "127.1.2.1", NOW)
    first = seen.status({}, NOW)
    later = datetime(2025, 6, 1, tzinfo=UTC)
    assert seen.status(first, later) == first
    state.ready = True
    times = {c["type"]: c["lastTransitionTime"] for c in seen.status(first, later)["conditions"]}
    assert times["Ready"] == "2025-06-01T00:00:00Z"
    assert times["Initialized"] == "2025-05-31T00:00:00Z"
    assert time.strptime(times["PodScheduled"], "%Y-%m-%dT%H:%M:%SZ")
