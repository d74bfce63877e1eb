"""One worker process of `agent.collect.processes`: reads what to play from a socket, answers with episodes.

Messages, all pickled by one of the two and read by the other:
    to the worker    (sys.path, pickled factory) once, then orders: episode numbers, with what the episode is to seek
    from the worker  (pickle of the episode without its arrays, the lengths of the arrays in bytes, resident bytes),
                     or a Trouble, after which the worker ends
The arrays of the n-th episode lie in slot n modulo the number of slots. The parent asks for an episode only when it has
copied the one that lay there before, so nobody waits for a slot.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from multiprocessing.connection import Connection
from typing import NoReturn

from agent.collect.engine import Order
from agent.collect.player import Player, Trouble, resident, trouble
from agent.collect.slot import Slot
from agent.collect.supervisor import GRACE_S


def main(descriptor: int, slots: Sequence[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    with suppress(EOFError, OSError):  # the parent is gone, so nobody is left to tell
        serve(Connection(descriptor), [Slot(slot) for slot in slots])


def serve(connection: Connection, slots: list[Slot]) -> None:
    """Answers until the parent is gone or there was a Trouble."""
    sys.path[:], factory = pickle.loads(connection.recv_bytes())
    player = Player(factory)
    try:
        for slot in cycle(slots):
            answer = _answer(player, pickle.loads(connection.recv_bytes()), slot)
            connection.send_bytes(pickle.dumps(answer))
            if isinstance(answer, Trouble):
                return
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ending already: `close` is not to be interrupted
        player.close()


def _answer(player: Player, order: Order, slot: Slot) -> tuple[bytes, list[int], int] | Trouble:
    episode = player(order)
    if isinstance(episode, Trouble):
        return episode
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickled = pickle.dumps(episode, protocol=5, buffer_callback=buffers.append)
        return pickled, slot.write([buffer.raw() for buffer in buffers]), resident()
    except Exception as error:
        return trouble(error)


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
    main(int(sys.argv[1]), [int(slot) for slot in sys.argv[2:]])
