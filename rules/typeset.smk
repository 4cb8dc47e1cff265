# LaTeX -> PDF, the same for every paper.


rule typeset:
    input:
        main=lambda wildcards: PAPERS[f"report/{wildcards.paper}.pdf"][0],
        parts=lambda wildcards: PAPERS[f"report/{wildcards.paper}.pdf"][1:],
    output:
        lasting("report/{paper}.pdf"),  # the last good one stays until the next is there
    log:
        "results/logs/typeset/{paper}.log",
    wildcard_constraints:
        paper=one_of(Path(paper).stem for paper in PAPERS),
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=digest("compile_report"),
    message:
        "Typesetting {output}"
    shell:
        "python -P -m workflow_scripts.compile_report {input.main} --out {output} 2> {log}"
