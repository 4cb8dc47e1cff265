# The course's files: cells as experiment folders, and the hand-in of coursework 2.


rule export_course:
    input:
        lambda wildcards: trained(wildcards.study, wanted_cells(wildcards.study)),
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


if "cw2" in COMPARED:

    rule submission:
        input:
            report="report/mlp-cw2.pdf",
            course="results/cw2/course",
            table="results/cw2/tables/table1.csv",
            figures=[f"results/cw2/figures/{figure}.csv" for figure in FIGURES],
            code=[f"{HOME}/{path}" for path in handin.sources()],
        output:
            "submission/{number}.zip",
        log:
            "results/logs/cw2/submission-{number}.log",
        wildcard_constraints:
            number=r"[sS\d][^/]*",  # hw2.zip is the hand-in of Beras
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            number=student_number,
            config=json.dumps(config),
            code=digest("pack_submission"),
        message:
            "Packing {output}"
        shell:
            "python -P -m workflow_scripts.pack_submission --number {params.number} --report {input.report}"
            " --results results/cw2 --csv {input.course} {input.table} {input.figures} --config {params.config:q}"
            " --out {output} 2> {log}"
