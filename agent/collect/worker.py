"""One worker process of `agent.collect.processes`: reads episode numbers from a socket, answers with episodes.

Messages, all pickled by one of the two and read by the other:
    to the worker    (sys.path, pickled factory) once, then episode numbers
    from the worker  ("episode", pickle, number of buffers) and the raw buffers, or ("error", text) or
                     ("input error", text), after which the worker ends
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from agent.collect.processes import GRACE_S
from sim.errors import InputError


def main(descriptor: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    with suppress(EOFError, OSError):  # the parent is gone, so nobody is left to tell
        serve(Connection(descriptor))


def serve(connection: Connection) -> None:
    """Makes the factory's `Play` at the first number, so that its failure counts as that episode's."""
    sys.path[:], factory = pickle.loads(connection.recv_bytes())
    play: Any = None
    try:
        while True:
            number = pickle.loads(connection.recv_bytes())
            try:
                if play is None:
                    play = pickle.loads(factory)()
                buffers: list[pickle.PickleBuffer] = []
                episode = pickle.dumps(play(number), protocol=5, buffer_callback=buffers.append)
            except Exception as error:
                connection.send_bytes(pickle.dumps(_failure(error)))
                return
            connection.send_bytes(pickle.dumps(("episode", episode, len(buffers))))
            for buffer in buffers:
                connection.send_bytes(buffer.raw())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ending already: `close` is not to be interrupted
        close = getattr(play, "close", None)
        if close is not None:
            close()


def _failure(error: Exception) -> tuple[str, str]:
    if isinstance(error, InputError):
        return "input error", str(error)
    return "error", "".join(traceback.format_exception(error)).strip()


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def _end_with_parent(descriptor: int) -> None:
    """No orphans: ends the process when the other end of the socket closes, however busy the main thread is."""
    poller = select.poll()
    poller.register(descriptor, 0)  # no events asked for: hang-up is always reported
    poller.poll()
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
