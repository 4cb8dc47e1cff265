"""The texts of the HTML report: every figure and table has one, and the report can typeset it."""

import ast
import html
import re
from types import SimpleNamespace

import docutils.core
import docutils.utils
import jinja2
import pandas as pd
import pytest

from tests.conftest import ROOT
from workflow_scripts.engine.text import html_tables, text_tables
from workflow_scripts.engine.workflow import html_labels

RULES = (ROOT / "rules/html_report.smk").read_text()
CAPTIONS = ast.literal_eval(re.search(r"^CAPTIONS = (\{.*?^\})", RULES, re.M | re.S)[1])


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_caption_is_sentences_that_can_be_typeset(caption):
    strict = {"halt_level": docutils.utils.Reporter.INFO_LEVEL, "report_level": docutils.utils.Reporter.SEVERE_LEVEL}
    source = (ROOT / f"report/captions/{caption}.rst").read_text()
    page = docutils.core.publish_parts(source, writer="html", settings_overrides=strict)["html_body"]
    text = re.sub(r"<[^>]+>", "", page).strip()
    assert len(text) > 60 and text.endswith(".")


class Category(str):
    """A name of a category as Snakemake gives it to the first page."""

    @property
    def name(self):
        return str(self)


@pytest.mark.parametrize(
    ("cells", "said", "unsaid"),
    [
        (
            {"base": {"dataset": "small"}},
            "Data: small (scikit-learn's digits). scikit-learn's digits are a small",
            "My",
        ),
        ({"grids": [{"dataset": ["large", "titled"]}]}, "Data: large (CIFAR-10), My `set`*.", "scikit-learn"),
        ({"grids": {"dataset": "large"}}, "Data: large (CIFAR-10).", "scikit-learn"),
        ({}, "A study's figures and tables", "Data:"),
    ],
)
def test_the_first_page_names_the_data(cells, said, unsaid):
    given = {"small": {"source": "digits"}, "large": {"source": "cifar10"}}
    given |= {"titled": {"source": "folder", "title": "My `set`*"}}
    config = {"datasets": given, "studies": {"cw2": {"question": "Why?", **cells}}}
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(
        (ROOT / "report/workflow.rst").read_text()
    )
    categories = {Category("cw2"): {"Tables": [1]}}
    source = template.render(snakemake=SimpleNamespace(config=config), categories=categories)
    source += "\n.. _cw2: javascript:x\n"  # which Snakemake adds
    strict = {"halt_level": docutils.utils.Reporter.INFO_LEVEL, "report_level": docutils.utils.Reporter.SEVERE_LEVEL}
    page = docutils.core.publish_parts(source, writer="html", settings_overrides=strict)["html_body"]
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
    assert said in text and unsaid not in text and "cw2 (1 figures and tables): Why?" in text


@pytest.mark.parametrize("caption", ["ablation", "ablation-table"])
def test_a_factor_goes_by_its_readable_name(caption):
    assert CAPTIONS[caption][1].format(subject="optimizer", factor=html_labels.words("optimizer")).endswith("optimiser")


def test_there_is_no_caption_of_nothing():
    assert {path.stem for path in (ROOT / "report/captions").iterdir()} == set(CAPTIONS)


def test_a_table_is_a_page_with_numbers_to_the_right():
    table = pd.DataFrame({"Network": ["a<b", "2"], "Gain": ["−1.5", "2.00 ± 0.10"], "Best": ["–", "1e-05"]})
    page = html_tables.page(table, "Gains", "a < b\nb < c\n")
    assert re.findall(r":nth-child\((\d)\)", page) == ["2", "3"]
    assert "<p>a &lt; b<br>b &lt; c</p>" in page and "<title>Gains</title>" in page
    shown = [html.unescape(cell) for cell in re.findall("<t[hd]>(.*?)</t[hd]>", page)]  # without numbers of the rows
    assert shown == [*table, *table.loc[0], *table.loc[1]]


def test_a_loss_that_exploded_is_scientific_and_stays_in_a_column_of_numbers():
    shown = text_tables.measure(1.7e26, 7.9e25)
    assert shown == "1.70e+26 ± 7.90e+25" and html_tables.NUMBER.fullmatch(shown)
