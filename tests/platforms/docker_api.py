"""As much of Docker's API as a Compose project is read and changed by, kept in memory and served on loopback: where no
engine can be had, Docker's own client speaks to it as it would to one."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
BACK = "shop_back"


def container(project: str, service: str, number: int) -> Json:
    name, ident = f"{project}-{service}-1", f"{number:064x}"
    labels = {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "verdigris.dev/chaos": "allowed",
    }
    address = {"IPAddress": f"10.9.2.{number}", "MacAddress": f"02:42:0a:09:02:{number:02x}"}
    return {
        "Id": ident,
        "Name": f"/{name}",
        "RestartCount": 0,
        "State": {"Status": "running", "Running": True, "Pid": 0, "ExitCode": 0},
        "Created": "2026-01-01T00:00:00Z",
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        "Config": {"Image": f"shop/{service}:v1", "Labels": labels, "ExposedPorts": {"8000/tcp": {}}},
        "Mounts": [],
        "NetworkSettings": {"Networks": {BACK: {**address, "Aliases": [service, ident[:12]]}}},
    }


class Machine:
    """What is there."""

    def __init__(self, *containers: Json) -> None:
        self.containers = {one["Id"]: one for one in containers}
        self.volumes: dict[str, Json] = {}
        project = containers[0]["Config"]["Labels"]["com.docker.compose.project"]
        self.labels = {"com.docker.compose.project": project, "com.docker.compose.network": "back"}

    def one(self, told: str) -> Json | None:
        return next((one for one in self.containers.values() if told in (one["Id"], one["Name"][1:])), None)

    def answer(self, method: str, path: str, query: Json, body: Json) -> tuple[int, Any]:
        for wanted, pattern, does in self.routes():
            if method == wanted and (found := re.fullmatch(pattern, path)):
                return does(*found.groups(), query, body)
        return 404, {"message": f"no {method} {path}"}

    def routes(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        return [
            ("GET", "/version", lambda *_: (200, {"ApiVersion": "1.41", "Version": "20"})),
            ("GET", "/containers/json", self._listed),
            ("GET", "/containers/([^/]+)/json", lambda told, *_: self._found(told)),
            ("POST", "/containers/([^/]+)/(start|stop|restart)", self._run),
            ("GET", "/networks", lambda *_: (200, [{"Name": BACK, "Id": BACK}])),
            ("GET", "/networks/([^/]+)", lambda *_: (200, {"Name": BACK, "Labels": self.labels})),
            ("POST", "/networks/([^/]+)/(connect|disconnect)", self._wire),
            ("GET", "/volumes", self._notes),
            ("POST", "/volumes/create", self._note),
            ("DELETE", "/volumes/([^/]+)", self._forget),
        ]

    def _found(self, told: str) -> tuple[int, Any]:
        one = self.one(told)
        return (200, one) if one else (404, {"message": f"no such container: {told}"})

    def _listed(self, query: Json, _: Json) -> tuple[int, Any]:
        wanted = json.loads(query.get("filters", "{}")).get("label", [])
        return 200, [
            {"Id": ident}
            for ident, one in self.containers.items()
            if all(_labelled(one["Config"]["Labels"], label) for label in wanted)
        ]

    def _run(self, told: str, what: str, *_: Json) -> tuple[int, Any]:
        one = self.one(told)
        assert one is not None
        runs = what != "stop"
        one["State"] = {"Status": "running" if runs else "exited", "Running": runs, "Pid": 0, "ExitCode": 0}
        return 204, None

    def _wire(self, net: str, what: str, _: Json, body: Json) -> tuple[int, Any]:
        one = self.one(body["Container"])
        assert one is not None
        networks = one["NetworkSettings"]["Networks"]
        if what == "disconnect":
            del networks[net]
            return 200, None
        told = body["EndpointConfig"]
        address = told.get("IPAMConfig", {}).get("IPv4Address", "")
        networks[net] = {
            "IPAddress": address,
            "MacAddress": told.get("MacAddress", ""),
            "Aliases": [*told.get("Aliases", ()), one["Id"][:12]],
        }
        return 200, None

    def _notes(self, query: Json, _: Json) -> tuple[int, Any]:
        wanted = json.loads(query.get("filters", "{}")).get("label", [])
        found = [
            one for one in self.volumes.values() if all(_labelled(one["Labels"], label) for label in wanted)
        ]
        return 200, {"Volumes": found}

    def _note(self, _: Json, body: Json) -> tuple[int, Any]:
        self.volumes[body["Name"]] = {"Name": body["Name"], "Labels": body["Labels"]}
        return 201, self.volumes[body["Name"]]

    def _forget(self, name: str, *_: Json) -> tuple[int, Any]:
        gone = self.volumes.pop(name, None)
        return (204, None) if gone else (404, {"message": f"no such volume: {name}"})


def _labelled(labels: Json, wanted: str) -> bool:
    key, is_valued, value = wanted.partition("=")
    return key in labels and (not is_valued or labels[key] == value)


@contextmanager
def served(machine: Machine) -> Iterator[str]:
    """Where it listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            told = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            query = {name: values[0] for name, values in parse_qs(told.query).items()}
            path = re.sub(r"^/v[0-9.]+", "", told.path)
            status, found = machine.answer(self.command, path, query, json.loads(sent or b"{}"))
            said = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815 - as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
