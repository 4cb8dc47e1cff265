"""What the source says about itself: which names are registered, and which definitions a cell runs.

Both are read from the source text, so neither imports PyTorch: a dry-run of ten thousand cells stays quick.

A cell must be trained again when code that it runs has changed, and only then. Snakemake does not see imported
modules, and whole modules would be too coarse (a new block class would retrain every cell). So the digest is
taken over *definitions*: starting from a command and from what the cell's record names, every top-level
definition that can be reached by name is hashed, without its layout and its prose: comments, docstrings, the texts
of exceptions and messages, and the descriptions of keys and flags.
"""

import ast
import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.engine.commands import UserError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("models", "workflow_scripts")
DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass
class Definition:
    """One top-level statement: what it says, the names it uses, and the (kind, name) it is registered under."""

    text: str
    uses: set
    registered: tuple | None = None


@dataclass
class Module:
    """A source file: definitions by name, statements that run whenever it is imported, and imported names."""

    definitions: dict = field(default_factory=dict)
    statements: list = field(default_factory=list)
    imports: dict = field(default_factory=dict)  # local name -> (module, name in it or None)

    def define(self, name, definition):
        """Add a definition; a name covers every statement that assigns or changes it, as `TABLE[key] = value` does."""
        if before := self.definitions.get(name):
            text, uses = f"{before.text}\n{definition.text}", before.uses | definition.uses
            definition = Definition(text, uses, definition.registered or before.registered)
        self.definitions[name] = definition


def registered(kind):
    """{name: (module, definition)} of all `@register_<kind>("name")` in the project's source, in source order."""
    return _registrations().get(kind, {})


def _registered_as(kind, name):
    known = registered(kind)
    if name not in known:
        raise UserError(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")
    return known[name]


@functools.cache
def digest(entry, names=(), instead=(), without=()):
    """Hex digest of the code reachable from the module `entry` and from the registered `names`: (kind, name) pairs.

    `instead` holds ((module, name), text): the text counts in place of that definition and of whatever only it uses.
    The modules in `without`, and whatever only they use, do not count.

    >>> digest("workflow_scripts.train_cell", (("model", "vgg38"), ("block", "bn")))  # doctest: +SKIP
    """
    todo = [(entry, None)] + [_registered_as(kind, name) for kind, name in names]
    seen, parts = {place for place, _ in instead}, [f"{module}.{name}: {text}" for (module, name), text in instead]
    while todo:
        place = todo.pop()
        if place in seen or place[0] in without:
            continue
        seen.add(place)
        module, name = place
        source = _module(module)
        if name is None:  # an imported module: what it runs on import, and (for the entry) all that it defines
            found = source.statements
            if module == entry:
                found = found + list(source.definitions.values())
        else:
            found = [source.definitions[name]]
            todo.append((module, None))
        for definition in found:
            parts.append(f"{module}.{name}: {definition.text}")
            todo += _targets(module, source, definition.uses)
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


@functools.cache
def folder_digest(folder):
    """Hex digest of all source files under `folder`, for code that is imported from outside `PACKAGES`: Beras."""
    parts = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = _wordless(path)
        parts.append(f"{path.relative_to(ROOT / folder)}: {ast.unparse(tree)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _targets(module, source, uses):
    """The definitions and modules of this project that the dotted names `uses` refer to."""
    for dotted in uses:
        head, *rest = dotted.split(".")
        if head in source.definitions:
            yield module, head
        elif head in source.imports:
            target, name = source.imports[head]
            rest = [name, *rest] if name else rest
            while rest and _path(f"{target}.{rest[0]}"):  # `from package import module`, `import package.module`
                target = f"{target}.{rest.pop(0)}"
            name = rest[0] if rest else None
            if not _path(target):
                continue
            there = _module(target)
            yield target, name if name in there.definitions else None
            if name not in there.definitions and name in there.imports:  # `there` imports it itself
                yield from _targets(target, there, [".".join(rest)])


@functools.cache
def _path(module):
    """The file of a module of this project, or None."""
    if module.split(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@functools.cache
def _registrations():
    table = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if b"@register_" not in path.read_bytes():
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for name, definition in _module(module).definitions.items():
                if definition.registered:
                    kind, key = definition.registered
                    table.setdefault(kind, {})[key] = (module, name)
    return table


@functools.cache
def _module(name):
    module = Module()
    tree = _wordless(_path(name))
    for node in ast.walk(tree):  # also those inside functions
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.split(".")[0]  # the only name that `import package.module` binds
                module.imports[alias.asname or package] = (alias.name if alias.asname else package, None)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(name, node)
            for alias in node.names:
                if alias.name == "*" and _path(source):
                    there = _module(source)
                    module.imports |= {one: (source, one) for one in (*there.definitions, *there.imports)}
                else:
                    module.imports[alias.asname or alias.name] = (source, alias.name)
    for node in tree.body:
        definition = Definition(ast.unparse(node), _names(node))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            definition.registered = _registration(node)
            module.define(node.name, definition)
        elif names := _assigned(node, module):
            for name in names:
                module.define(name, definition)
        elif not isinstance(node, (ast.Import, ast.ImportFrom)):
            module.statements.append(definition)
    return module


def _assigned(node, module):
    """The names of this module that an assignment binds or changes."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    leaves = (leaf for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name))
    return [leaf.id for leaf in leaves if isinstance(leaf.ctx, ast.Store) or leaf.id in module.definitions]


def _absolute(module, node):
    """The module that a `from` import names, which may be relative to `module`."""
    if not node.level:
        return node.module
    package = module.split(".")
    if _path(module).name != "__init__.py":
        package.pop()
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def _registration(node):
    """(kind, name) of a `@register_<kind>("name")` decorator, or None."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.args:
            function, argument = decorator.func.id, decorator.args[0]
            if function.startswith("register_") and isinstance(argument, ast.Constant):
                return function.removeprefix("register_"), argument.value
    return None


def _names(node):
    """Every name that a statement reads, with its attributes: `nn.functional.relu` and `nn` among them."""
    names = set()
    for leaf in ast.walk(node):
        if isinstance(leaf, ast.Name):
            names.add(leaf.id)
        elif isinstance(leaf, ast.Attribute):
            dotted = _dotted(leaf)
            if dotted:
                names.add(dotted)
    return names


def _dotted(node):
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return base and f"{base}.{node.attr}"
    return None


def _wordless(path):
    """The syntax tree of a source file without what only people read.

    That is docstrings, the arguments of raised exceptions, lines printed to stderr, and `help` and `description`.
    Raises UserError where it is no Python.
    """
    try:
        tree = ast.parse(path.read_bytes(), path)
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}, found {(error.text or '').strip()!r}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if _dotted(node.func) == "print" and "sys.stderr" in [_dotted(keyword.value) for keyword in node.keywords]:
                node.args = []
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in ("help", "description")]
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
