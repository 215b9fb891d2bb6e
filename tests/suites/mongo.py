"""As much of MongoDB's wire protocol as its client needs to read a collection's options and indexes."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bson

from tests.suites.servers import address

Json = dict[str, Any]
OP_REPLY, OP_MSG = 1, 2013
HELLO: Json = {
    "ok": 1.0, "isWritablePrimary": True, "ismaster": True, "helloOk": True, "maxWireVersion": 21, "minWireVersion": 0,
    "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
}  # fmt: skip


@contextmanager
def mongodb(answers: Mapping[str, Json]) -> Iterator[str]:
    """Its address. What it answers to each command, by the command's name; others are refused as MongoDB would."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(header := self.rfile.read(16)) == 16:
                length, request, _, kind = struct.unpack("<4i", header)
                body = self.rfile.read(length - 16)
                # The client's first question comes in the old form, and is answered in it.
                modern = kind == OP_MSG
                command = bson.decode(body[5:] if modern else body[body.index(b"\0", 4) + 9 :])
                before = struct.pack("<ib", 0, 0) if modern else struct.pack("<iqii", 0, 0, 0, 1)
                answer = before + bson.encode(reply(next(iter(command))))
                sort = OP_MSG if modern else OP_REPLY
                self.wfile.write(struct.pack("<4i", len(answer) + 16, 0, request, sort) + answer)

    def reply(command: str) -> Json:
        if command.lower() in ("hello", "ismaster"):
            return HELLO
        refused = {
            "ok": 0.0,
            "code": 59,
            "codeName": "CommandNotFound",
            "errmsg": f"no such command: {command}",
        }
        return dict(answers.get(command, {"ok": 1.0} if command == "endSessions" else refused))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server((address(), 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{server.server_address[0]!s}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cursor(namespace: str, *documents: Json) -> Json:
    return {"ok": 1.0, "cursor": {"id": 0, "ns": namespace, "firstBatch": list(documents)}}
