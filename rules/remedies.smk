# The remedies of a study, which are the levels of its ablations, in one figure and one table.


for study in ABLATIONS:

    rule:
        name:
            f"plot_remedies_{study}"
        input:
            summary=summary_of(study),
        output:
            pdf=in_report(f"results/{study}/figures/remedies.pdf", "remedies"),
            csv=f"results/{study}/figures/remedies.csv",
        log:
            f"results/logs/{study}/plot_remedies.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study, "base", "ablations"),
            code=digest("plot_remedies"),
        message:
            f"Drawing the gradient flow of all remedies ({study})"
        shell:
            "python -P -m workflow_scripts.plot_remedies --summary results/{params.study}/summary"
            " --study {params.design:q} --out {output.pdf} 2> {log}"

    rule:
        name:
            f"remedies_statistics_{study}"
        input:
            summary=summary_of(study),
        output:
            csv=f"results/{study}/tables/remedies_statistics.csv",
            tex=f"results/{study}/tables/remedies_statistics.tex",
            txt=f"results/{study}/tables/remedies_statistics.txt",
            html=in_report(f"results/{study}/tables/remedies_statistics.html", "remedies-table"),
        log:
            f"results/logs/{study}/remedies_statistics.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study, "base", "ablations"),
            code=digest("make_remedies_table"),
        message:
            f"Comparing all remedies ({study})"
        shell:
            "python -P -m workflow_scripts.make_remedies_table --summary results/{params.study}/summary"
            " --study {params.design:q} --out {output.csv} 2> {log}"
