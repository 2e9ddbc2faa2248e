"""What a resource module works with: its two models, what an operation may use, and how it says what is wrong.

Knows nothing of Pulumi's protocol; `base` hands these out and is where resource modules import them from.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from providers.api.session import Session, session
from providers.api.transport.errors import ApiError
from providers.protocol.bags import Bag
from providers.protocol.row import Row, log


class Inputs(BaseModel):
    """Desired state in the admin centre's words. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outputs(BaseModel):
    """What the service holds. Fields named like inputs carry the held value of that input."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(NamedTuple):
    """One thing wrong with the inputs: the path as the user wrote it, and what would be right."""

    path: str
    text: str


def _found_by_model(name: str, error: ValidationError) -> list[Problem]:
    """What a model says against one field, `tags[1]` for the second item of a list."""
    return [
        Problem(
            name + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]),
            item["msg"].removeprefix("Value error, "),
        )
        for item in error.errors()
    ]


def validated(model: type[Inputs], resource: str, known: Bag, unknown: Collection[str]) -> tuple[Bag, list[Problem]]:
    """The known fields as the model takes them, field by field, and what it says against them.

    `unknown`: names of fields whose value is not known yet; an Unknown never reaches pydantic (R14).
    """
    fields = model.model_fields
    problems = [Problem(name, f"is not an input of {resource}") for name in (*known, *unknown) if name not in fields]
    values: Bag = {}
    for name, info in fields.items():
        if name in unknown:
            continue
        if name not in known:
            if info.is_required():
                problems.append(Problem(name, "is required"))
            continue
        adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, Annotated[cast(Any, info.annotation), info]))
        try:
            values[name] = adapter.dump_python(adapter.validate_python(known[name]), mode="json", exclude_none=True)
        except ValidationError as error:
            problems += _found_by_model(name, error)
    return values, problems


class DualWriteError(Exception):
    """The one line that reaches the user."""


# Shown as `DualWriteError: ...`, without a module path (R41).
DualWriteError.__module__ = "builtins"


class ResourceError(ApiError):
    """An operation cannot be done for a reason that no service call gave."""


class NotRead(Exception):
    """Raised by `on_read` when the live state cannot be seen now; the stored values stay, with one warning."""


@dataclass(frozen=True)
class Call:
    """What an operation may use besides its inputs: who it is for, its row, time and the service sessions.

    `private`: hidden inputs (`__name`) that the resource class passed, by their names without underscores. They are
    no part of previews, diffs and state.
    """

    row: Row = field(default_factory=Row)
    title: str = ""
    session_for: Callable[..., Session] = session
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    write: Callable[..., None] = log
    private: Bag = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """The ownership mark of this stack, `dual-write <project>/<stack>`."""
        return self.row.ownership_mark

    def session(self, cloud: str, *, gateway: str | None = None) -> Session:
        """The service clients of one cloud, shared by the whole process."""
        return self.session_for(cloud, gateway=gateway)

    def progress(self, text: str) -> None:
        """Show what is going on, on the resource's own row; the next line replaces it."""
        self.write(self.row, text, ephemeral=True)

    def announce(self, text: str) -> None:
        """Say something that stays in the run's messages."""
        self.write(self.row, f"{self.title}: {text}" if self.title else text, ephemeral=False)

    def warn(self, text: str) -> None:
        """Say something that stays and is marked as a warning."""
        self.write(self.row, f"{self.title}: {text}" if self.title else text, ephemeral=False, warning=True)

    def only_warning(self) -> "Call":
        """The same call with nothing to say but warnings: the preview of the same `up` has told the rest."""

        def write(row: Row, text: str, *, ephemeral: bool, warning: bool = False) -> None:
            if warning:
                self.write(row, text, ephemeral=ephemeral, warning=True)

        return replace(self, write=write)
