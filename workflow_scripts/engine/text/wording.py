"""Words that go with numbers, and how exactly an accuracy is told."""

import math

from workflow_scripts.engine.configuration.letters import latin


def counted(number, noun):
    """How many there are of something, in words; several numbers come as text.

    >>> counted(1, "cell"), counted(2000, "cell"), counted("2 and 8", "epoch"), counted("1", "epoch")
    ('1 cell', '2,000 cells', '2 and 8 epochs', '1 epoch')
    """
    many = number if isinstance(number, str) else f"{number:,}"
    return f"{many} {noun}{'' if many == '1' else 's'}"


def class_names(names):
    """Names of classes as reports and figures print them; one that the typeface lacks goes by its number.

    >>> class_names(["maple_tree", "枫树"])
    ['maple tree', 'class 1']
    """
    return [name.replace("_", " ") if latin(name) else f"class {label}" for label, name in enumerate(names)]


def duration(seconds):
    """A length of time in words.

    >>> duration(0.9), duration(47.2), duration(150), duration(10_000), duration(1e6), duration(1e7)
    ('1 second', '47 seconds', '2.5 minutes', '2.8 hours', '11.6 days', '116 days')
    """
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            many = seconds / length
            return f"{many:.1f} {unit}" if many < 100 else f"{many:,.0f} {unit}"
    return counted(round(seconds), "second")


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
