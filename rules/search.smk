# Searches: the rungs of successive halving, each of which trains what the previous one kept.


def kept(study, rung):
    """The cells whose recipes go on from a rung of a study's search; known once the rung is trained."""
    path = checkpoints.select_rung.get(study=study, rung=rung).output[0]
    with open(path) as file:
        return [STUDIES[study][name] for name in json.load(file)["kept"]]


def rung_cells(study, rung):
    """Names of the cells that a rung of a study's search trains."""
    recipes = kept(study, rung - 1) if rung else SEARCHES[study].recipes
    return [cells.cell_name(cell) for cell in SEARCHES[study].rung(rung, recipes)]


def final_cells(study):
    """Names of the cells with the recipe that a study's search chose; of all its cells if it has no search."""
    if study not in SEARCHES:
        return list(STUDIES[study])
    (recipe,) = kept(study, len(SEARCHES[study].epochs) - 1)
    return [cells.cell_name(cell) for cell in SEARCHES[study].final(recipe)]


def wanted_cells(study):
    """Names of the cells of a study that are trained: all except those of candidates that a search dropped."""
    final = final_cells(study)
    if study in SEARCHES:
        rungs = [name for rung in range(len(SEARCHES[study].epochs)) for name in rung_cells(study, rung)]
        others = [name for name in STUDIES[study] if name not in CANDIDATES[study]]
        final = list(dict.fromkeys([*others, *rungs, *final]))
    return final


checkpoint select_rung:
    input:
        lambda wildcards: trained(wildcards.study, rung_cells(wildcards.study, int(wildcards.rung))),
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
        keep=lambda wildcards: SEARCHES[wildcards.study].kept(int(wildcards.rung)),
        code=digest("select_rung"),
    message:
        "Choosing from rung {wildcards.rung} of the search {wildcards.study}"
    shell:
        "printf '%s\\n' {input:q}"
        " | python -P -m workflow_scripts.select_rung --keep {params.keep} --out {output} 2> {log}"


# the rule's name, in the workflow that uses this one as a module if there is one; None where that leaves it out
RUNGS = checkpoints.select_rung.rule.name if hasattr(checkpoints, "select_rung") else None


for study in SEARCHES:

    rule:
        name:
            f"plot_search_{study}"
        input:
            summary=summary_of(study),
            rungs=[f"results/{study}/search/rung{rung}.json" for rung in range(len(SEARCHES[study].epochs))],
        output:
            pdf=in_report(f"results/{study}/figures/search.pdf", "search"),
            csv=f"results/{study}/figures/search.csv",
            table=[f"results/{study}/tables/search.{suffix}" for suffix in ("csv", "tex", "txt")],
            html=in_report(f"results/{study}/tables/search.html", "search-table"),
        log:
            f"results/logs/{study}/search.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study, "base", "search", "test"),
            code=digest("plot_search"),
        message:
            f"Drawing the search {study}"
        shell:
            "python -P -m workflow_scripts.plot_search --summary results/{params.study}/summary --study {params.design:q}"
            " --rungs {input.rungs} --out {output.pdf} --table {output.table[0]} 2> {log}"
