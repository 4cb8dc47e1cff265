# The study of Beras, the Keras mimic in NumPy: runs -> tables -> figures -> report; the hand-in; the exploration notebook.

from workflow_scripts.engine.beras import names

BERAS = SETTINGS.beras
BERAS_RUNS = names.runs(BERAS) if BERAS else {}  # name: (variant, seed)
BERAS_FILES = ("run.json", "history.csv", "steps.npz", "predictions.npz", "weights.npz")
BERAS_SUMMARY = ("runs.csv", "history.csv", "losses.csv", "dataset.json")
BERAS_FIGURES = ("initializers", "optimizers", "models", "ablation", "predictions")
NOTEBOOKS = ["report/beras-exploration.pdf"] if BERAS else []

# Imported as `Beras`, from outside the packages that `digest` follows.
BERAS_CODE = code.folder_digest("models/Beras") + code.folder_digest("models/beras_assignment")


def the_run(wildcards):
    """(variant, seed) behind the wildcard."""
    if wildcards.run not in BERAS_RUNS:
        near = difflib.get_close_matches(wildcards.run, BERAS_RUNS, n=3, cutoff=0)
        raise WorkflowError(f"the study beras has no run {wildcards.run}; the nearest: {', '.join(near)}")
    return BERAS_RUNS[wildcards.run]


