"""Why a job failed, in a few lines from the end of its log."""

from workflow_scripts.engine import code

ERROR, TRACEBACK = "error: ", "Traceback (most recent call last)"  # how commands and Python begin to report one
MOST_LINES, LONGEST = 4, 300  # of a reason, and characters of a line
END = 100_000  # bytes at the end of a log, in which the reason stands


def reason(log):
    """The lines of the last error in the log at this path; none if it reports none.

    Of a traceback it is the line that names the exception, after the last place in our code: perhaps a user's network.
    """
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - END))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    begins = [place for place, line in enumerate(lines) if line.startswith((ERROR, TRACEBACK))]
    last = [line for line in lines[begins[-1] :] if line.strip()] if begins else []
    if last and last[0].startswith(TRACEBACK):
        ours = tuple(f'  File "{code.ROOT / package}/' for package in code.PACKAGES)
        places = [line.strip() for line in last if line.startswith(ours)]
        last = places[-1:] + [line for line in last[1:] if not line.startswith(" ")][:1]
    shown = [line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in last[:MOST_LINES]]
    return shown + ["…"] * (len(last) > MOST_LINES)
