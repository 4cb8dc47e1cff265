# The study of Beras, the Keras mimic in NumPy: runs -> tables -> figures -> report; the hand-in; the exploration notebook.

from workflow_scripts.engine.beras import names as beras, submission

BERAS_SUMMARY = [f"results/beras/summary/{name}" for name in beras.SUMMARY]

BERAS = SETTINGS.beras

# figure: what it is drawn from, besides the data
BERAS_FIGURES = {
    "initializers": ["results/beras/initializers.csv"],
    "optimizers": BERAS_SUMMARY,
    "models": BERAS_SUMMARY,
    "ablation": BERAS_SUMMARY,
    "predictions": [
        *BERAS_SUMMARY,
        *(
            f"results/beras/{run}/predictions.npz"
            for run, (variant, _) in PLAN.beras_runs.items()
            if variant == "advanced"
        ),
    ],
}

# Beras lies outside the packages whose imports `digest` follows.
BERAS_CODE = "".join(code.folder_digest(f"models/{folder}") for folder in ("Beras", "beras_assignment"))


REPORTS["report/beras.pdf"] = "results/beras/tables/table1.txt"


rule train_beras:
    input:
        data=f"results/data/{BERAS.dataset}.npz",
    output:
        [f"results/beras/{{cell}}/{name}" for name in beras.RUN],
    log:
        "results/logs/beras/{cell}.log",
    benchmark:
        "results/benchmarks/beras/{cell}.tsv"
    localrule: True
    conda:
        "../envs/beras.yaml"
    params:
        flags=lambda wildcards: flags.beras_training(PLAN, wildcards.cell),
        code=lambda wildcards: code.digest("workflow_scripts.train_beras", (beras.split(the_run(wildcards)[0]),)),
        beras=BERAS_CODE,
    message:
        "Training {wildcards.cell} (beras)"
    shell:
        "python -P -m workflow_scripts.train_beras --data {input.data} {params.flags}"
        " --out results/beras/{wildcards.cell} 2> {log}"


rule probe_initializers:
    input:
        data=f"results/data/{BERAS.dataset}.npz",
    output:
        "results/beras/initializers.csv",
    log:
        "results/logs/beras/initializers.log",
    localrule: True
    conda:
        "../envs/beras.yaml"
    params:
        seeds=BERAS.seeds,
        code=digest("probe_initializers"),
        beras=BERAS_CODE,
    message:
        "Measuring what the initialisers of Beras do to activations"
    shell:
        "python -P -m workflow_scripts.probe_initializers --data {input.data} --seeds {params.seeds} --out {output}"
        " 2> {log}"


rule check_beras:
    input:
        data=f"results/data/{BERAS.dataset}.npz",
    output:
        "results/beras/check.json",
    log:
        "results/logs/beras/check.log",
    localrule: True
    conda:
        "../envs/beras.yaml"
    params:
        flags=f"--batch-size {BERAS.batch_size} --seed {BERAS.seeds[0]}",
        code=[digest("check_beras", beras_model=model) for model in ("simple", "advanced")],
        beras=BERAS_CODE,
    message:
        "Checking Beras against PyTorch"
    shell:
        "python -P -m workflow_scripts.check_beras --data {input.data} {params.flags} --out {output} 2> {log}"


rule summarise_beras:
    input:
        [f"results/beras/{run}/{name}" for run in PLAN.beras_runs for name in beras.RUN],
    output:
        BERAS_SUMMARY,
    log:
        "results/logs/beras/summary.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        titles=flags.titles(SETTINGS, [BERAS.dataset]),
        code=digest("summarise_beras"),
    message:
        "Gathering the cells of beras"
    shell:
        "printf '%s\\n' {input:q}"
        " | python -P -m workflow_scripts.summarise_beras --out results/beras/summary {params.titles:q} 2> {log}"


rule table_beras:
    input:
        BERAS_SUMMARY,
    output:
        csv="results/beras/tables/table1.csv",
        txt="results/beras/tables/table1.txt",
        html=in_report("results/beras/tables/table1.html", "beras-table", None),
    log:
        "results/logs/beras/table1.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        code=digest("make_beras_table"),
    message:
        "Making the table of beras"
    shell:
        "python -P -m workflow_scripts.make_beras_table --summary results/beras/summary --out {output.csv} 2> {log}"


for figure, sources in BERAS_FIGURES.items():

    rule:
        name:
            f"plot_beras_{figure}"
        input:
            sources,
            data=f"results/data/{BERAS.dataset}.npz",
        output:
            pdf=in_report(f"results/beras/figures/{figure}.pdf", f"beras-{figure}", None),
            csv=f"results/beras/figures/{figure}.csv",
        log:
            f"results/logs/beras/{figure}.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            figure=figure,
            code=digest("plot_beras"),
        message:
            f"Drawing {figure} (beras)"
        shell:
            "python -P -m workflow_scripts.plot_beras --figure {params.figure} --results results/beras"
            " --data {input.data} --out {output.pdf} 2> {log}"


rule fill_beras:
    input:
        summary=BERAS_SUMMARY,
        measured=["results/beras/initializers.csv", "results/beras/check.json"],
        figures=[f"results/beras/figures/{figure}.pdf" for figure in BERAS_FIGURES],
        pictures="results/beras/figures/predictions.csv",
        table="results/beras/tables/table1.txt",
        template=source("report/beras-template.tex.j2"),
        style=source("report/gradscape.sty"),
        references=source("report/references.bib"),
        own=own_figures(),
    output:
        "results/report/beras/beras-template.tex",
    log:
        "results/logs/beras/fill_report.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        author=lambda wildcards: flags.author(SETTINGS.report, "student_number", "author"),
        code=digest("fill_beras_report"),
    message:
        "Filling in the report from results/beras"
    shell:
        "python -P -m workflow_scripts.fill_beras_report --results results/beras --template {input.template:q}"
        " --style {input.style:q} --references {input.references:q}"
        " {params.author:q} --out results/report/beras 2> {log}"


rule explore_beras:
    input:
        notebook=source("notebooks/beras_exploration.py"),
        template=source("report/notebook.tex.j2"),
    output:
        "results/report/beras-exploration/notebook.tex",
    log:
        "results/logs/beras/exploration.log",
    localrule: True
    conda:
        "../envs/notebook.yaml"
    params:
        code=digest("export_notebook"),
        beras=BERAS_CODE,
    message:
        "Running the notebook that explores Beras"
    shell:
        "python -P -m workflow_scripts.export_notebook {input.notebook:q} --template {input.template:q}"
        " --out {output} 2> {log}"


PAPERS["report/beras.pdf"] = rules.fill_beras.output
PAPERS["report/beras-exploration.pdf"] = rules.explore_beras.output


rule hw2:
    input:
        summary=BERAS_SUMMARY,
        packed=[local(str(path)) for path in submission.sources().values()],
    output:
        "submission/hw2.zip",
    log:
        "results/logs/beras/hw2.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        flag="--flag-2470" if BERAS.flag_2470 else "",
        code=digest("pack_beras"),
    message:
        "Packing {output}"
    shell:
        "python -P -m workflow_scripts.pack_beras --summary results/beras/summary {params.flag} --out {output} 2> {log}"


TARGETS += ["results/beras/tables/table1.html", *(f"results/beras/figures/{figure}.pdf" for figure in BERAS_FIGURES)]
