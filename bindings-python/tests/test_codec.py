# ruff: noqa: UP007, UP045 both spellings of a union are tried
"""Values on the wire: what strict engines, and later every durable store, do with arguments and results."""

from __future__ import annotations

import dataclasses
import enum
import math
import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar, Union
from uuid import UUID

import pydantic
import pytest
from bursar._codec import Codec
from conftest import PATIENCE

import bursar
from bursar import Engine, task


class Colour(enum.Enum):
    RED = "red"
    GREEN = 2


@dataclasses.dataclass
class Point:
    x: int
    when: datetime
    tags: set[str] = dataclasses.field(default_factory=set)
    doubled: int = dataclasses.field(init=False, default=0)


@dataclasses.dataclass
class Point3(Point):
    z: int = 0


class Pair(NamedTuple):
    left: UUID
    right: Decimal


class Movie(TypedDict, total=False):
    name: str
    seen: date


class Model(pydantic.BaseModel):
    at: datetime
    points: list[int]


Meters = NewType("Meters", int)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc)
ID = UUID("12345678123456781234567812345678")
POINT = Point(1, NOW, {"a", "b"})

ROUND_TRIPS: list[tuple[Any, Any]] = [
    (Any, None),
    (int, 2**53 + 1),
    (int, -(10**300)),
    (float, 0.1),
    (float, 3),
    (str, "\0 \x1b[31m \U0001f600"),
    (bool, True),
    (datetime, NOW),
    (datetime, datetime(2026, 1, 2)),
    (date, date(2026, 1, 2)),
    (time, time(3, 4, 5)),
    (timedelta, timedelta(days=1, microseconds=1)),
    (UUID, ID),
    (Decimal, Decimal("1.10")),
    (bytes, bytes(range(256))),
    (bytearray, bytearray(b"x")),
    (Path, Path("/tmp/x")),
    (Colour, Colour.GREEN),
    (Point, POINT),
    (Pair, Pair(ID, Decimal(3))),
    (Movie, {"name": "M", "seen": date(1931, 5, 11)}),
    (Model, Model(at=NOW, points=[1])),
    (set[int], {1, 2}),
    (frozenset[UUID], frozenset({ID})),
    (tuple[int, ...], (1, 2)),
    (tuple[int, bytes], (1, b"x")),
    (list[tuple[str, date]], [("a", date(2026, 1, 1))]),
    (Sequence[Decimal], [Decimal(1)]),
    (dict[str, list[datetime]], {"a": [NOW]}),
    (dict[int, UUID], {1: ID}),
    (dict[UUID, int], {ID: 1}),
    (Optional[datetime], NOW),
    (Optional[datetime], None),
    (Union[int, datetime, Point], POINT),
    (Union[int, datetime, Point], 3),
    (datetime | str, NOW),
    (Annotated[bytes, "note"], b"x"),
    (Literal["a", "b"], "a"),
    (Meters, Meters(3)),
    (Any, {"a": [1, 2.5, {"b": None}], "": "x"}),
]


def _codec(hint: Any) -> Codec:
    def function(path: Any) -> Any: ...

    function.__annotations__ = {"path": hint, "return": hint}
    return Codec(function)


@pytest.mark.parametrize(("hint", "value"), ROUND_TRIPS, ids=range(len(ROUND_TRIPS)))
def test_values_come_back_as_their_hints_say(hint: Any, value: Any) -> None:
    codec = _codec(hint)
    (args, kwargs) = codec.decode_call(codec.encode_call((), {"path": value}))
    assert (args, kwargs) == ((value,), {})
    assert type(args[0]) in (type(value), float)
    assert codec.decode_result(codec.encode_result(value)) == value


CYCLE: list[Any] = [1]
CYCLE.append({"again": CYCLE})
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("hint", "value", "path", "why"),
    [
        (Any, object(), "args.path", "object"),
        (Any, [1, 2, 3, {"x": NOW}], "args.path[3].x", "datetime"),
        (list[datetime], [NOW, object()], "args.path[1]", "object"),
        (Any, math.nan, "args.path", "finite"),
        (Any, [math.inf], "args.path[0]", "finite"),
        (float, -math.inf, "args.path", "finite"),
        (Any, "\ud800", "args.path", "lone surrogate"),
        (Any, {"\udfff": 1}, "args.path", "lone surrogate"),
        (Any, {1: 2}, "args.path", "keys of a dict"),
        (Any, {1, 2}, "args.path", "set"),
        (Any, b"x", "args.path", "bytes"),
        (Any, CYCLE, "args.path[1].again", "contains itself"),
        (Any, DEEP, "args.path[0]", "deeper than 200"),
        (Point, Point3(1, NOW), "args.path", "Point"),
        (Point, Point(1, object()), "args.path.when", "object"),  # type: ignore[arg-type]
        (Any, lambda: None, "args.path", "function"),
        (Union[int, str], object(), "args.path", "object"),
    ],
    ids=range(17),
)
def test_what_json_cannot_carry_is_named(hint: Any, value: Any, path: str, why: str) -> None:
    with pytest.raises(bursar.Invalid) as caught:
        _codec(hint).encode_call((value,), None)
    message = str(caught.value)
    assert message.startswith(path)
    assert why in message
    assert len(message) < 3_000
    message.encode("ascii", "strict") if message.isascii() else message.encode()


