"""What an expression reads, by a real parser."""

from __future__ import annotations

import pytest

from fixtures.evidence import Missing
from fixtures.probes.promql import same, selectors


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("up", ["up"]),
        ('up{job="postgresql"} == 0', ['up{job="postgresql"}']),
        (
            'sum(rate(a_total{status=~"5.."}[5m])) by (b) / sum(rate(a_total[5m]))',
            ['a_total{status=~"5.."}', "a_total"],
        ),
        ("a * on (b) group_left (c) d offset 5m", ["a", "d"]),
        ("max_over_time(rate(a[1m])[10m:1m])", ["a"]),
        ('{__name__="a", b!="c", d!~"e"}', ['{__name__="a", b!="c", d!~"e"}']),
        ('absent(up{job="x"}) or up', ["up"]),
        ('a{b="x{y}\\"z"}', ['a{b="x{y}\\"z"}']),
        ("vector(1) > 2", []),
    ],
)
def test_each_vector_is_found_once_and_functions_and_labels_are_none(
    expression: str, reads: list[str]
) -> None:
    assert [str(one) for one in selectors(expression)] == reads


def test_what_is_no_expression_is_no_evidence() -> None:
    with pytest.raises(Missing, match="not an expression of PromQL"):
        selectors("sum(")


def test_spaces_do_not_matter_and_windows_only_where_asked() -> None:
    assert same("sum( rate(a[5m]) )>5", "sum(rate(a[5m])) > 5")
    assert not same("rate(a[5m])", "rate(a[5s])")
    assert same("rate(a[5m] offset 1h)", "rate(a[5s] offset 1m)", windows=False)
    assert not same("rate(a[5m])", "rate(b[5m])", windows=False)
