"""What the colours of a keyframe tell: light and place. Pure code on the 4×4 grid of mean B, G, R (0–255)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.records import Keyframe

Light = Literal["day", "night", "unknown"]

LUMA = np.array([0.114, 0.587, 0.299])
"""Weights of B, G, R in luma, ITU-R BT.601."""
COLOURLESS = 12.0
"""A picture whose cells differ less than this between their channels is black and white: no word on its light."""
SKY_LUMA, SKY_BLUE = 120.0, 25.0
"""A cell of day sky: at least this bright, and blue over red by this much."""
NIGHT_LUMA, NIGHT_GLOW = 22.0, 45.0
"""At night most of the picture is darker than the first, and some lamp lifts a cell above the second."""
MIN_LUMA, MIN_SPREAD = 25.0, 8.0
"""Darker or more even pictures look like any other; they tell no place."""


def grid(keyframe: Keyframe) -> NDArray[np.float64]:
    """The look as 4 rows × 4 columns × B, G, R."""
    return np.array(keyframe.look, float).reshape(4, 4, 3)


def light_of(keyframes: Sequence[Keyframe]) -> Light:
    """Day or night where every keyframe of a shot says so, else unknown: a wrong word is worse than none."""
    lights = {_light(grid(k)) for k in keyframes}
    return lights.pop() if len(lights) == 1 else "unknown"


def _light(cells: NDArray[np.float64]) -> Light:
    if float((cells.max(axis=2) - cells.min(axis=2)).max()) < COLOURLESS:
        return "unknown"
    luma = cells @ LUMA
    if _sky(cells, luma):
        return "day"
    dark = np.median(luma) < NIGHT_LUMA and luma[0].mean() < NIGHT_LUMA
    return "night" if dark and luma.max() > NIGHT_GLOW else "unknown"


def _sky(cells: NDArray[np.float64], luma: NDArray[np.float64]) -> bool:
    """A bright blue band along the top over ground that is not blue. White skies look like ceilings: no word."""
    blue = cells[..., 0] - cells[..., 2]
    band = (blue[0] > SKY_BLUE) & (luma[0] > SKY_LUMA)
    ground = blue[3].mean() < blue[0].mean() / 2 and luma[3].mean() < luma[0].mean()
    return bool(band.sum() >= 3 and ground)


def same_place(keyframe: Keyframe, earlier: Sequence[Keyframe], difference: float) -> str | None:
    """The shot among `earlier` keyframes that looks most like this one, if closer than `difference`.

    The distance is the mean absolute difference of the 48 values of the grid, 0–255.
    """
    if not telling(keyframe):
        return None
    here = grid(keyframe)
    ranked = [(float(np.abs(grid(k) - here).mean()), -k.time, k.shot) for k in earlier if telling(k)]
    distance, _, shot = min(ranked, default=(np.inf, 0.0, ""))
    return shot if distance < difference else None


def telling(keyframe: Keyframe) -> bool:
    """Whether the look can tell one place from another: neither near-black nor all of one colour."""
    return keyframe.luma >= MIN_LUMA and float(grid(keyframe).std(axis=(0, 1)).mean()) >= MIN_SPREAD
