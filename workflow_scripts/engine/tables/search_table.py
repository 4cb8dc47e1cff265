"""What a search found, as tables: every candidate that was trained, rung by rung, and those that went on.

Accuracies are those of the epoch with the best validation accuracy, by which candidates are compared.
"""

import pandas as pd

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, grids
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.tables import labels, summary
from workflow_scripts.engine.text import text_tables
from workflow_scripts.engine.text.wording import counted

FINAL = "final"  # in place of the number of a rung: the seeds of the recipe that was chosen


def load(folder):
    """The `summary.Summary` of a folder, with the column that a search also needs."""
    return summary.load(folder, also=("best_val_loss",))


def trained(found, study, kept):
    """A data frame with a row per cell and rung of the search of a `studies.Study`; `found` is what `load` returned.

    `kept` has for each rung the names of its cells that went on, as `rungs.kept` reads them. Columns: `rung` (from 1,
    or "final"), `epochs`, `candidate` (from 1, in the order of the samples), `cell`, `seed`, every searched key,
    `status`, `val_acc`, `val_loss`, and `kept`: whether the candidate went on. Ordered by rung and accuracy. Raises
    UserError where the summary has no cell of the search, or where `kept` does not have as many rungs as the search.
    """
    candidates, rows = grids.candidates(study), []
    if len(kept) != len(candidates.epochs):
        raise UserError(
            f"--rungs: expected {counted(len(candidates.epochs), 'file')}, one for each rung, found {len(kept)}"
        )
    for row in found.cells.to_dict("records"):
        record = Cell(**{key: None if pd.isna(row[key]) else row[key] for key in Cell.model_fields})
        place = candidates.place(record)
        if place is None:
            continue
        recipe = candidates.recipes[place]
        known = {"candidate": place + 1, "cell": row["cell"], "seed": record.seed}
        known |= {key: getattr(record, key) for key in study.search.keys}
        known |= {"status": row["status"], "val_acc": row["best_val_acc"], "val_loss": row["best_val_loss"]}
        stands = [
            (rung + 1, row["cell"] in names)
            for rung, names in enumerate(kept)
            if record in candidates.rung(rung, [recipe])
        ]
        (last,) = candidates.rung(len(kept) - 1, [recipe])
        if record in candidates.final(recipe) and cells.cell_name(last) in kept[-1]:
            stands.append((FINAL, True))
        rows += [{"rung": rung, "epochs": record.epochs, **known, "kept": went_on} for rung, went_on in stands]
    if not rows:
        raise UserError("--summary: expected cells of the search that --study describes, found none")
    table = pd.DataFrame(rows)
    place = table["rung"].replace(FINAL, len(kept) + 1).astype(int)
    return table.assign(place=place).sort_values(["place", "val_acc"], ascending=[True, False]).drop(columns="place")


def survivors(table, keys):
    """The candidates of `trained` that went on from each rung, for people to read; each value a string."""
    lines = []
    for rung, cells_of_rung in table.groupby("rung", sort=False):
        kept = cells_of_rung[cells_of_rung["kept"]]
        for _, found in kept.groupby("candidate", sort=False):
            first, accuracy = found.iloc[0], 100 * found["val_acc"]
            lines.append(
                {
                    "Rung": str(rung),
                    "Epochs": str(first["epochs"]),
                    "Trained": str(len(cells_of_rung)),
                    "Candidate": str(first["candidate"]),
                    **{labels.heading(key).capitalize(): word(key, first[key]) for key in keys},
                    "Val. acc. (%)": text_tables.measure(accuracy.mean(), accuracy.std()),
                }
            )
    return pd.DataFrame(lines)


def write(path, table, keys):
    """Write `trained` to the CSV file `path`, and the survivors in the other formats beside it."""
    shown = survivors(table, keys)
    first = [place for place, rung in enumerate(shown["Rung"]) if rung != shown["Rung"].shift().iloc[place]]
    lines, note = text_tables.plain(shown, ("Rung",)), "Candidates that went on from each rung."
    bold = [place for place, rung in enumerate(shown["Rung"]) if rung == FINAL]
    text_tables.write(path, table, shown, lines, note, text_tables.tabular(shown, ("Rung",), bold, first))


def word(key, value):
    """The readable name of a value of a searched key."""
    return labels.readable(labels.format_value(key, value))
