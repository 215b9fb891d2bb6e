"""Reads a release's counters of both sides from Prometheus in one question: one moment, and every sample's own time.

A target's `counted` metrics say what is bad, of what, as sums of increases over a window. Here the counters behind them
are read as they stand, because `increase` extrapolates, and a test on counts wants counts. They are added up for each
source, which starts again as one.
"""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Mapping, Sequence

import promql_parser

from fixtures.evidence import Missing
from fixtures.probes import promql
from fixtures.probes.prometheus import Prometheus, Sample
from fixtures.probes.promql import Matcher, Selector
from fixtures.target import Bound, Metric
from scenarios.release.counts import SIDES, Counter, Point, Reading, Series

TERM = "verdigris_term"
SOURCES = ("pod", "instance")  # the labels that tell sources apart, the first that a series has
STARTED = "process_start_time_seconds"
ANY_WINDOW_S = 60.0  # it is parsed, and then dropped


def counter(metric: Metric, bound: Bound | None = None, name: str = "") -> Counter:
    """The counters behind a target's metric, for its own bound or a stricter or laxer one.

    Raises Missing where the metric counts nothing, or not by counters.
    """
    if metric.counted is None:
        raise Missing(f"{metric.title} is not counted")
    of, bad = (
        terms(metric.promql(text, ANY_WINDOW_S, bound)) for text in (metric.counted.of, metric.counted.bad)
    )
    in_flight = len(set(map(_family, bad))) > 1
    return Counter(name or metric.name, of, bad, in_flight, metric.counted.by)


def _family(selector: str) -> str:
    """What counts together: an answer and its status are one step, an attempt and its success are two."""
    name = promql.selectors(selector)[0].metric
    return name.removesuffix("_count").removesuffix("_bucket")


def terms(text: str) -> dict[str, float]:
    """A sum of increases as its selectors with their signs. Raises Missing where it is anything else."""
    try:
        expression = promql_parser.parse(text)
    except ValueError as error:
        raise Missing(f"not an expression of PromQL: {error}: {text}") from error
    sums: Sums[str] = Sums()
    _add(expression, 1, sums, text)
    return {selector: float(sign) for selector, sign in sums.items() if sign}


def _add(expression: promql_parser.Expr, sign: int, sums: Sums[str], text: str) -> None:
    match expression:
        case promql_parser.ParenExpr():
            _add(expression.expr, sign, sums, text)
        case promql_parser.AggregateExpr() if str(expression.op) == "sum":
            _add(expression.expr, sign, sums, text)
        case promql_parser.BinaryExpr() if str(expression.op) in ("+", "-"):
            _add(expression.lhs, sign, sums, text)
            _add(expression.rhs, sign if str(expression.op) == "+" else -sign, sums, text)
        case promql_parser.BinaryExpr() if str(expression.op) == "or" and _is_nothing(expression.rhs):
            _add(expression.lhs, sign, sums, text)
        case promql_parser.Call() if expression.func.name == "increase":
            (selector,) = promql.selectors(expression.prettify())
            sums[str(selector)] += sign
        case _:
            raise Missing(f"not a sum of increases of counters: {' '.join(text.split())}")


def _is_nothing(expression: promql_parser.Expr) -> bool:
    """0 times something: there for its labels only."""
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    return (
        isinstance(expression, promql_parser.BinaryExpr)
        and str(expression.op) == "*"
        and isinstance(expression.lhs, promql_parser.NumberLiteral)
        and expression.lhs.val == 0
    )


class PrometheusCounters:
    """Both sides' counters. `namespaces`: which namespace is which side's."""

    def __init__(
        self, prometheus: Prometheus, counters: Sequence[Counter], namespaces: Mapping[str, str]
    ) -> None:
        if sorted(namespaces.values()) != sorted(SIDES):
            raise ValueError(f"a namespace for each of {SIDES}, not {dict(namespaces)}")
        self._prometheus, self._namespaces = prometheus, dict(namespaces)
        self.counters = tuple(counters)
        kinds: dict[str, dict[str, None]] = {}  # of one selector, whichever counter asks for them
        for one in counters:
            for text in (*one.of, *one.bad):
                kinds.setdefault(text, {}).update(dict.fromkeys(one.by))
        self._selectors = [promql.selectors(text)[0] for text in kinds]
        self._labels = [*map(tuple, kinds.values()), ()]
        self.query = " or ".join(
            self._marked(f"{kind}{at}", wrapped.format(self._ours(selector), by=_by(labels)))
            for at, selector in enumerate([*self._selectors, Selector(STARTED)])
            for kind, wrapped, labels in (
                ("value", "sum{by}({})", self._labels[at]),
                ("time", "max{by}(timestamp({}))", ()),
            )
        )

    def read(self) -> Reading:
        """Raises NoEvidence where Prometheus cannot be asked."""
        samples = self._prometheus.query(self.query)
        values: dict[Series, float] = {}
        times: dict[Series, float] = {}
        started: dict[tuple[str, str], float] = {}
        asked_s = 0.0
        for sample in samples:
            asked_s = max(asked_s, sample.at)
            series, kind = self._series(sample)
            if series.counter != STARTED:
                (values if kind == "value" else times)[series] = sample.value
            elif kind == "value":
                started[series.side, series.source] = sample.value
        points = {
            series: Point(value, times[of])
            for series, value in values.items()
            if (of := series._replace(labels="")) in times
        }
        return Reading(asked_s or self._prometheus.one("time()"), points, started)

    def _series(self, sample: Sample) -> tuple[Series, str]:
        labels = dict(sample.labels)
        term = labels.pop(TERM)
        kind = term.rstrip("0123456789")
        at = int(term.removeprefix(kind))
        name = str(self._selectors[at]) if at < len(self._selectors) else STARTED
        side = self._namespaces.get(labels.get("namespace", ""), "")
        source = next((labels[label] for label in SOURCES if label in labels), "")
        answers = " ".join(labels.get(label, "") for label in self._labels[at]) if kind == "value" else ""
        return Series(name, side, source, answers), kind

    def _ours(self, selector: Selector) -> str:
        ours = Matcher("namespace", "=~", "|".join(self._namespaces))
        return str(Selector(selector.metric, (*selector.matchers, ours)))

    @staticmethod
    def _marked(term: str, expression: str) -> str:
        return f'label_replace({expression}, "{TERM}", "{term}", "", "")'


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(('namespace', *SOURCES, *labels))}) "
