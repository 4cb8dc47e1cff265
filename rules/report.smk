# Templates + results -> LaTeX. No number in a report is typed by hand: all are filled in from results/.

# What the 2020/21 form of the report covers besides cw2, where it is configured: {study: (its files, its design)}.
BESIDE = {}
if "remedies" in PLAN.ablations:
    BESIDE["remedies"] = (
        [
            *summary_of("remedies"),
            "results/remedies/figures/remedies.pdf",
            "results/remedies/tables/remedies_statistics.tex",
        ],
        flags.design(PLAN, "remedies", "base", "ablations"),
    )
if "search" in PLAN.searches:
    BESIDE["search"] = (
        [
            "results/search/summary/dataset.json",
            "results/search/figures/search.pdf",
            "results/search/tables/search.csv",
            "results/search/chosen.json",
        ],
        flags.design(PLAN, "search", "base", "search", "test"),
    )

# form of the report: (its fixed part, its answers, the figures of cw2 that it shows, studies besides cw2)
FORMS = {
    "mlp-cw2": ("mlp-cw2-template", "mlp-cw2-questions", list(comparison.FIGURES), {}),
    "mlp-cw2-2020": ("mlp-cw2-2020", "mlp-cw2-2020-answers", ["curves_problem", "grad_flow_deep"], BESIDE),
}

for form, (main, answers, shown, beside) in FORMS.items():
    REPORTS[f"report/{form}.pdf"] = "results/cw2/tables/table1.txt"
    PAPERS[f"report/{form}.pdf"] = [f"results/report/{form}/{part}.tex" for part in (main, answers)]

    rule:
        name:
            f"fill_{form.replace('-', '_')}"
        input:
            summary=summary_of("cw2"),
            figures=[f"results/cw2/figures/{figure}.pdf" for figure in shown],
            table="results/cw2/tables/table1.tex",
            beside=[path for files, _ in beside.values() for path in files],
            template=source(f"report/{main}.tex.j2"),
            answers=source(f"report/{answers}.tex.j2"),
            style=source("report/gradscape.sty"),
            references=source("report/references.bib"),
            own=own_figures(),
        output:
            PAPERS[f"report/{form}.pdf"],
        log:
            f"results/logs/cw2/fill_{form}.log",
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            form=form,
            shallow=flags.select(PLAN.compared["cw2"].shallow, flag="--shallow"),
            deep=flags.select(PLAN.compared["cw2"].deep, flag="--deep"),
            beside=[
                word
                for study, (_, design_of) in beside.items()
                for word in (f"--{study}", f"results/{study}", f"--{study}-study", design_of)
            ],
            student_number=SETTINGS.report.student_number,
            code=digest("fill_report"),
        message:
            f"Filling in report/{form}.pdf"
        shell:
            "python -P -m workflow_scripts.fill_report --summary results/cw2/summary --figures results/cw2/figures"
            " --table {input.table} {params.shallow} {params.deep} {params.beside:q}"
            " --student-number {params.student_number} --template {input.template:q} --answers {input.answers:q}"
            " --style {input.style:q} --references {input.references:q} --out results/report/{params.form} 2> {log}"
