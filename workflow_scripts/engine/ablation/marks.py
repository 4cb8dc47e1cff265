"""How differences in accuracy are written in the tables of ablations and remedies, and the legend below them."""

import math

from workflow_scripts.engine.tables.statistics import ENOUGH, SURE
from workflow_scripts.engine.text.wording import spread


def points(differences, verdicts, decimals=2):
    """Differences in accuracy in percentage points, marked where the seeds are evidence of a real difference."""
    return [
        "–" if math.isnan(difference) else _signed(100 * difference, decimals) + "†" * (verdict in SURE)
        for difference, verdict in zip(differences, verdicts, strict=True)
    ]


def _signed(value, decimals):
    """With a sign of its own, as a minus; what is rounded to 0 is not negative."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}".replace("-", "−")


def legend(rows, references, family, shares):
    """What the numbers in a table mean, in a few lines.

    `rows` are those of `ablations.rows`, `references` what they are compared with, `family` what the p-values are
    corrected for, and `shares` which of the columns `epochs_to_<share>` are shown.
    """
    unpaired = rows.filter(regex="^low").notna().to_numpy() & rows.filter(regex="^pairs").eq(0).to_numpy()
    how = ", paired by seed" + (" where two or more are shared." if unpaired.any() else ".")
    lines = [
        f"Best validation accuracy{spread(rows['seeds'], before=', ')}; difference from {references} in points"
        + (how if rows["seeds"].max() > 1 else "; one seed: whether they differ cannot be told.")
    ]
    if rows.filter(like="verdict").isin(SURE).any(axis=None):
        lines.append(f"† the 95 % interval of the difference excludes 0, corrected for the number of {family} (Holm).")
    if (rows.filter(regex="^low").notna().to_numpy() & rows.filter(regex="^p(_|$)").isna().to_numpy()).any():
        lines.append(f"Fewer than {ENOUGH} seeds are too few to mark a difference.")
    return "\n".join(
        [*lines, f"Epochs until {shares} of the way from guessing to the last epoch's validation accuracy."]
    )
