# What the HTML report shows (snakemake --report results/report.zip): every figure and table, by study and by kind.

import itertools

from workflow_scripts.engine.workflow import html_labels


report: "../report/workflow.rst"


# caption, whose text is in report/captions/<caption>.rst: (subcategory, name among the others); a `factor` is a subject
# that has a readable name
CAPTIONS = {
    "curves": ("Training", "learning curves of {subject}"),
    "grad-flow": ("Gradients", "gradient flow of {subject}"),
    "gradient-heatmap": ("Gradients", "gradients by layer and epoch"),
    "remedies": ("Gradients", "gradient flow of every variant"),
    "cells": ("Tables", "every cell"),
    "table1": ("Tables", "every network and setting"),
    "ablation": ("Ablations", "accuracy by {factor}"),
    "ablation-table": ("Tables", "ablation of {factor}"),
    "remedies-table": ("Tables", "every variant"),
    "pareto": ("Ablations", "accuracy, parameters and time"),
    "search": ("Search", "every candidate by what was varied"),
    "search-table": ("Tables", "candidates that went on"),
    "samples": ("Data", "images of {subject}"),
    "landscape-curves": ("Training", "learning curves at every rate"),
    "loss-envelope": ("Loss landscape", "loss over the learning rates"),
    "gradient-predictiveness": ("Loss landscape", "gradient predictiveness"),
    "beta-smoothness": ("Loss landscape", "effective beta-smoothness"),
    "walks": ("Loss landscape", "along the gradient of a step"),
    "covariate-shift": ("Loss landscape", "internal covariate shift"),
    "protocols": ("Loss landscape", "both protocols"),
    "landscape-table": ("Tables", "both protocols of the landscape"),
    "surface-lines": ("Loss landscape", "loss surface along a line"),
    "surface-contours": ("Loss landscape", "loss surface as contours"),
    "surface-3d": ("Loss landscape", "loss surface in three dimensions"),
    "insight-filters": ("What it has learned", "first filters"),
    "insight-grad-cam": ("What it has learned", "Grad-CAM"),
    "insight-confusion": ("What it has learned", "confusion of classes"),
    "insight-class-accuracy": ("What it has learned", "accuracy by class"),
    "insight-tsne": ("What it has learned", "t-SNE of the features"),
    "beras-initializers": ("Figures", "variance by initialiser"),
    "beras-optimizers": ("Figures", "training loss by optimiser"),
    "beras-models": ("Figures", "accuracy of the models"),
    "beras-ablation": ("Figures", "accuracy with each extra"),
    "beras-predictions": ("Figures", "right and wrong predictions"),
    "beras-table": ("Tables", "every variant"),
}

ITEMS = itertools.count()


def in_report(path, caption, shows=PLAN.studies.get, subject=""):
    """An output under results/<study>/ that the HTML report shows.

    `shows` gives the names of the cells of a study that it is about, where "best" and "chosen" stand for the cell that
    turns out to be so; None means that it is about no cells. `path` and `subject` may contain wildcards.
    """
    category = path.split("/")[1]
    subcategory, name = CAPTIONS[caption]

    def labels(wildcards):
        named = dict(wildcards.items())
        study = category.format(**named)
        found = html_labels.labels(PLAN.studies[study], shows(study), f"results/{study}") if shows else {}
        # Where two values are equally frequent, Snakemake makes a switch, and its page breaks where an item has only
        # one of them. So no two values are the same: they differ in trailing spaces, which a browser does not show.
        spaces = " " * next(ITEMS)
        subject_now = subject.format(**named)
        shown = name.format(subject=subject_now, factor=html_labels.words(subject_now))
        return {"shows": shown, **{label: value + spaces for label, value in found.items()}}

    return report(
        path, caption=f"../report/captions/{caption}.rst", category=category, subcategory=subcategory, labels=labels
    )


def at_levels(factor):
    """The function of a study that gives the names of its cells at the levels of a factor."""
    return lambda study: PLAN.ablations[study][factor]
