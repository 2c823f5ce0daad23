"""The numpy session: the engine where onnxruntime has no wheel (32-bit ARM), or where less memory is worth more.

Owns the compiling of a model into a list of numpy calls, all arrays made beforehand, in memory of our own. Must never
run what it does not know wholly: a model with one unknown operator is refused when it is loaded. Loading a model sets
the linear algebra below numpy to one thread in this process.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .manifest import Manifest
from .numpy_operators import write
from .numpy_tape import Array, Tape
from .onnx_file import Form, Graph, Node
from .past import Past
from .session import BEFORE, Pcm, state_of
from .session import Form as Said

_SAID: Mapping[type[np.generic], str] = {np.float32: "float", np.int16: "int16"}
Calls = Sequence[Any]


class NumpySession:
    """A model run by numpy, in place.

    Parameters
    ----------
    manifest : Manifest
        What to load; its sha256 is checked.

    Raises
    ------
    ModelError
        If the file is no ONNX file of the known form, or holds an operator that is not known.
    ModelMismatchError
        If the file is not what its manifest says.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.version = f"numpy {np.__version__}"
        _one_thread()
        _, graph = manifest.verified()
        try:
            sizes = state_of(manifest, _said(graph.inputs), _said(graph.outputs))
            self._samples = Pcm(graph.inputs["pcm"].shape[1] or 0, manifest.chunk)
            self.pcm: NDArray[np.int16] = self._samples.chunk
            self._state = {name: Past(*size, turns=1) for name, size in sizes.items()}
            self._pasts = tuple(self._state.values())
            self._compiled = _Compiled(graph, self._samples.whole, self._state)
            steps = manifest.chunk // manifest.step
            self.scores: NDArray[np.float32] = self._compiled.output("scores", (1, steps, len(manifest.words)))
            made = {name: self._compiled.output(name, past.new().shape) for name, past in self._state.items()}
            elsewhere = [name for name, past in self._state.items() if not np.may_share_memory(made[name], past.new())]
            self._moved = [(self._state[name].new(), made[name]) for name in elsewhere]
        except (ValueError, OverflowError, RecursionError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{manifest.path} cannot be loaded by {self.version}: {error}") from error
        self.forget()

    def run(self) -> None:
        """Run one chunk."""
        with np.errstate(all="ignore"):
            for call in self._compiled.tape.calls:
                call()
        self._samples.keep()
        for new, made in self._moved:
            new[:] = made
        for past in self._pasts:
            past.begin_again()

    def forget(self) -> None:
        """Overwrite everything with zeros."""
        self._wipe()
        # Linear algebra packs what it multiplies into buffers of its own: the same sizes of silence take the same ones.
        with np.errstate(all="ignore"):
            for call in self._compiled.every:
                call()
        self._wipe()

    def _wipe(self) -> None:
        for array in (self._samples.whole, *self._compiled.tape.arrays):
            array[...] = 0
        for past in self._pasts:
            past.wipe()


class _Compiled:
    """A graph as calls: ``tape`` runs it, ``every`` is all calls of all branches.

    What a state is made of lies behind its past from the first, so that nothing is moved where a node joins the two.
    """

    def __init__(self, graph: Graph, pcm: Array, state: Mapping[str, Past]) -> None:
        self.tape = Tape()
        before = {name + BEFORE: past.before() for name, past in state.items()}
        self._given = (pcm, *before.values())
        self._places = {name: past.new() for name, past in state.items()}
        self._joined = {(name + BEFORE, name): past.both() for name, past in state.items()}
        self._named: dict[str, Array] = {"pcm": pcm, **before}
        self._constants: set[str] = set()
        self.every = self._calls(graph, self.tape)

    def output(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return what is made under a name; ValueError if nothing is, or in another form."""
        made = self._named.get(name)
        if made is None or made.shape != shape or made.dtype != np.float32:
            raise ValueError(f"nothing makes {name!r} in the form {shape}")
        # A view of a state would change while the next state is written.
        return self.tape.copy(made) if any(np.may_share_memory(made, one) for one in self._given) else made

    def _calls(self, graph: Graph, tape: Tape) -> list[Any]:
        """Write a graph down, and return the calls of all its branches."""
        every: list[Any] = []
        for name, array in graph.constants.items():
            self._name(name, array, constant=True)
        for node in graph.nodes:
            begun = len(tape.calls)
            try:
                inner = self._node(node, tape)
            except ValueError as error:
                raise ValueError(f"at {node.output!r} ({node.kind}): {error}") from error
            every += inner if inner is not None else tape.calls[begun:]
        return every

    def _node(self, node: Node, tape: Tape) -> list[Any] | None:
        """Write a node down; of a node with branches, return the calls of both."""
        for name in node.inputs:
            if name not in self._named:
                raise ValueError(f"it reads {name!r}, which nothing makes before")
        if node.kind == "If":
            return self._if(node, tape)
        constant = all(name in self._constants for name in node.inputs)
        if node.kind == "Constant":
            made = node.attributes.get("value")
            if set(node.attributes) != {"value"} or node.inputs or not isinstance(made, np.ndarray):
                raise ValueError("it is no constant that is known")
        elif constant:  # computed once, here: weights are halves in the file
            once = Tape(np.zeros)
            made = write(node, [self._named[name] for name in node.inputs], once)
            for call in once.calls:
                call()
        elif (joined := self._already_joined(node)) is not None:
            made = joined
        else:
            tape.place = self._places.get(node.output)
            made = write(node, [self._named[name] for name in node.inputs], tape)
            tape.place = None
        self._name(node.output, made, constant=constant)
        return None

    def _already_joined(self, node: Node) -> Array | None:
        """Return a state's past with what was made behind it, where a node would join these two."""
        if (node.kind, node.attributes) != ("Concat", {"axis": 0}) or len(node.inputs) != 2:
            return None
        joined = self._joined.get((node.inputs[0], node.inputs[1]))
        there = joined is not None and np.may_share_memory(joined, self._named[node.inputs[1]])
        return joined if there else None

    def _if(self, node: Node, tape: Tape) -> list[Any]:
        asked = self._named[node.inputs[0]] if len(node.inputs) == 1 else np.empty(0)
        if asked.dtype != np.bool_ or asked.size != 1 or set(node.attributes) != {"then_branch", "else_branch"}:
            raise ValueError("it asks for more than one yes or no")
        branches, made, every = [], [], []
        for name in ("then_branch", "else_branch"):
            graph = node.attributes[name]
            if not isinstance(graph, Graph) or graph.inputs or len(graph.outputs) != 1:
                raise ValueError(f"its {name} is no branch with one output")
            branch, outside = Tape(arrays=tape.arrays, spare=tape.spare), set(self._named)
            every += self._calls(graph, branch)
            (output,) = graph.outputs
            made.append(self._named.get(output, np.empty(0)))
            branches.append(branch)
            for inside in self._named.keys() - outside:  # a branch that was not run has made nothing
                del self._named[inside]
                self._constants.discard(inside)
        if made[0].shape != made[1].shape or any(one.dtype != np.float32 for one in made):
            raise ValueError("its branches make different things")
        out = tape.new(made[0].shape)
        for branch, one in zip(branches, made, strict=True):
            branch.copy(one, out)
        tape.calls.append(partial(_choose, asked, branches[0].calls, branches[1].calls))
        self._name(node.output, out, constant=False)
        return every

    def _name(self, name: str, array: Array, *, constant: bool) -> None:
        if name in self._named or not name or array.size == 0:
            raise ValueError(f"{name!r} is there twice, or empty")
        self._named[name] = array
        if constant:
            self._constants.add(name)
            array.flags.writeable = False


def _choose(asked: Array, yes: Calls, no: Calls) -> None:
    for call in yes if asked.item() else no:
        call()


def _said(forms: Mapping[str, Form]) -> dict[str, Said]:
    """Return forms as ONNX names them."""
    return {
        name: (f"tensor({_SAID.get(form.dtype, form.dtype.__name__)})", *form.shape) for name, form in forms.items()
    }


def _one_thread() -> None:
    """Let the linear algebra below numpy use one thread in this process: others would spin between two chunks."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
