# The figures of studies, a rule for each: files of results/<study>/ -> PDF and CSV.

for name, figure in FIGURES.items():

    rule:
        name:
            f"plot_{name}"
        input:
            **figure.input,
        output:
            pdf=in_report(f"results/{{study}}/figures/{name}.pdf", figure.caption, figure.shows, figure.subject),
            csv=f"results/{{study}}/figures/{name}.csv",
        log:
            f"results/logs/{{study}}/{name}.log",
        wildcard_constraints:
            study=one_of(figure.studies),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            # not in `shell`, which is read again for each job, when the loop has ended
            command=figure.command,
            flags=lambda wildcards, figure=figure: figure.flags(wildcards.study),
            code=digest(figure.command),
        message:
            f"Drawing {figure.title or name} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.{params.command} {params.flags} --out {output.pdf} 2> {log}"
