"""Words that go with numbers, and how exactly an accuracy is told."""

import math


def counted(number, noun):
    """How many there are of something, in words.

    >>> counted(1, "cell"), counted(2000, "cell")
    ('1 cell', '2,000 cells')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def spread(seeds, before=""):
    """What `mean ± deviation` means, for rows with these numbers of seeds; empty where all have a single seed.

    >>> spread([3, 2, 3], before="; "), spread([1])
    ('; mean ± standard deviation over 2-3 seeds', '')
    """
    counts = sorted(set(seeds))
    said = "-".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
    return f"{before}mean ± standard deviation over {said} seeds" if counts[-1] > 1 else ""


def decimals(images):
    """How many decimals an accuracy over this many images has in per cent: enough to show one image, but two at most.

    >>> decimals(100), decimals(297), decimals(10_000), decimals(60_000)
    (0, 1, 2, 2)
    """
    return min(max(math.ceil(math.log10(images / 100)), 0), 2)
