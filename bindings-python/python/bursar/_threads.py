"""The threads that run blocking functions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bursar._native import Seat


def start(seat: Seat, number: int) -> bool:
    """Starts a thread on `seat`; False where the system gives no more of them."""
    thread = threading.Thread(target=_serve, args=(seat,), name=f"bursar-thread-{number}", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    return True


def _serve(seat: Seat) -> None:
    """Runs jobs until the engine closes."""
    while True:
        drain(seat)
        # Nothing of the last job is held while this sleeps: its names went with the frame above.
        if not seat.wait():
            return


def drain(seat: Seat) -> None:
    """Runs jobs until there are none."""
    step, failed = seat.step, seat.failed
    next_call = step(None)
    while next_call is not None:
        run, function, args, kwargs = next_call
        try:
            if run is None:
                value = function(*args)
            elif kwargs is None:
                value = run(function, *args)
            else:
                value = run(function, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001 a job must not end its thread
            next_call = failed(_without_this_frame(error))
        else:
            next_call = step(value)


def _without_this_frame(error: BaseException) -> BaseException:
    """Returns `error` with a traceback that begins in the user's code."""
    trace = error.__traceback__
    return error.with_traceback(trace.tb_next if trace is not None else None)
