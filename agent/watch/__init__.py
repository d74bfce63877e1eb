"""Ways to see what goes on while it goes on.

`agent.watch.rerun` loads the Rerun SDK, an extra, and is imported where it is asked for.
"""

from agent.watch.choice import check_watch, open_watch
from agent.watch.watch import Watch

__all__ = ["Watch", "check_watch", "open_watch"]
