# The 2020/21 form of the report: over the study cw2 and, where they are configured, the studies `remedies` and `search`.

REMEDIES_2020 = "remedies" in ABLATIONS
SEARCH_2020 = "search" in SEARCHES


if "cw2" in COMPARED:
    REPORTS["report/mlp-cw2-2020.pdf"] = "results/cw2/tables/table1.txt"

    rule fill_cw2_2020:
        input:
            summary=summary_of("cw2"),
            figures=[f"results/cw2/figures/{figure}.pdf" for figure in ("curves_problem", "grad_flow_deep")],
            table="results/cw2/tables/table1.tex",
            remedies=(
                [
                    *summary_of("remedies"),
                    "results/remedies/figures/remedies.pdf",
                    "results/remedies/tables/remedies_statistics.tex",
                ]
                if REMEDIES_2020
                else []
            ),
            search=(
                [
                    "results/search/summary/dataset.json",
                    "results/search/figures/search.pdf",
                    "results/search/tables/search.csv",
                    "results/search/chosen.json",
                ]
                if SEARCH_2020
                else []
            ),
            template=source("report/mlp-cw2-2020.tex.j2"),
            answers=source("report/mlp-cw2-2020-answers.tex.j2"),
            style=source("report/gradscape.sty"),
            references=source("report/references.bib"),
        output:
            main="results/report/mlp-cw2-2020/mlp-cw2-2020.tex",
            answers="results/report/mlp-cw2-2020/mlp-cw2-2020-answers.tex",
        log:
            "results/logs/cw2/fill_report_2020.log",
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            shallow=select(COMPARED["cw2"].shallow, flag="--shallow"),
            deep=select(COMPARED["cw2"].deep, flag="--deep"),
            remedies="--remedies results/remedies --study" if REMEDIES_2020 else "",
            design=[design("remedies", "base", "ablations")] if REMEDIES_2020 else [],
            search="--search results/search" if SEARCH_2020 else "",
            student_number=SETTINGS.report.student_number,
            code=digest("fill_report_2020"),
        message:
            "Filling in the 2020/21 form of the report"
        shell:
            "python -P -m workflow_scripts.fill_report_2020 --summary results/cw2/summary --figures results/cw2/figures"
            " --table {input.table} {params.shallow} {params.deep} {params.remedies} {params.design:q} {params.search}"
            " --student-number {params.student_number} --template {input.template:q} --answers {input.answers:q}"
            " --style {input.style:q} --references {input.references:q} --out results/report/mlp-cw2-2020 2> {log}"

    PAPERS["report/mlp-cw2-2020.pdf"] = rules.fill_cw2_2020.output
