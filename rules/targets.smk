# What may have been meant by targets that no rule makes.

import itertools

from workflow_scripts.engine.workflow import targets


def is_made_by_a_rule(path):
    return any(rule.is_producer(path) for rule in workflow.rules)


def is_known(target):
    return workflow.is_rule(target) or is_made_by_a_rule(target)


def targets_to_name():
    """Names of rules, and files whose wildcards have few values: all except those of single cells."""
    values = {
        "study": list(PLAN.studies),
        "dataset": list(PLAN.datasets),
        "paper": [Path(paper).stem for paper in PAPERS],
        "number": [SETTINGS.report.student_number],
    }
    yield from (rule.name for rule in workflow.rules if not rule.has_wildcards())
    products = {file for rule in workflow.rules for file in rule.products()}
    for file in products:
        if (wildcards := file.get_wildcard_names()) <= values.keys():
            for combination in itertools.product(*(values[wildcard] for wildcard in wildcards)):
                path = str(file.apply_wildcards(dict(zip(wildcards, combination, strict=True))))
                if is_made_by_a_rule(path):
                    yield path


def say_what_was_meant():
    asked = workflow.dag_settings.targets if workflow.dag_settings else ()
    unknown = [target for target in asked if not is_known(target) and not ELSEWHERE]  # there, rules make other paths
    known = sorted(set(targets_to_name())) if unknown else []
    for target in unknown:
        near = targets.from_here(target, HERE)
        if near != target and is_known(near):
            yield f"error: {target}: targets are named as seen from this folder: {near}\n"
        elif sentence := targets.meant(near, PLAN, known):
            yield f"error: {sentence}\n"
