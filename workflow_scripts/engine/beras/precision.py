"""How exactly an accuracy is told."""

import math


def decimals(images):
    """How many decimals an accuracy over this many images has in per cent: enough to show one image, but two at most.

    >>> decimals(100), decimals(297), decimals(10_000), decimals(60_000)
    (0, 1, 2, 2)
    """
    return min(max(math.ceil(math.log10(images / 100)), 0), 2)
