# LaTeX -> PDF, the same for every paper.

for paper, sources in PAPERS.items():

    rule:
        name:
            f"typeset_{Path(paper).stem.replace('-', '_')}"
        input:
            main=sources[0],
            parts=sources[1:],
        output:
            paper,
        log:
            f"results/logs/typeset/{Path(paper).stem}.log",
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            code=digest("compile_report"),
        message:
            "Typesetting {output}"
        shell:
            "python -P -m workflow_scripts.compile_report {input.main} --out {output} 2> {log}"
