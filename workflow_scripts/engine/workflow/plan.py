"""What a configuration asks for: the cells of its studies, what else each study has, which job trains which cell.

The rules read it, and so decide nothing of their own.
"""

import difflib
import itertools
from pathlib import Path

from workflow_scripts.engine.beras import names as beras
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, grids
from workflow_scripts.engine.runs import bundles, manifests
from workflow_scripts.engine.runs.orders import Order


class Plan:
    """The studies of a `config.Config`, as {study: ...} for each thing that some or all of them have.

    studies      {name of a cell: Cell}
    compared     its `compare`: a shallow and a deep network, which the cw2 figures and report are about
    searches     what its search may train: `search.Candidates`
    candidates   the names of these cells
    ablations    {factor: {name of a cell: its level}}
    chosen       (a list) only the chosen one of its cells is tested
    landscapes   names of the cells that are measured during training
    surfaces     names of the cells around which the loss surfaces lie, each once
    bundles      {name of a bundle, which is its first cell's: names of its cells}

    `beras_runs` are the cells of the study of Beras, which are not PyTorch cells: {name: (variant, seed)}.
    `datasets` are the names of the data sets that are used; the configuration may have others. `whole` is for where
    a job finds only the files that are its inputs: then all files of a cell represent it.

    Raises UserError as `grids.expand` does.
    """

    def __init__(self, settings, whole=False):
        self.settings, self.whole, designs = settings, whole, settings.studies
        self.studies = {name: grids.expand(name, study) for name, study in designs.items()}
        self.compared = {name: study.compare for name, study in designs.items() if study.compare}
        self.searches = {name: grids.candidates(study) for name, study in designs.items() if study.search}
        self.ablations = {
            name: grids.ablations(study) for name, study in designs.items() if any(study.ablations.values())
        }
        self.chosen = [name for name, study in designs.items() if study.test == "chosen"]
        self.landscapes = {name: self._in_landscape(name) for name, study in designs.items() if study.landscape}
        self.surfaces = {name: self._with_surfaces(name) for name, study in designs.items() if study.surface}
        self.candidates = {
            name: {cells.cell_name(cell) for cell in found.cells()} for name, found in self.searches.items()
        }
        self.bundles = {name: self._bundles(name) for name in designs}
        self._bundle_of = {
            study: {cell: name for name, part in found.items() for cell in part}
            for study, found in self.bundles.items()
        }
        self.beras_runs = beras.runs(settings.beras) if settings.beras else {}
        self.datasets = {cell.dataset for grid in self.studies.values() for cell in grid.values()}
        if settings.beras:
            self.datasets.add(settings.beras.dataset)

    def _in_landscape(self, study):
        return [
            name for name, cell in self.studies[study].items() if grids.in_landscape(self.settings.studies[study], cell)
        ]

    def _with_surfaces(self, study):
        selections = self.settings.studies[study].surface.cells
        return list(dict.fromkeys(self.selected(study, selection)[0] for selection in selections))

    def _bundles(self, study):
        """A search's candidates are in none: which of them are trained becomes known only rung by rung."""
        fixed = {name: cell for name, cell in self.studies[study].items() if name not in self.candidates.get(study, ())}
        return bundles.bundles(self.settings.studies[study], fixed, self.settings.cells_per_job)

    def cell(self, study, name):
        """The record of a cell; raises UserError for an unknown name, with the nearest ones."""
        return _named(study, name, self.studies[study])

    def bundle(self, study, name):
        """The names of the cells of a bundle; raises UserError likewise."""
        return _named(study, name, self.bundles[study])

    def beras_run(self, name):
        """(variant, seed) of a cell of the study of Beras; raises UserError likewise."""
        return _named("beras", name, self.beras_runs)

    def selected(self, study, selection, without=()):
        """Names of the cells of a study that a `record.Selection` selects, by its keys except those in `without`."""
        return [name for name, cell in self.studies[study].items() if grids.selects(selection, cell, without)]

    def external_runs(self, study):
        """{name: `config.ExternalRun`} of the runs made with the course's framework that join a study."""
        return {name: run for name, run in self.settings.external_runs.items() if run.joins == study}

    def first_cells(self, study):
        """{data set: the first cell of a study that is trained on it}."""
        found = {}
        for cell in self.studies[study].values():
            found.setdefault(cell.dataset, cell)
        return found

    def trained(self, study, names):
        """The files that represent trained cells in the DAG: each one's record, or the manifest of its bundle.

        Only one of a cell's files, unless `whole`, because each costs time in a DAG of ten thousand cells.
        """
        bundle, files = self._bundle_of[study], cells.FILES if self.whole else ["cell.json"]
        found = (
            [manifests.path_of(study, bundle[cell])]
            if cell in bundle
            else [f"results/{study}/{cell}/{file}" for file in files]
            for cell in names
        )
        return list(dict.fromkeys(itertools.chain.from_iterable(found)))

    def checkpoint(self, study, cell):
        """The path of a cell's checkpoint; named after the whole record, so that a key's default changes it too."""
        return f"results/.checkpoints/{study}-{cells.record_digest(cell)[:16]}"

    def cell_code(self, study, name):
        """The digest of the code that training a cell runs."""
        cell = self.cell(study, name)
        return cells.code_digest(cell, grids.measured(self.settings.studies[study], cell))

    def bundle_code(self, study, name):
        """The digests of the code that the cells of a bundle run, each once."""
        return sorted({self.cell_code(study, cell) for cell in self.bundle(study, name)})

    def order(self, study, name, results=Path("results")):
        """The `Order` for a cell, whose files go below the folder `results`."""
        cell, design = self.cell(study, name), self.settings.studies[study]
        out, checkpoint = results / study / name, Path(self.checkpoint(study, cell))
        return Order(cell, out, checkpoint, grids.measured(design, cell), test=design.test == "every")


def _named(study, name, known):
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0)
        raise UserError(f"study {study} has no cell {name}; the nearest: {', '.join(near)}")
    return known[name]
