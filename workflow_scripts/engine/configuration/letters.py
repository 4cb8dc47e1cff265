"""Which letters reports print: Latin ones everywhere, and Chinese ones in an author's name and own words."""

import re

CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")  # and its punctuation
TYPEFACES = {"gbsn": "gb2312", "bsmi": "big5"}  # of LaTeX's package CJK, simplified and traditional: what each has


def latin(text):
    """Whether the typeface of reports and figures has all letters of a text: Latin-1 and Latin Extended-A."""
    return max(text, default="") <= "\u017f"


def typeface(text):
    """The first of `TYPEFACES` that has all Chinese characters of a text; None if there are none in it.

    Raises ValueError where none has all of them.

    >>> typeface("Zoë"), typeface("王小明"), typeface("張大為")
    (None, 'gbsn', 'bsmi')
    """
    characters = "".join(sorted(set(CHINESE.findall(text))))
    if not characters:
        return None
    lacking = {name: _lacking(characters, encoding) for name, encoding in TYPEFACES.items()}
    for name, without in lacking.items():
        if not without:
            return name
    said = ", ".join(f"{name} lacks {without}" for name, without in lacking.items())
    raise ValueError(f"expected Chinese characters that one typeface has: {said}")


def _lacking(characters, encoding):
    return "".join(character for character in characters if not character.encode(encoding, "ignore"))
