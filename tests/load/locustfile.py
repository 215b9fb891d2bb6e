"""Users of the tiny server: two endpoints, nine to one."""

from __future__ import annotations

from locust import FastHttpUser, between, task


class Reader(FastHttpUser):
    wait_time = between(0.01, 0.03)
    network_timeout = 15.0

    def on_start(self) -> None:
        self.client.post("/login")

    @task(9)
    def read(self) -> None:
        self.client.get("/work/read", name="/work/read")

    @task(1)
    def write(self) -> None:
        self.client.post("/work/write", name="/work/write", data="x")
