"""Words that go with numbers."""


def counted(number, noun):
    """How many there are of something, in words.

    >>> counted(1, "cell"), counted(2000, "cell")
    ('1 cell', '2,000 cells')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
