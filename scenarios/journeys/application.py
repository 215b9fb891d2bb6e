"""What the gate needs to be able to do with any system: sign in, make something, find it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

NOBODY = "nobody"


class Application(Protocol):
    """A system on one side, as its users reach it. What does not work raises Unmet or httpx.HTTPError.

    Beside these it has its journeys, `journey_NAME(walk)` each; a profile asks for them by name.
    """

    def sign_in(self, who: str) -> Mapping[str, str]:
        """Request headers that show who asks: the environment's credentials of that name."""
        ...

    def example(self, what: str) -> object:
        """What stands for `{what}` in a check's path or body: a credential's name, or a thing made for the occasion."""
        ...

    def leave_mark(self) -> tuple[object, str]:
        """Store something that is found nowhere else: its id, and the mark it bears."""
        ...

    def sees_mark(self, of: object, mark: str) -> bool:
        """Whether that something, with that mark, is found here."""
        ...