def test_positions_and_keywords_on_the_wire() -> None:
    def function(a: int, /, b: date, *rest: bytes, c: int = 3, **more: Decimal) -> None: ...

    codec = Codec(function)
    assert codec.encode_call((1,), {"b": date(2026, 1, 1)}) == b'[1,"2026-01-01"]'
    full = codec.encode_call((1, date(2026, 1, 1), b"x"), {"c": 4, "z": Decimal(5)})
    assert full == b'{"args":[1,"2026-01-01","eA=="],"kwargs":{"c":4,"z":"5"}}'
    assert codec.decode_call(full) == ((1, date(2026, 1, 1), b"x"), {"c": 4, "z": Decimal(5)})
    assert codec.decode_call(b"null") == ((), {})
    with pytest.raises(TypeError):
        codec.encode_call((), {"b": 1})
    with pytest.raises(bursar.Invalid, match=r"args.b: 'x'"):
        codec.decode_call(b'[1,"x"]')


def test_random_values_survive() -> None:
    seed = random.randrange(2**32)
    draw = random.Random(seed)

    def value(depth: int) -> Any:
        kind = draw.randrange(8 if depth else 6)
        text = "".join(
            chr(draw.choice([draw.randrange(0xD800), draw.randrange(0xE000, 0x110000)])) for _ in range(3)
        )
        simple = [None, draw.random() < 0.5, draw.randint(-(2**70), 2**70), draw.gauss(0, 1e9), text, ""]
        if kind < 6:
            return simple[kind]
        items = [value(depth - 1) for _ in range(draw.randrange(4))]
        return items if kind == 6 else {f"{text}{index}": item for index, item in enumerate(items)}

    codec = _codec(Any)
    for _ in range(500):
        given = value(4)
        assert codec.decode_call(codec.encode_call((given,), None)) == ((given,), {}), f"seed {seed}"


@pytest.fixture
def strict() -> Any:
    with Engine("memory:", strict=True) as engine:
        yield engine


@task
def move(point: Point, by: timedelta) -> Point:
    return dataclasses.replace(point, when=point.when + by)


@task
async def amove(point: Point, by: timedelta) -> Point:
    return dataclasses.replace(point, when=point.when + by)


@pytest.mark.parametrize("function", [move, amove])
def test_strict_engines_encode_on_the_way(strict: Engine, function: bursar.Task[..., Point]) -> None:
    given = Point(1, NOW, {"a"})
    job = function.submit(given, by=timedelta(1))
    result = job.result(PATIENCE)
    assert result == Point(1, NOW + timedelta(1), {"a"})
    assert job.result() is not result
    assert strict.jobs()[0].result == result
    assert strict.job(job.id).result(PATIENCE) == result


def test_strict_engines_refuse_what_a_durable_store_would(strict: Engine) -> None:
    with pytest.raises(bursar.Invalid, match=r"args.point: JSON can't carry <object"):
        move.submit(object(), timedelta(1))  # type: ignore[arg-type]
    with pytest.raises(bursar.Invalid, match=r"<lambda>.*can't be found by its name"):
        strict.submit(lambda: 1)
    assert strict.count() == 0
    assert strict.submit(_plain, [1]).result(PATIENCE) == [1]


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (NOW, "give it a type hint that says datetime"),
        ([{1}], "give it a type hint that says set"),
        (Point(1, NOW, {"a"}), "give it a type hint that says Point"),
        (object(), "pass the parts of this object"),
        (NOW.tzinfo, "or make it a dataclass"),
    ],
)
def test_what_a_hint_can_help_is_told_from_what_it_cannot(strict: Engine, given: Any, advice: str) -> None:
    with pytest.raises(bursar.Invalid, match=advice):
        strict.submit(_plain, given)


def _plain(given: list[int]) -> Any:
    return given


def test_strict_failures_have_their_traceback_as_text(strict: Engine) -> None:
    @task(retries=3)
    def gives() -> Any:
        return object()

    @task
    def raises() -> None:
        raise ValueError("no")

    with pytest.raises(bursar.JobFailed, match="result: JSON can't carry"):
        gives.submit().result(PATIENCE)
    with pytest.raises(bursar.JobFailed) as caught:
        raises.submit().result(PATIENCE)
    assert caught.value.__cause__ is None
    assert "in raises" in (caught.value.traceback or "")


T = TypeVar("T")


class Box(Generic[T]):
    pass


def test_hints_that_nobody_can_read_do_no_harm() -> None:
    def odd(path: "Missing") -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821, UP037

    assert Codec(odd).encode_call((1,), None) == b"[1]"
    assert Codec(len).encode_call(([1],), None) == b"[[1]]"
    assert _codec(Box[int]).encode_call((1,), None) == b"[1]"
