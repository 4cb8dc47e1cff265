# The cells of a study as tidy tables, as a table for people to read, and as the course's folders.


rule summarise:
    input:
        cells=lambda wildcards: PLAN.trained(wildcards.study, wanted_cells(wildcards.study)),
        external=lambda wildcards: files_made_elsewhere(wildcards.study),
    output:
        # not deleted before the job: the rows of cells that have not changed are copied
        [lasting(path) for path in summary_of("{study}")],
        html=in_report("results/{study}/summary/cells.html", "cells"),
    log:
        "results/logs/{study}/summary.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        external=lambda wildcards: flags.external(PLAN.external_runs(wildcards.study)),
        titles=lambda wildcards: flags.titles(SETTINGS, PLAN.first_cells(wildcards.study)),
        code=digest("summarise"),
    message:
        "Gathering the cells of {wildcards.study}"
    shell:
        "printf '%s\\n' {input.cells:q}"
        " | python -P -m workflow_scripts.summarise --out results/{wildcards.study}/summary {params.external:q} {params.titles:q}"
        " 2> >(tee {log} >&2)"


rule table1:
    input:
        summary=summary_of("{study}"),
    output:
        csv="results/{study}/tables/table1.csv",
        tex="results/{study}/tables/table1.tex",
        txt="results/{study}/tables/table1.txt",
        html=in_report("results/{study}/tables/table1.html", "table1"),
    log:
        "results/logs/{study}/table1.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        code=digest("make_table"),
    message:
        "Making the table of {wildcards.study}"
    shell:
        "python -P -m workflow_scripts.make_table --summary results/{wildcards.study}/summary --out {output.csv} 2> {log}"


rule export_course:
    input:
        lambda wildcards: PLAN.trained(wildcards.study, wanted_cells(wildcards.study)),
    output:
        directory("results/{study}/course"),
    log:
        "results/logs/{study}/export_course.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        code=digest("export_course"),
    message:
        "Writing the cells of {wildcards.study} as experiment folders of the course"
    shell:
        "printf '%s\\n' {input:q} | python -P -m workflow_scripts.export_course --out {output} 2> {log}"


TARGETS += expand("results/{study}/{file}", study=PLAN.studies, file=["summary/cells.html", "tables/table1.html"])
