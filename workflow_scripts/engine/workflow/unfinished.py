"""What runs of the workflow have begun and not finished, kept in a file, however the runs ended.

Each line is JSON, ["begun", outputs of a job] or ["finished", outputs]. The first line of a run sums up all earlier
ones, so that the file does not grow from run to run where something stays unfinished, like a cell no longer wanted.
"""

import contextlib
import json
from pathlib import Path

from workflow_scripts.engine import whole_files


class Journal:
    """The file at `path`. `unfinished` holds the outputs of the jobs that have begun and are not finished."""

    def __init__(self, path):
        self.path, self.unfinished = Path(path), set()
        self.lines = self.path.read_text(errors="replace").splitlines() if self.path.exists() else []
        for line in self.lines:
            with contextlib.suppress(ValueError, TypeError):  # half a line from a run that was killed, ...
                self._take(*json.loads(line))

    def begin(self, outputs):
        """Note that the job with these outputs begins: Snakemake is about to delete the old outputs."""
        self._write("begun", outputs)

    def finish(self, files):
        """Note that what these files are of is done: a job's outputs, and what else it has made."""
        self._write("finished", sorted(self.unfinished.intersection(map(str, files))))
        if not self.unfinished:
            self.path.unlink(missing_ok=True)

    def _take(self, what, outputs):
        (self.unfinished.update if what == "begun" else self.unfinished.difference_update)(outputs)

    def _write(self, what, outputs):
        if self.lines:
            whole_files.write(self.path, json.dumps(["begun", sorted(self.unfinished)]))
            self.lines = []
        outputs = [str(output) for output in outputs]
        self._take(what, outputs)
        with open(self.path, "a") as file:
            file.write("\n" + json.dumps([what, outputs]))  # the last line may be incomplete
