# Searches: the rungs of successive halving, each of which trains what the previous one kept.


checkpoint select_rung:
    input:
        lambda wildcards: PLAN.trained(wildcards.study, rung_cells(wildcards.study, int(wildcards.rung))),
    output:
        "results/{study}/search/rung{rung}.json",
    log:
        "results/logs/{study}/rung{rung}.log",
    wildcard_constraints:
        rung=r"\d+",
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        keep=lambda wildcards: PLAN.searches[wildcards.study].kept(int(wildcards.rung)),
        code=digest("select_rung"),
    message:
        "Choosing from rung {wildcards.rung} of the search {wildcards.study}"
    shell:
        "printf '%s\\n' {input:q}"
        " | python -P -m workflow_scripts.select_rung --keep {params.keep} --out {output} 2> {log}"


rule plot_search:
    input:
        summary=summary_of("{study}"),
        rungs=lambda wildcards: [
            f"results/{wildcards.study}/search/rung{rung}.json"
            for rung in range(len(PLAN.searches[wildcards.study].epochs))
        ],
    output:
        pdf=in_report("results/{study}/figures/search.pdf", "search"),
        csv="results/{study}/figures/search.csv",
        table=[f"results/{{study}}/tables/search.{suffix}" for suffix in ("csv", "tex", "txt")],
        html=in_report("results/{study}/tables/search.html", "search-table"),
    log:
        "results/logs/{study}/search.log",
    wildcard_constraints:
        study=one_of(PLAN.searches),
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        design=design("base", "search", "test"),
        code=digest("plot_search"),
    message:
        "Drawing the search {wildcards.study}"
    shell:
        "python -P -m workflow_scripts.plot_search --summary results/{wildcards.study}/summary --study {params.design:q}"
        " --rungs {input.rungs} --out {output.pdf} --table {output.table[0]} 2> {log}"


TARGETS += expand("results/{study}/{file}", study=PLAN.searches, file=["figures/search.pdf", "tables/search.html"])
