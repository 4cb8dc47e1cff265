# What the rules know about the course: runs made with its framework that join a study, and the student number.

from workflow_scripts.engine.course import folders as experiments, submission as handin


def external_runs(study):
    """{name: its section} of the runs made with the course's framework that join a study."""
    return {name: run for name, run in SETTINGS.external_runs.items() if run.joins == study}


def external_files(wildcards):
    """The files of these runs that are read; a missing summary is an error before anything is done.

    Snakemake does not report a missing input where the outputs exist from an earlier run.
    """
    found = []
    for name, run in external_runs(wildcards.study).items():
        for path in (folder / file for folder in run.folder for file in experiments.FILES):
            if path.exists() or any(one.is_producer(str(path)) for one in workflow.rules):
                found.append(str(path))
            elif path.match(experiments.SUMMARY):
                sys.exit(f"error: external_runs.{name}.folder: expected a run with the file {path}, found none")
    return found


def external_flags(wildcards):
    """The flags of summarise that name these runs."""
    runs = {name: run.model_dump(mode="json") for name, run in external_runs(wildcards.study).items()}
    return ["--external", json.dumps(runs)] if runs else []


def external_names(study):
    """The flags that name these runs, for the commands that draw them."""
    return "".join(f" --external {name}" for name in external_runs(study))


def student_number(wildcards):
    """The number in the wildcard; it is an error if it is malformed or not the report's."""
    try:
        return handin.checked(wildcards.number, SETTINGS.report.student_number)
    except commands.UserError as error:
        sys.exit(f"error: {error}")
