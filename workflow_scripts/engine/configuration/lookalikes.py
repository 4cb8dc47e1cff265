"""Characters of Chinese keyboards and of web pages that look like those of YAML, and are none."""

import re

FULL_WIDTH = {"：": "`:` and a space", "，": "`,`", "［": "`[`", "］": "`]`", "｛": "`{`", "｝": "`}`"}
OTHERS = {"【": "[", "】": "]", "“": '"', "”": '"', "‘": "'", "’": "'"}
SPACES = {"\u3000": "full-width", "\xa0": "no-break"}
ANY = re.compile("[" + "".join((*FULL_WIDTH, *OTHERS, *SPACES)) + "]")
# a key and its value without the space that YAML wants between them; `https://` is no key
TOGETHER = re.compile(r"(?:^|[{,]|- )\s*([A-Za-z]\w*):(?=[^\s/:])")
LEFT_OUT = re.compile(r"""#.*|"[^"]*"|'[^']*'""")  # comments, and what stands in quotes


def found(text):
    """What to write instead of the characters in a text that look like those of YAML: "" if it has none.

    >>> found("[0，1]")
    'write `,` for the full-width `，`'
    """
    found = dict.fromkeys(ANY.findall(text))
    said = [f"{FULL_WIDTH[one]} for the full-width `{one}`" for one in found if one in FULL_WIDTH]
    said += [f"`{OTHERS[one]}` for `{one}`" for one in found if one in OTHERS]
    said += [f"ordinary spaces for {SPACES[one]} ones (U+{ord(one):04X})" for one in found if one in SPACES]
    return f"write {', '.join(said)}" if said else ""


def together(text):
    """What to write instead of the first key that stands right before its value: "" if there is none.

    >>> together("  schedule:linear")
    'write a space after `schedule:`'
    """
    key = TOGETHER.search(text)
    return f"write a space after `{key[1]}:`" if key else ""


def in_line(line):
    """(column from 0, what to write instead) of the first such mistake in a line of YAML, outside quotes; or None."""
    line = LEFT_OUT.sub(lambda part: "x" * len(part[0]), line)
    if character := ANY.search(line):
        return character.start(), found(line)
    if key := TOGETHER.search(line):
        return key.end() - 1, together(line)
    return None