if BERAS:
    REPORTS["report/beras.pdf"] = "beras"

    rule train_beras:
        input:
            data=f"results/data/{BERAS.dataset}.npz",
        output:
            [f"results/beras/{{run}}/{name}" for name in BERAS_FILES],
        wildcard_constraints:
            run=r"[a-z0-9_-]+-seed\d+",
        log:
            "results/logs/beras/{run}.log",
        benchmark:
            "results/benchmarks/beras/{run}.tsv"
        conda:
            "../envs/beras.yaml"
        params:
            variant=lambda wildcards: the_run(wildcards)[0],
            seed=lambda wildcards: the_run(wildcards)[1],
            epochs=BERAS.epochs,
            batch_size=BERAS.batch_size,
            code=lambda wildcards: digest("train_beras", **dict([names.split(the_run(wildcards)[0])])),
            beras=BERAS_CODE,
        message:
            "Training {wildcards.run} (beras)"
        shell:
            "python -m workflow_scripts.train_beras --data {input.data} --variant {params.variant} --seed {params.seed}"
            " --epochs {params.epochs} --batch-size {params.batch_size} --out results/beras/{wildcards.run} 2> {log}"

    rule probe_initializers:
        input:
            data=f"results/data/{BERAS.dataset}.npz",
        output:
            "results/beras/initializers.csv",
        log:
            "results/logs/beras/initializers.log",
        conda:
            "../envs/beras.yaml"
        params:
            seeds=BERAS.seeds,
            code=digest("probe_initializers"),
            beras=BERAS_CODE,
        message:
            "Measuring what the initialisers of Beras do to activations"
        shell:
            "python -m workflow_scripts.probe_initializers --data {input.data} --seeds {params.seeds} --out {output} 2> {log}"

    rule check_beras:
        input:
            data=f"results/data/{BERAS.dataset}.npz",
        output:
            "results/beras/check.json",
        log:
            "results/logs/beras/check.log",
        conda:
            "../envs/beras.yaml"
        params:
            batch_size=BERAS.batch_size,
            seed=BERAS.seeds[0],
            code=digest("check_beras", beras_model="simple") + digest("check_beras", beras_model="advanced"),
            beras=BERAS_CODE,
        message:
            "Holding Beras to PyTorch"
        shell:
            "python -m workflow_scripts.check_beras --data {input.data} --batch-size {params.batch_size}"
            " --seed {params.seed} --out {output} 2> {log}"

    rule summarise_beras:
        input:
            [f"results/beras/{run}/run.json" for run in BERAS_RUNS],
        output:
            [f"results/beras/summary/{name}" for name in BERAS_SUMMARY],
        log:
            "results/logs/beras/summary.log",
        conda:
            "../envs/figures.yaml"
        params:
            code=digest("summarise_beras"),
        message:
            "Gathering the runs of beras"
        shell:
            "printf '%s\\n' {input:q} | xargs -n 1 dirname"
            " | python -m workflow_scripts.summarise_beras --out results/beras/summary 2> {log}"

    rule table_beras:
        input:
            [f"results/beras/summary/{name}" for name in BERAS_SUMMARY],
        output:
            csv="results/beras/tables/table1.csv",
            txt="results/beras/tables/table1.txt",
        log:
            "results/logs/beras/table1.log",
        conda:
            "../envs/figures.yaml"
        params:
            code=digest("make_beras_table"),
        message:
            "Making the table of beras"
        shell:
            "python -m workflow_scripts.make_beras_table --summary results/beras/summary --out {output.csv} 2> {log}"

    for beras_figure in BERAS_FIGURES:

        rule:
            name:
                f"{beras_figure}_beras"
            input:
                summary=[f"results/beras/summary/{name}" for name in BERAS_SUMMARY],
                initializers="results/beras/initializers.csv",
                data=f"results/data/{BERAS.dataset}.npz",
            output:
                pdf=report(
                    f"results/beras/figures/{beras_figure}.pdf",
                    caption=f"../report/captions/beras-{beras_figure}.rst",
                    category="beras",
                    labels={"figure": beras_figure},
                ),
                csv=f"results/beras/figures/{beras_figure}.csv",
            log:
                f"results/logs/beras/{beras_figure}.log",
            conda:
                "../envs/figures.yaml"
            params:
                figure=beras_figure,
                code=digest("plot_beras"),
            message:
                f"Drawing {beras_figure} (beras)"
            shell:
                "python -m workflow_scripts.plot_beras --figure {params.figure} --results results/beras"
                " --data {input.data} --out {output.pdf} 2> {log}"

    rule fill_beras:
        input:
            summary=[f"results/beras/summary/{name}" for name in BERAS_SUMMARY],
            measured=["results/beras/initializers.csv", "results/beras/check.json"],
            figures=[f"results/beras/figures/{figure}.pdf" for figure in BERAS_FIGURES],
            table="results/beras/tables/table1.txt",
            template=source("report/beras-template.tex.j2"),
            style=source("report/gradscape.sty"),
            references=source("report/references.bib"),
        output:
            "results/report/beras/beras-template.tex",
        log:
            "results/logs/beras/fill_report.log",
        conda:
            "../envs/figures.yaml"
        params:
            student_number=SETTINGS.report.student_number,
            code=digest("fill_beras_report"),
        message:
            "Filling in the report from results/beras"
        shell:
            "python -m workflow_scripts.fill_beras_report --results results/beras --template {input.template:q}"
            " --style {input.style:q} --references {input.references:q}"
            " --student-number {params.student_number} --out results/report/beras 2> {log}"

    rule report_beras:
        input:
            "results/report/beras/beras-template.tex",
        output:
            "report/beras.pdf",
        log:
            "results/logs/beras/compile_report.log",
        conda:
            "../envs/report.yaml"
        params:
            code=digest("compile_report"),
        message:
            "Typesetting {output}"
        shell:
            "python -m workflow_scripts.compile_report {input} --out {output} 2> {log}"

    rule hw2:
        input:
            summary=[f"results/beras/summary/{name}" for name in BERAS_SUMMARY],
        output:
            "submission/hw2.zip",
        log:
            "results/logs/beras/hw2.log",
        conda:
            "../envs/figures.yaml"
        params:
            flag="--flag-2470" if BERAS.flag_2470 else "",
            code=digest("pack_beras"),
        message:
            "Packing {output}"
        shell:
            "python -m workflow_scripts.pack_beras --summary results/beras/summary {params.flag} --out {output} 2> {log}"
