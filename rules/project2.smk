# The report and the hand-in of Project 2, on the studies cifar_net and bn_landscape.

REPORTS["report/project2.pdf"] = "results/cifar_net/tables/table1.txt"
PROJECT2_FIGURES = [
    *(f"results/cifar_net/figures/{figure}.pdf" for figure in ("curves_chosen", "pareto", *insight.FIGURES)),
    *samples_of("cifar_net"),
    *(f"results/bn_landscape/figures/{figure}.pdf" for figure in landscape.FIGURES),
    *(
        f"results/{study}/figures/{figure}.pdf"
        for study in ("cifar_net", "bn_landscape")
        if study in PLAN.surfaces
        for figure in landscape.SURFACES
    ),
]


rule fill_project2:
    input:
        net=summary_of("cifar_net"),
        table="results/cifar_net/tables/table1.txt",
        chosen="results/cifar_net/chosen.json",
        insight=[f"results/cifar_net/insight/{name}" for name in insight.FILES],
        figures=PROJECT2_FIGURES,
        ablations=[
            f"results/cifar_net/ablations/{factor}.{suffix}"
            for factor in PLAN.ablations["cifar_net"]
            for suffix in ("pdf", "tex")
        ],
        landscape=summary_of("bn_landscape", LANDSCAPE_SUMMARY),
        landscape_table="results/bn_landscape/tables/landscape_table.tex",
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
        net=flags.design(PLAN, "cifar_net", "base", "ablations", "surface"),
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


rule project2_submission:
    input:
        report="report/project2.pdf",
        chosen="results/cifar_net/chosen.json",
        cells=lambda wildcards: final_files("cifar_net"),  # one of which is chosen
        tables=[
            "results/cifar_net/tables/table1.csv",
            "results/bn_landscape/tables/landscape_table.csv",
            *(f"results/cifar_net/ablations/{factor}.csv" for factor in PLAN.ablations["cifar_net"]),
        ],
        figures=[path.replace(".pdf", ".csv") for path in PROJECT2_FIGURES],
        program=program_of_hand_in,
    output:
        "submission/project2.zip",
    log:
        "results/logs/cifar_net/submission.log",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        config=lambda wildcards: json.dumps(config),  # no pattern: words in braces are no wildcards
        code=digest("pack_project2"),
    message:
        "Packing {output}"
    shell:
        "python -P -m workflow_scripts.pack_project2 --report {input.report} --chosen {input.chosen}"
        " --csv {input.tables} {input.figures} --config {params.config:q} --out {output} 2> {log}"
