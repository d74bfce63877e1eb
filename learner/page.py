"""What all HTML pages share: one file each that needs nothing else, in light, in dark and on paper."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from agent.files import write_text
from learner.charts import LIGHT, RIGHT, SHARES, VARIABLES, WRONG, Curve, curves


def write_page(path: Path, template: str, **values: Any) -> None:
    """Write a page to `path`, whole or not at all."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("learner"), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "color": lambda color: f"var(--{VARIABLES[color]})"}
    environment.globals |= {"light": LIGHT, "shares": SHARES, "right": RIGHT, "wrong": WRONG}
    write_text(path, environment.get_template(template).render(**values))


def percent(share: float, decimals: int = 1) -> str:
    """A share as a number of percent, without the sign."""
    return f"{100 * share:.{decimals}f}"


def unbroken(text: str) -> str:
    """A sentence whose numbers keep their signs beside them."""
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}").replace(" %", "\N{NO-BREAK SPACE}%")


def flatten(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names and their values, in the order given."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            lines += flatten(value, f"{prefix}{name}.")
        else:
            lines.append((f"{prefix}{name}", str(value)))
    return lines


def drawn(panels: Mapping[str, list[Curve]]) -> list[tuple[str, list[Curve], Markup]]:
    """Titles, curves and charts."""
    return [(title, lines, curves(title, lines)) for title, lines in panels.items()]


def data_url(frame: np.ndarray, kind: str = "png") -> str:
    """A frame uint8 [H, W, 3] for the inside of a page, as `png` or, smaller, as `jpeg`."""
    _, encoded = cv2.imencode(f".{kind}", np.ascontiguousarray(frame[..., ::-1]))
    return f"data:image/{kind};base64," + base64.b64encode(encoded.tobytes()).decode()
