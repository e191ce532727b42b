"""Advice: the order of operators that needs the least memory. What the arena is stays the given order's."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gonogo import _core, analysis, units
from gonogo.errors import UnsupportedOperatorError

# Sets of executed operators that the search may look at; some seconds at most.
MOST_STATES = 20_000
# Partial orders that the heuristic keeps per length.
BEAM = 32


@dataclass(frozen=True)
class Work:
    """What decides about the bytes alive, all in bytes and by number.

    `needs`, `makes`: tensors that each operator reads and writes, no constants; `scratch_bytes`: what it has besides
    while it runs; `size_bytes`: of each tensor; `inputs`: tensors there from the start; `kept`: alive to the end.
    """

    needs: tuple[tuple[int, ...], ...]
    makes: tuple[tuple[int, ...], ...]
    scratch_bytes: tuple[int, ...]
    size_bytes: tuple[int, ...]
    inputs: tuple[int, ...]
    kept: tuple[int, ...]

    def peak_bytes(self, order: Sequence[int]) -> int:
        """The most bytes alive at one step of an order; step 0, before the first operator, has the inputs."""
        done, peak = 0, sum(self.size_bytes[t] for t in self.inputs)
        for node in order:
            step, done, _ = self.step(done, node)
            peak = max(peak, step)
        return peak

    def step(self, done: int, node: int) -> tuple[int, int, int]:
        """Bytes alive while `node` runs after the set `done` (bits of operators); the new set; bytes alive in it."""
        before = self.alive(done)
        made = sum(self.size_bytes[t] for t in self.makes[node])
        after = done | 1 << node
        return before + made + self.scratch_bytes[node], after, self.alive(after)

    def alive(self, done: int) -> int:
        """Bytes of the tensors that are there and that an operator not yet run reads, or that are kept."""
        return sum(
            self.size_bytes[t]
            for t, (maker, readers, kept) in enumerate(self._lives)
            if (maker < 0 or done >> maker & 1) and (kept or readers & ~done)
        )

    def ready(self, done: int) -> list[int]:
        return [
            node
            for node, before in enumerate(self._before)
            if not done >> node & 1 and before & done == before
        ]

    @cached_property
    def _lives(self) -> list[tuple[int, int, bool]]:
        """Per tensor: its maker (-1: an input), the operators that read it as bits, and whether it is kept."""
        makers = {t: node for node, made in enumerate(self.makes) for t in made}
        readers = [0] * len(self.size_bytes)
        for node, needed in enumerate(self.needs):
            for t in needed:
                readers[t] |= 1 << node
        kept = set(self.kept)
        return [(makers.get(t, -1), readers[t], t in kept) for t in range(len(self.size_bytes))]

    @cached_property
    def _before(self) -> list[int]:
        """Per operator: those whose results it reads, as bits."""
        makers = [maker for maker, _, _ in self._lives]
        return [sum({1 << makers[t] for t in needed if makers[t] >= 0}) for needed in self.needs]


@dataclass(frozen=True)
class OrderAdvice:
    """The best order of a network's operators that was found, by the most bytes alive at one step.

    `order`: numbers of the nodes in the order to run them. `peak_bytes`: most bytes alive in it; `given_bytes`: in the
    file's order; `at_least_bytes`: no order needs fewer (proved). All are floors of an arena in which no two buffers
    overlap; the planner may need more.
    """

    source: str
    order: tuple[int, ...]
    names: tuple[str, ...]
    peak_bytes: int
    given_bytes: int
    at_least_bytes: int

    @property
    def is_best(self) -> bool:
        """Whether it is proved that no order needs less."""
        return self.peak_bytes == self.at_least_bytes

    def __str__(self) -> str:
        given, best = units.bytes_text(self.given_bytes), units.bytes_text(self.peak_bytes)
        proof = (
            "no order needs less (proved)"
            if self.is_best
            else f"no order needs less than {units.bytes_text(self.at_least_bytes)} (proved)"
        )
        if self.peak_bytes == self.given_bytes:
            return f"{given} alive at the peak in the file's order; no better one found; {proof}"
        return f"{given} alive at the peak in the file's order, {best} in another; {proof}"


def best_order(
    model: analysis.ModelLike, target: analysis.TargetLike, *, states: int = MOST_STATES
) -> OrderAdvice:
    """The order of operators with the fewest bytes alive at its worst step, counted as `ram_live_bytes` are.

    The search goes through sets of executed operators, the cheapest first, and ends with the best order proved; after
    `states` of them it falls back on the best of many greedy orders, with the lower bound reached so far. It is advice:
    reorder the file's operators to follow it. `gonogo.cost` always says what the file as it is needs.

    Raises UnsupportedOperatorError where the scratch memory of a kernel isn't known.
    """
    found = analysis.cost(model, target)
    if found.core.ram_live_bytes is None:
        raise UnsupportedOperatorError(
            f"{found.graph.source}: bytes of an operator aren't known: {'; '.join(found.notes) or 'no plan'}"
        )
    work = work_of(found.graph, found.target_description.core)
    order, peak, least = search(work, states)
    names = tuple(found.graph.nodes[i].name for i in order)
    given = work.peak_bytes(range(len(work.needs)))
    return OrderAdvice(found.graph.source, order, names, peak, given, least)


def work_of(graph: _core.Graph, target: _core.CostTarget) -> Work:
    """The work of a graph, with the planner's own sizes of tensors and scratch buffers."""
    nodes = graph.nodes
    number: dict[str, int] = {}
    sizes: list[int] = []
    scratch = [0] * len(nodes)
    tensors = set(graph.tensor_names)
    for buffer in _core.plan_buffers(graph, target):
        if buffer.name in tensors:
            number[buffer.name] = len(sizes)
            sizes.append(buffer.size_bytes)
        else:
            scratch[buffer.first - 1] += buffer.size_bytes

    def numbers(names: Iterable[str]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(number[name] for name in names if name in number))

    return Work(
        tuple(numbers(node.inputs) for node in nodes),
        tuple(numbers(node.outputs) for node in nodes),
        tuple(scratch),
        tuple(sizes),
        numbers(graph.inputs),
        numbers(graph.outputs),
    )


