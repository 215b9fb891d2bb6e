"""The engine against a real server: what is sent is what is counted, and a run that went wrong says so.

The machine may be busy, so only counts and order are asserted; lateness is the validity tests' business.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.load.arrivals import constant
from scenarios.load.engine import CannotStart, Means, Progress, run_load, traffic
from scenarios.load.plan import Closed, Model, Open, Plan
from scenarios.load.processes import Local
from tests.load.conftest import Server

LOCUSTFILE = "tests/load/locustfile.py"
SIDES = {"blue": {}, "green": {"canary": "true"}}
TIMING = {"late", "busy", "offered"}  # what a busy machine alone can bring about


def plan(server: Server, model: Model, **more: object) -> Plan:
    return Plan(**{"host": server.url, "model": model, "locustfile": LOCUSTFILE, **more})  # type: ignore[arg-type]


def test_an_open_run_takes_turns_between_sides_and_counts_what_the_server_counts(server: Server) -> None:
    seen: list[Progress] = []
    model = Open(constant(100, 2.4), sessions=6)
    run = run_load(plan(server, model, sides=SIDES), Means(Local(2), counter=server, on_progress=seen.append))
    assert set(run.validity.reasons) <= TIMING
    assert run.samples.count == 240
    assert run.samples.failed == 0
    for endpoint in ("GET /work/read", "POST /work/write"):
        blue, green = (run.samples.of(endpoint, side).count for side in SIDES)
        assert abs(blue - green) <= 2  # the same mix on both, whatever the mix is
    assert run.samples.served() == {"blue": 120, "green": 120}
    assert sum(one.requests for one in run.samples.seconds()) == 240
    assert seen
    assert seen[-1].done <= 240
    assert seen[0].left_s > seen[-1].left_s


def test_a_step_of_the_scenarios_own_belongs_to_the_side_that_it_was_asked_of(server: Server) -> None:
    model = Open(constant(50, 1), sessions=2)
    run = run_load(plan(server, model, locustfile="tests/load/steps.py", sides=SIDES), Means(counter=server))
    steps = [run.samples.of("STEP /whole", side).count for side in SIDES]
    assert steps == [run.samples.of("GET /work/read", side).count for side in SIDES] == [25, 25]
    assert run.samples.requests_only().count == 50


def test_a_plan_may_have_a_mix_of_its_own(server: Server) -> None:
    model = Open(constant(50, 1), sessions=2)
    run = run_load(plan(server, model, mix={"read": 20, "write": 80}), Means(counter=server))
    assert [run.samples.of(name).count for name in ("GET /work/read", "POST /work/write")] == [10, 40]
    with pytest.raises(CannotStart, match="Reader of the locustfile has no task look"):
        run_load(plan(server, model, mix={"look": 1}))


def test_closed_users_wait_for_their_answers(server: Server) -> None:
    server.behave(latency_s=0.1)
    run = run_load(plan(server, Closed(users=4, duration_s=2)), Means(counter=server))
    assert set(run.validity.reasons) <= TIMING
    assert run.validity.offered_share is None
    assert 10 < run.samples.count <= 4 * 20  # 0.1 s an answer, and some thought in between
    assert run.generators[0].unfinished == 0


@pytest.mark.parametrize("model", [Closed(users=4, duration_s=1), Open(constant(20, 1), sessions=2)])
def test_users_of_either_model_trust_the_authority_that_they_are_told(
    secured: tuple[Server, Path], model: Model
) -> None:
    server, ca = secured
    run = run_load(plan(server, model, ca=str(ca)))
    assert run.samples.count > 5
    assert (run.samples.failed, run.generators[0].unfinished) == (0, 0)


def test_a_slow_answer_counts_from_the_moment_it_was_due(server: Server) -> None:
    """One connection at a time: who comes while it is taken waits, and that wait is the service's."""
    server.behave(latency_s=0.2)
    run = run_load(plan(server, Open(constant(20, 1), in_flight=500), drain_s=20))
    assert run.samples.count == 20
    p50 = run.samples.quantile(0.5)
    assert p50 is not None
    assert p50 >= 0.2


def test_errors_are_kept_as_errors(server: Server) -> None:
    server.behave(fail_every=10)
    run = run_load(plan(server, Open(constant(100, 1))), Means(counter=server))
    assert run.samples.failed == run.samples.errors == 10
    assert run.samples.answered == 100
    assert sum(seen for seen, _, why in run.causes() if why == "status 500") == 10
    assert "counted" not in run.validity.reasons


def test_what_finds_no_room_is_a_failure_and_never_an_answer(server: Server) -> None:
    server.behave(latency_s=1.0)
    run = run_load(plan(server, Open(constant(50, 1), in_flight=10)), Means(counter=server))
    assert run.samples.dropped >= 30
    assert run.samples.failed == run.samples.dropped
    assert run.samples.count == 50
    assert "counted" not in run.validity.reasons


