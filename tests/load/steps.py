"""A locustfile whose users time a whole of their own, beside the request that it takes."""

from __future__ import annotations

from locust import FastHttpUser, task


class Teller(FastHttpUser):
    @task
    def whole(self) -> None:
        self.client.get("/work/read", name="/work/read")
        self.environment.events.request.fire(
            request_type="STEP",
            name="/whole",
            response_time=1.0,
            response_length=0,
            exception=None,
            context={},
        )
