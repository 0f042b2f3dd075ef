"""Mutants of one Python module against its tests. Started by scripts/mutate; prints a JSON list of mutants.

    mutate.py MODULE TEST ...     paths from the current folder, which must contain resources/

Our own, because for one module of two hundred lines it is less than what the tools bring: mutmut needs twenty packages, a terminal
interface among them, and a project that is laid out its way; cosmic-ray needs a database and changes the file in place.
"""

from __future__ import annotations

import ast
import copy
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
# pytest 9 with hypothesis 6.170 on Python 3.11 ends with a SystemError of the parser when one module's tests run alone.
PLUGINS = ("-p", "no:hypothesispytest")
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}
STATEMENTS = (ast.Assign, ast.AugAssign, ast.Delete, ast.Raise, ast.Return, ast.Expr)


class Mutant(NamedTuple):
    """A node of the module and the text that takes its place."""

    node: ast.expr | ast.stmt
    to: str


def changed(node: ast.AST, **fields: object) -> str:
    """The node's text with these fields instead."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return ast.unparse(other)


def expression_changes(node: ast.expr) -> Iterator[str]:
    """What could stand in place of an expression."""
    match node:
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS[type(operator)]:
                yield changed(node, ops=[other()])
        case ast.BoolOp(op=operator, values=values):
            yield changed(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            for value in values:
                yield changed(node, values=[one for one in values if one is not value])
        case ast.UnaryOp(operand=operand):
            yield ast.unparse(operand)
        case ast.BinOp(op=operator) if type(operator) in OPERATORS:
            yield changed(node, op=OPERATORS[type(operator)]())
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value)):
            yield str(value + 1)
        case ast.Constant(value=str()):
            yield '""'
        case ast.IfExp(body=body, orelse=orelse):
            yield ast.unparse(body)
            yield ast.unparse(orelse)
        case ast.Lambda():
            yield changed(node, body=ast.Constant(None))
        case ast.Call(func=ast.Name(id=name)) if name in TWINS:
            yield changed(node, func=ast.Name(TWINS[name]))
        case ast.JoinedStr():
            yield '""'
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            yield changed(node, keywords=[one for one in node.keywords if one is not keyword])
    for comprehension in getattr(node, "generators", []):
        for condition in comprehension.ifs:
            bare = copy.deepcopy(node)
            for one in bare.generators:  # type: ignore[attr-defined]
                one.ifs = [other for other in one.ifs if ast.dump(other) != ast.dump(condition)]
            yield ast.unparse(bare)


def mutants_of(node: ast.AST) -> Iterator[Mutant]:
    """Every mutant below a node. Annotations, docstrings and what only type checkers read stay."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, (ast.If, ast.While)):
        yield Mutant(node.test, "False")
        if isinstance(node, ast.If):
            yield Mutant(node.test, "True")
    if isinstance(node, STATEMENTS):
        yield Mutant(node, "pass")
    if isinstance(node, ast.expr):
        for to in expression_changes(node):
            yield Mutant(node, f"({to})")
    if isinstance(node, ast.JoinedStr):
        # Before Python 3.12 its parts have no places of their own.
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from mutants_of(child)


def main() -> None:
    """Run every mutant in a copy of the modules."""
    module, *tests = map(Path, sys.argv[1:])
    source = module.read_bytes()
    lines = source.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    with tempfile.TemporaryDirectory(prefix="nexus-mutate-") as name:
        folder = Path(name)
        (folder / "resources").mkdir()
        for path in Path("resources").glob("*.py"):
            shutil.copy(path, folder / "resources")
        shutil.copytree("resources/tests", folder / "resources/tests")

        def passes(text: bytes, timeout_s: float) -> bool:
            (folder / module).write_bytes(text)
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *PLUGINS, *tests]
            quiet = subprocess.DEVNULL
            try:
                return not subprocess.run(
                    command, cwd=folder, stdout=quiet, stderr=quiet, timeout=timeout_s, check=False
                ).returncode
            except subprocess.TimeoutExpired:
                return False

        began = time.monotonic()
        if not passes(source, 120):
            sys.exit(f"the tests of {module} fail without a mutant: {', '.join(map(str, tests))}")
        timeout_s = 10 + 5 * (time.monotonic() - began)
        report = []
        for node, to in mutants_of(ast.parse(source)):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            survived = passes(source[:start] + to.encode() + source[end:], timeout_s)
            report.append(
                {
                    "line": node.lineno,
                    "code": lines[node.lineno - 1].decode().strip(),
                    "from": source[start:end].decode(),
                    "to": to,
                    "isKilled": not survived,
                }
            )
    print(json.dumps(report))


main()