def test_a_stall_at_the_very_end_is_waited_for_and_seen(server: Server) -> None:
    with traffic(plan(server, Open(constant(50, 2))), Means()) as load:
        load.run_for(1.5)
        os.kill(server.process.pid, signal.SIGSTOP)
        load.run_for(1.5)  # the last request was due half a second before
        os.kill(server.process.pid, signal.SIGCONT)
        run = load.finish()
    assert run.samples.count == 100
    assert run.samples.slower(400_000) >= 20
    assert "in flight" not in run.validity.reasons


def test_requests_that_never_end_make_the_run_invalid(server: Server) -> None:
    server.behave(latency_s=10)
    run = run_load(plan(server, Open(constant(10, 1)), drain_s=1.0), Means())
    assert "in flight" in run.validity.reasons
    assert run.samples.silent == 10


def test_a_killed_generator_makes_the_run_invalid(server: Server) -> None:
    with traffic(plan(server, Open(constant(40, 3))), Means(Local(2))) as load:
        load.run_for(1)
        os.kill(load.pids[0], signal.SIGKILL)
        run = load.finish()
    assert "lost" in run.validity.reasons
    assert "1 of 2" in str(run.validity)


def test_a_stopped_generator_is_late_and_the_service_is_not_blamed(server: Server) -> None:
    with traffic(plan(server, Open(constant(50, 3))), Means()) as load:
        load.run_for(1)
        os.kill(load.pids[0], signal.SIGSTOP)
        load.run_for(1)
        os.kill(load.pids[0], signal.SIGCONT)
        run = load.finish()
    assert "late" in run.validity.reasons


def test_samples_fall_into_the_phases_in_which_they_were_due(server: Server) -> None:
    with traffic(plan(server, Open(constant(50, 60))), Means()) as load:
        load.run_for(1)
        load.phase("during")
        server.behave(latency_s=0.3)
        load.run_for(1)
        load.phase("after")
        server.behave(latency_s=0.0)
        load.run_for(1)
        load.stop()
        run = load.finish()
    assert [one.name for one in run.phases] == ["before", "during", "after"]
    counts = [run.during(one.name).count for one in run.phases]
    assert sum(counts) == run.samples.count
    assert all(30 < count < 80 for count in counts)
    assert run.during("during").slower(250_000) > 20
    with pytest.raises(KeyError, match="no phase 'later'"):
        run.during("later")
    with pytest.raises(ValueError, match="begun before"):
        load.phase("during")


def test_counts_that_differ_from_the_servers_make_the_run_invalid(server: Server) -> None:
    with traffic(plan(server, Open(constant(20, 1.5))), Means(counter=server)) as load:
        subprocess.run(
            [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{server.url}/work/x')"],
            check=True,
        )
        run = load.finish()
    assert "the clients sent 30 requests, and the server counted 31" in run.validity.reasons["counted"]


@pytest.mark.parametrize(
    ("locustfile", "expected"),
    [
        ("from locust import FastHttpUser\n", "must define FastHttpUsers"),
        ("import nothing_of_that_name\n", "nothing_of_that_name"),
        (
            "from locust import FastHttpUser, task\nclass U(FastHttpUser):\n"
            "    def on_start(self): raise ValueError('wrong password')\n    @task\n    def t(self): pass\n",
            "wrong password",
        ),
    ],
    ids=["no users", "an import that fails", "nobody can log in"],
)
def test_generators_that_cannot_begin_say_why(
    server: Server, tmp_path: Path, locustfile: str, expected: str
) -> None:
    path = tmp_path / "locustfile.py"
    path.write_text(locustfile)
    with pytest.raises(CannotStart, match=expected):
        run_load(plan(server, Open(constant(10, 1), sessions=2), locustfile=str(path)))


def test_a_scenario_that_raises_leaves_a_failure_and_not_a_gap(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "locustfile.py"
    path.write_text(
        "from locust import FastHttpUser, task\nclass U(FastHttpUser):\n"
        "    @task\n    def t(self):\n        self.client.get('/work/a')\n        raise KeyError('token')\n"
    )
    run = run_load(
        plan(server, Open(constant(20, 1), sessions=2), locustfile=str(path)), Means(counter=server)
    )
    assert run.samples.of("GET /work/a").failed == 0
    assert run.samples.of("task t").count == run.samples.failed == 20
    assert "counted" not in run.validity.reasons


def test_the_importing_process_stays_free_of_gevent() -> None:
    modules = "scenarios.load.engine, scenarios.load.measure, scenarios.load.document, fixtures.load_options"
    code = f"import sys, {modules}; assert not {{'gevent', 'locust'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
