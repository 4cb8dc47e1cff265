# The hand-in of coursework 2.

from workflow_scripts.engine.course import submission as handin


rule submission:
    input:
        report="report/mlp-cw2.pdf",
        course="results/cw2/course",
        table="results/cw2/tables/table1.csv",
        figures=[f"results/cw2/figures/{figure}.csv" for figure in comparison.FIGURES],
        program=program_of_hand_in,
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
        number=or_exit(lambda wildcards: handin.checked(wildcards.number, SETTINGS.report.student_number)),
        config=lambda wildcards: json.dumps(config),  # no pattern: words in braces are no wildcards
        code=digest("pack_submission"),
    message:
        "Packing {output}"
    shell:
        "python -P -m workflow_scripts.pack_submission --number {params.number} --report {input.report}"
        " --results results/cw2 --csv {input.course} {input.table} {input.figures} --config {params.config:q}"
        " --out {output} 2> {log}"
