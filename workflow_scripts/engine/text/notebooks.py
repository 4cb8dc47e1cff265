"""Notebooks kept as text: run from the first cell to the last in a fresh kernel, and converted to LaTeX."""

import base64
import os
import tempfile
from types import SimpleNamespace

import jupytext
import pypandoc
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from pygments import highlight
from pygments.formatters import LatexFormatter
from pygments.lexers import PythonLexer

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.text.latex import Tex

SECONDS = 300  # that a cell, the start of the kernel and an output may take
CODE = LatexFormatter(style="friendly")
MARKDOWN = "markdown-auto_identifiers"  # Pandoc's, without a label for every heading
HEADINGS = ["--shift-heading-level-by=-1"]  # `##` is a section: the title is not part of the text
SETTINGS = {  # of the kernel's environment
    "OMP_NUM_THREADS": "1",  # the last bits depend on the number of threads
    "OPENBLAS_NUM_THREADS": "1",
    "SOURCE_DATE_EPOCH": "0",  # the date in the figures
}


def executed(source, paths):
    """The notebook in the text file `source`, with its outputs; `paths` are folders that it may import from.

    Raises UserError where a cell fails, takes too long or ends the kernel.
    """
    notebook = jupytext.read(source)
    with tempfile.TemporaryDirectory() as folder:  # for files the kernel would leave in the home folder
        places = {"JUPYTER_RUNTIME_DIR": folder, "IPYTHONDIR": folder, "PYTHONPATH": os.pathsep.join(map(str, paths))}
        arguments = ["--InlineBackend.figure_formats=pdf", "--log-level=ERROR"]
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            startup_timeout=SECONDS,
            iopub_timeout=SECONDS,  # after 4 s it would go on without the output
            raise_on_iopub_timeout=True,
            kernel_name="python3",
            coalesce_streams=True,
            extra_arguments=arguments,
        )
        try:
            client.execute(env={**os.environ, **SETTINGS, **places})
        except CellExecutionError as error:
            raise UserError(f"{source}: {_failed(notebook)}: {error.ename}: {error.evalue}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise UserError(f"{source}: a cell failed: {str(error).splitlines()[0]}") from None
    return notebook


def _failed(notebook):
    for cell in notebook.cells:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return f"the cell that begins with {cell.source.splitlines()[0]!r} failed"
    return "a cell failed"


def context(notebook):
    """What the template of a notebook shows, and its pictures as {file name: bytes}.

    `parts` are text, code, output and pictures in their order, as LaTeX; `styles` are the commands for coloured code.
    Raw cells are left out.
    """
    parts, pictures = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(_part("text", pypandoc.convert_text(cell.source, "latex", MARKDOWN, HEADINGS)))
        elif cell.cell_type == "code":
            parts.append(_part("code", highlight(cell.source, PythonLexer(), CODE)))
            for output in cell.outputs:
                if "text" in output:
                    parts.append(_part("output", output.text.rstrip("\n")))
                elif "application/pdf" in output.get("data", {}):
                    name = f"picture{len(pictures)}.pdf"
                    pictures[name] = base64.b64decode(output.data["application/pdf"])
                    parts.append(_part("picture", name))
    title = notebook.metadata.get("title", "")
    return {"title": title, "styles": Tex(CODE.get_style_defs()), "parts": parts}, pictures


def _part(kind, tex):
    return SimpleNamespace(kind=kind, tex=Tex(tex))