def search(work: Work, states: int) -> tuple[tuple[int, ...], int, int]:
    """An order, its peak, and a proved lower bound on the peak of every order.

    Best first over sets of executed operators, by the least peak with which a set can be reached: when the set of all
    is taken from the queue, its peak is the optimum; when the search is cut short, the next in the queue is a lower
    bound. An operator that leaves no more bytes alive than before, at no new peak, is run at once: whatever an optimal
    order does later, moving that operator to the front frees its inputs earlier and adds nothing at any step.
    """
    count = len(work.needs)
    everything = (1 << count) - 1
    start = sum(work.size_bytes[t] for t in work.inputs)
    queue: list[tuple[int, int, int, tuple[int, ...]]] = [(start, 0, 0, ())]
    seen: set[int] = set()
    while queue and len(seen) < states:
        peak, _, done, order = heapq.heappop(queue)
        if done == everything:
            return order, peak, peak
        if done in seen:
            continue
        seen.add(done)
        alive = work.alive(done)
        steps = [(node, *work.step(done, node)) for node in work.ready(done)]
        free = next((s for s in steps if s[1] <= peak and s[3] <= alive), None)
        for node, now, after, _ in [free] if free else steps:
            if after not in seen:
                heapq.heappush(queue, (max(peak, now), -len(order), after, (*order, node)))
    order = min((tuple(range(count)), _beam(work)), key=work.peak_bytes)
    return order, work.peak_bytes(order), queue[0][0] if queue else start


def _beam(work: Work) -> tuple[int, ...]:
    """A good order: of all orders of each length, the few with the least peak, then the fewest bytes alive."""
    start = sum(work.size_bytes[t] for t in work.inputs)
    kept: list[tuple[int, int, int, tuple[int, ...]]] = [(start, work.alive(0), 0, ())]
    for _ in work.needs:
        found: dict[int, tuple[int, int, int, tuple[int, ...]]] = {}
        for peak, _, done, order in kept:
            for node in work.ready(done):
                now, after, alive = work.step(done, node)
                candidate = (max(peak, now), alive, after, (*order, node))
                if after not in found or candidate < found[after]:
                    found[after] = candidate
        kept = heapq.nsmallest(BEAM, found.values())
    return kept[0][3]
