# The report of Project 2, on the studies cifar_net and bn_landscape.

REPORTS["report/project2.pdf"] = "results/cifar_net/tables/table1.txt"


rule fill_project2:
    input:
        net=summary_of("cifar_net"),
        table="results/cifar_net/tables/table1.txt",
        chosen="results/cifar_net/chosen.json",
        insight=[f"results/cifar_net/insight/{name}" for name in insight.FILES],
        figures=[
            *(f"results/cifar_net/figures/{figure}.pdf" for figure in ("pareto", *insight.FIGURES)),
            *samples_of("cifar_net"),
        ],
        ablations=[
            f"results/cifar_net/ablations/{factor}.{suffix}"
            for factor in PLAN.ablations["cifar_net"]
            for suffix in ("pdf", "tex")
        ],
        landscape=summary_of("bn_landscape", LANDSCAPE_SUMMARY),
        landscape_table="results/bn_landscape/tables/landscape_table.tex",
        landscape_figures=[
            f"results/bn_landscape/figures/{figure}.pdf"
            for figure in (
                *landscape.FIGURES,
                *(landscape.SURFACES if "bn_landscape" in PLAN.surfaces else []),
            )
        ],
        template=source("report/project2.tex.j2"),
        style=source("report/gradscape.sty"),
        references=source("report/references.bib"),
        own=own_figures(),
    output:
        "results/report/project2/project2.tex",
    log:
        "results/logs/cifar_net/fill_project2.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        net=flags.design(PLAN, "cifar_net", "base", "ablations"),
        landscape=flags.design(PLAN, "bn_landscape"),
        author=lambda wildcards: flags.author(
            SETTINGS.report, "student_number", "author", "code_url", "data_url", "weights_url"
        ),
        code=digest("fill_project2"),
    message:
        "Filling in the report of Project 2"
    shell:
        "python -P -m workflow_scripts.fill_project2 --net results/cifar_net --net-study {params.net:q}"
        " --landscape results/bn_landscape --landscape-study {params.landscape:q} --template {input.template:q}"
        " --style {input.style:q} --references {input.references:q}"
        " {params.author:q} --out results/report/project2 2> {log}"


PAPERS["report/project2.pdf"] = rules.fill_project2.output
