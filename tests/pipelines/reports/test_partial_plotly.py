"""Plotly's script in part: less of it, and the whole where it cannot be divided."""

from __future__ import annotations

import base64
import gzip

import pytest
from plotly.offline import get_plotlyjs

from ihas_pipelines.reports.partial_plotly import library, packed_library, split

SMALL = (
    'var Plotly=(()=>{var W=(e)=>()=>e;function help(){return/[})]/.test("`")?`${left({a:1})}`:1/2/3}'
    'var left=W(1),right=W(2);var barModule=W(()=>({moduleType:"trace",name:"bar",calc:help}));var pieModule=W(()=>{right();'
    'return{moduleType:"trace",name:"pie"}});var bar=W(()=>{barModule()});var pie=W(()=>{pieModule()});var map=W(()=>"huge");'
    "var all=W(()=>{core.register([bar(),pie()])});return all()})();\n/*! licences */"
)


def test_what_is_not_drawn_is_left_out() -> None:
    """Half of the script at least; what is packed is the same; a kind that does not exist takes the whole."""
    part, packed = packed_library(frozenset({"bar", "heatmap", "scatter"}))

    assert len(part) < 0.6 * len(get_plotlyjs())
    assert gzip.decompress(base64.b64decode(packed)).decode() == part
    assert library(frozenset({"scatter"})).count('moduleType:"trace"') < part.count('moduleType:"trace"')
    assert library(frozenset({"no such plot"})) == get_plotlyjs()


def test_declarations_are_followed_by_name() -> None:
    """Patterns, templates and divisions are told apart; what nothing reaches goes."""
    part = library(frozenset({"bar"}), SMALL)

    assert "pieModule=" not in part
    assert "huge" not in part
    assert "barModule=" in part
    assert "function help()" in part
    assert part.endswith(SMALL[SMALL.index("return all()") :])
    assert ".register([bar()])" in part


@pytest.mark.parametrize("script", ["", "var Plotly=1", SMALL.replace("register", "add"), SMALL.replace("()=>e;", "()=>e);")])
def test_a_script_of_another_form_is_taken_whole(script: str) -> None:
    """Nothing is left out of what is not understood."""
    assert library(frozenset({"bar"}), script) == script


def test_brackets_must_match() -> None:
    """Otherwise it is no script."""
    with pytest.raises(ValueError, match=r"\("):
        list(split("f(", 0, 2))
