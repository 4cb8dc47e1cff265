# The cells of a study as tidy tables.


rule summarise:
    input:
        cells=cell_files("cell.json"),
        history=cell_files("history.csv"),
        gradients=cell_files("gradients.csv"),
        test=cell_files("test.json"),
    output:
        cells="results/{study}/summary/cells.csv",
        history="results/{study}/summary/history.csv",
        gradients="results/{study}/summary/gradients.csv",
        dataset="results/{study}/summary/dataset.json",
    params:
        code=digest("summarise"),
    log:
        "results/logs/{study}/summary.log",
    conda:
        "../envs/figures.yaml"
    message:
        "Gathering the cells of {wildcards.study}"
    shell:
        "printf '%s\n' {input.cells:q} | xargs -n 1 dirname"
        " | python -m workflow_scripts.summarise --out results/{wildcards.study}/summary 2> {log}"
