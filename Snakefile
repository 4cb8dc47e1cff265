# Gradscape: why deep networks fail to train, and what fixes it.
#
#   snakemake -n                                  what would be done
#   snakemake --cores all --resources gpu=1       everything
#   snakemake report/mlp-cw2.pdf                  one report: also project2, mlp-cw2-2020, beras
#   snakemake study_cw2                           one study: its cells, tables and figures
#   snakemake results/cw2/<cell>/history.csv      one cell
#   snakemake submission/s1234567.zip             the hand-in of coursework 2

import os
import sys

from snakemake.utils import min_version
from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import syntax

min_version("9.14")  # earlier ones do not put back the files of a job that fails (`update`)

# The folder of this file, even where another workflow uses this one as a module.
HOME = os.path.dirname(os.path.abspath(workflow.snakefile))

# A config.yaml in the working directory, or else the one that comes with the workflow; then those of --configfile.
OWN = filter(os.path.exists, ("config.yaml", "config.yml", "config/config.yaml", "config/config.yml"))
CONFIG = next(OWN, f"{HOME}/config.yaml")
CONFIGS = [CONFIG, *map(str, workflow.overwrite_configfiles)]

if workflow.modifier.path_modifier.prefix or workflow.modifier.path_modifier.modifies_prefixes:
    sys.exit("error: the module gradscape: expected no prefix and no replace_prefix, as its commands write to results/")

try:
    for path in CONFIGS:
        syntax.check(path)
except commands.UserError as error:
    sys.exit(f"error: {error}")


configfile: CONFIG


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/devices.smk"
include: "rules/html_report.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/tables.smk"


# What only some studies have. Where none has it, its rules would make every DAG a little slower.
if PLAN.searches:

    include: "rules/search.smk"


if PLAN.compared:

    include: "rules/comparison.smk"


if PLAN.ablations:

    include: "rules/ablations.smk"


if PLAN.landscapes or PLAN.surfaces:

    include: "rules/landscape.smk"


if PLAN.chosen:

    include: "rules/insight.smk"


if "cw2" in PLAN.compared:

    include: "rules/report.smk"
    include: "rules/submission.smk"


if "cifar_net" in PLAN.ablations and "cifar_net" in PLAN.chosen and "bn_landscape" in PLAN.landscapes:

    include: "rules/project2.smk"


if SETTINGS.beras:

    include: "rules/beras.smk"


include: "rules/figures.smk"
include: "rules/typeset.smk"
include: "rules/opening.smk"
include: "rules/events.smk"
include: "rules/unfinished.smk"
include: "rules/progress.smk"
include: "rules/targets.smk"
include: "rules/closing.smk"


rule all:
    default_target: workflow.modifier.namespace is None  # as a module, leave that to the workflow around it
    input:
        list(PAPERS),
        TARGETS,


# everything of one study but the reports, which may need others too
for study in [*PLAN.studies, *(["beras"] if SETTINGS.beras else [])]:

    rule:
        name:
            f"study_{study}"
        input:
            [target for target in TARGETS if target.startswith(f"results/{study}/")],


rule data:
    input:
        [f"results/data/{dataset}.npz" for dataset in sorted(PLAN.datasets)],
