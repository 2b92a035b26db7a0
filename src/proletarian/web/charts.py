"""Small charts as SVG, drawn by the server: no script, no library, and a table of the same numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 240, 36  # of a spark line, in its own units


def bars(values: Sequence[float | None], bad: Sequence[float] = (), *, height: int = HEIGHT, label: str = "") -> Markup:
    """
    A bar for each value, with the bad part at the bottom; None, for an unknown value, is a dot on the base line.

    >>> str(bars([1, 2], [0, 1], height=10)).count("<rect")
    3
    """
    most = max([*(value for value in values if value is not None), 1])
    step = WIDTH / max(1, len(values))
    width = max(0.6, step * 0.72)
    drawn = []
    for place, value in enumerate(values):
        x = place * step + (step - width) / 2
        if value is None:
            drawn.append(f'<circle cx="{x + width / 2:.1f}" cy="{height - 1}" r=".6" class="nothing"/>')
            continue
        wrong = bad[place] if place < len(bad) else 0
        all_of_it = _tall(value, most, height)
        below = _tall(wrong, most, height)
        if value > wrong:
            y = height - all_of_it
            drawn.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{all_of_it - below:.1f}"/>')
        if wrong:
            drawn.append(
                f'<rect x="{x:.1f}" y="{height - below:.1f}" width="{width:.1f}" height="{below:.1f}" class="bad"/>'
            )
    ground = f'<line x1="0" x2="{WIDTH}" y1="{height - 0.5}" y2="{height - 0.5}" class="ground"/>'
    about = f'role="img" aria-label="{Markup.escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704 (numbers of ours; the label is escaped)
        f'<svg class="bars" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" {about}>'
        f"{ground}{''.join(drawn)}</svg>"
    )


def _tall(value: float, most: float, height: int) -> float:
    """Even a small value is visible."""
    return max(1.5, value / most * (height - 2)) if value else 0.0
