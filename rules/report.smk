# Templates + results -> LaTeX. Nothing in a report is typed in: its numbers are filled in from results/.


if "cw2" in COMPARED:
    REPORTS["report/mlp-cw2.pdf"] = "results/cw2/tables/table1.txt"

    rule fill_cw2:
        input:
            summary=summary_of("cw2"),
            figures=[f"results/cw2/figures/{figure}.pdf" for figure in FIGURES],
            table="results/cw2/tables/table1.tex",
            template=source("report/mlp-cw2-template.tex.j2"),
            questions=source("report/mlp-cw2-questions.tex.j2"),
            style=source("report/gradscape.sty"),
            references=source("report/references.bib"),
        output:
            main="results/report/mlp-cw2/mlp-cw2-template.tex",
            answers="results/report/mlp-cw2/mlp-cw2-questions.tex",
        log:
            "results/logs/cw2/fill_report.log",
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            shallow=select(COMPARED["cw2"].shallow, flag="--shallow"),
            deep=select(COMPARED["cw2"].deep, flag="--deep"),
            student_number=SETTINGS.report.student_number,
            code=digest("fill_report"),
        message:
            "Filling in the report from results/cw2"
        shell:
            "python -P -m workflow_scripts.fill_report --summary results/cw2/summary --figures results/cw2/figures"
            " --table {input.table} {params.shallow} {params.deep} --student-number {params.student_number}"
            " --template {input.template:q} --questions {input.questions:q} --style {input.style:q}"
            " --references {input.references:q} --out results/report/mlp-cw2 2> {log}"

    PAPERS["report/mlp-cw2.pdf"] = rules.fill_cw2.output
