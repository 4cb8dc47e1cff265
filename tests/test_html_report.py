"""The words of the HTML report: every figure and table has some, and they are what the report can typeset."""

import ast
import re

import docutils.core
import docutils.utils
import pytest

from tests.conftest import ROOT

RULES = {path.name: path.read_text() for path in (ROOT / "rules").glob("*.smk")}
CAPTIONS = ast.literal_eval(re.search(r"^CAPTIONS = (\{.*?^\})", RULES["html_report.smk"], re.M | re.S)[1])
OUTPUT = re.compile(r"^ +output:\n(.*?)^ +log:", re.M | re.S)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_caption_is_sentences_that_can_be_typeset(caption):
    strict = {"halt_level": docutils.utils.Reporter.INFO_LEVEL, "report_level": docutils.utils.Reporter.SEVERE_LEVEL}
    source = (ROOT / f"report/captions/{caption}.rst").read_text()
    page = docutils.core.publish_parts(source, writer="html", settings_overrides=strict)["html_body"]
    text = re.sub(r"<[^>]+>", "", page).strip()
    assert len(text) > 60 and text.endswith(".")


def test_there_is_no_caption_of_nothing():
    assert {path.stem for path in (ROOT / "report/captions").iterdir()} == set(CAPTIONS)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_figure_and_table_is_in_the_report(name):
    """A figure is the output `pdf` of a rule, a table its `html`; what has a .txt for people has that too."""
    for output in OUTPUT.findall(RULES[name]):
        assert re.findall(r"\b(pdf|html)=", output) == re.findall(r"\b(pdf|html)=\[?\s*in_report\(", output)
        assert "html=" in output or not re.search(r"\btxt\b", output)
