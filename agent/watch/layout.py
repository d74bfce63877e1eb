"""What lies where in the Rerun viewer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rerun
import rerun.blueprint as place

SECONDS = 13.0
"""Of commands that are seen at once: two episodes of the default length."""
SPEED = 4.0
"""How much faster than the arm moved it is shown."""

FROM = (0.5, -0.35, 0.25)
"""Whence the arm is looked at, m from what play is about."""
TOLD = {"clean": "clean commands, rad/s", "recorded": "as told to the learner", "executed": "as given to the motors"}
CURVES = {
    "probe": "accuracy",
    "loss": "losses",
    "buffer": "replay buffer",
    "speed": "per second",
    "wait": "share of time waiting",
    "health": "health",
}


def layout(middle: Sequence[float], *, learns: bool, live: bool) -> place.Blueprint:
    """Arm, camera and commands; and, of a run that `learns`, what the learner shows, to the right of them.

    `middle` is the point that play is about, m in the base frame. What is `live` is followed, what is not is played.
    """
    eye = place.EyeControls3D(position=np.add(middle, FROM).tolist(), look_target=list(middle), eye_up=(0.0, 0.0, 1.0))
    seen = place.Horizontal(
        place.Spatial2DView(origin="world/camera", name="camera"),
        place.Spatial3DView(origin="world", name="arm and object", eye_controls=eye),
        column_shares=[2, 3],
    )
    clean, told, given = (_commands(which, name) for which, name in TOLD.items())
    play = place.Vertical(
        seen,
        place.Horizontal(clean, place.Tabs(told, given)),
        row_shares=[3, 2],
    )
    parts = [play]
    if learns:
        curves = [place.TimeSeriesView(origin=origin, name=name) for origin, name in CURVES.items()]
        learner = place.Vertical(
            place.Horizontal(
                place.Spatial2DView(origin="map", name="validation features, by category"),
                place.Vertical(*curves[:2]),
            ),
            place.Horizontal(
                place.Spatial2DView(origin="pairs", name="pairs as sampled, t over t'"), place.Tabs(*curves[2:])
            ),
            row_shares=[3, 2],
        )
        parts.append(learner)
    clock = place.TimePanel(
        state="collapsed", timeline="play", playback_speed=SPEED, play_state="following" if live else "playing"
    )
    return place.Blueprint(
        place.Horizontal(*parts),
        clock,
        place.BlueprintPanel(state="collapsed"),
        place.SelectionPanel(state="collapsed"),
        auto_layout=False,
        auto_views=False,
    )


def _commands(which: str, name: str) -> place.TimeSeriesView:
    cursor = rerun.TimeRangeBoundary
    last = rerun.VisibleTimeRange(
        "play", start=cursor.cursor_relative(seconds=-SECONDS), end=cursor.cursor_relative(seconds=0.0)
    )
    return place.TimeSeriesView(origin=f"commands/{which}", name=name, time_ranges=last)
