"""One call of a function and what came of it, as plain data: what the grader asks of a student's Python.

The grader sends this file alone to the Python that holds a submission; nothing here knows what is right.
"""

import _thread
import base64
import contextlib
import copy
import functools
import inspect
import io
import linecache
import math
import sys
import threading
import warnings
from dataclasses import dataclass

import numpy as np

LARGEST_RESULT, LARGEST_CHANGE = 4_000_000, 100_000  # bytes of an array
MOST_PAIRS = 1000  # of a dict
EXCEPTION = "the exception"  # so begins what is said of one that was returned


def article(value):
    """Name what a value is, for a sentence."""
    if value is None:
        return "None"
    if isinstance(value, Other):
        return value.what
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    if is_tensor(value):
        return "a torch tensor"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return f"{'an' if isinstance(value, int) else 'a'} {type(value).__name__}"


def count(number, one, many):
    return f"{number} {one if number == 1 else many}"


# One call of a function, and what came of it.


def call(function, arguments, view=None, quiet=True, seconds=None):
    """Call `function` and return what came of it, as plain data.

    arguments: the arguments; a functools.partial among them is called first and its result passed on.
    view: turns a result into plain data, given the result and the arguments. quiet: keep what is printed to itself.
    seconds: how long it may take; None: for ever.

    Returns a dict with "value", or with "raised" (the names of the exception's classes), "message", "where" (the line in
    a notebook's cell) and "stub" (nobody has written the function yet); and, where there is any, with "modified" (the
    arguments that were changed: their positions, and what they are now), "warned" (the first RuntimeWarning) and "printed".
    """
    arguments = [built(copy.deepcopy(argument)) for argument in arguments]
    before = [state(argument) for argument in arguments]
    outcome, printed = {}, io.StringIO()
    with warnings.catch_warnings(record=True) as warned, np.errstate(all="warn", under="ignore"), contextlib.ExitStack() as output:
        warnings.simplefilter("always")
        if quiet:
            output.enter_context(contextlib.redirect_stdout(printed))
        try:
            with at_most(seconds):
                result = function(*arguments)
                outcome["value"] = encode(view(result, *arguments) if view else result, LARGEST_RESULT)
        except KeyboardInterrupt:
            raise
        except TooLong as stopped:
            outcome |= told(stopped, function) | {"too_long": True}
        except BaseException as error:
            outcome |= told(error, function)
    changed = [position for position, argument in enumerate(arguments) if state(argument) != before[position]]
    modified = [[position, encode(arguments[position], LARGEST_CHANGE)] for position in changed]
    warning = next((str(warning.message)[:200] for warning in warned if issubclass(warning.category, RuntimeWarning)), "")
    said = {"modified": modified, "warned": warning, "printed": printed.getvalue()[:1000]}
    return outcome | {name: value for name, value in said.items() if value}


class TooLong(TimeoutError):
    """A call did not end in time."""


@contextlib.contextmanager
def at_most(seconds):
    """Stop what runs inside after `seconds`, as Jupyter's *Interrupt* would. Raises TooLong.

    Signals alone would not do on Windows; a thread alone cannot stop a loop, but it can ask Python to interrupt it.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    ended, rang = threading.Event(), threading.Event()

    def watch():
        patience = seconds
        while not ended.wait(patience):
            rang.set()
            _thread.interrupt_main()
            patience = 1  # the code inside may have caught the first one

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()
    except RuntimeError:  # in a browser there are no threads
        yield
        return
    try:
        try:
            yield
        finally:
            ended.set()
            watcher.join()
    except KeyboardInterrupt as stop:
        if not rang.is_set():
            raise
        raise TooLong(f"still running after {seconds:g} s").with_traceback(stop.__traceback__) from None


def built(argument):
    """Make an argument that has to be made (a torch module, say), always the same."""
    if not isinstance(argument, functools.partial):
        return argument
    if "torch" not in sys.modules:
        return argument()
    random = sys.modules["torch"].random
    with random.fork_rng(devices=[]):
        random.default_generator.manual_seed(0)
        return argument()


def state(argument):
    """Return an argument as plain data that tells whether it was changed."""
    return encode(argument.state_dict() if hasattr(argument, "state_dict") else argument)


def line_of_cell(code, line):
    name = code.co_qualname.split(".<locals>")[0] if code.co_name.startswith("<") else code.co_name  # <genexpr> would say nothing
    return f"in {name}, line {line} of its cell: {linecache.getline(code.co_filename, line).strip()[:200]}"


def told(error, function):
    """Return an exception as plain data."""
    frames = []
    traceback = error.__traceback__
    while traceback:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    in_cells = [(frame.f_code, line) for frame, line in frames if frame.f_globals.get("__name__") == "__main__"]
    where = ""
    if in_cells and not in_cells[-1][0].co_name.endswith("_view"):
        where = line_of_cell(*in_cells[-1])
        if isinstance(error, TooLong) and in_cells[0][0] is not in_cells[-1][0]:  # a loop may be in any of the functions that wait for each other
            where = f"{line_of_cell(*in_cells[0])}\n    {where}"
    code = getattr(function, "__code__", None)
    stub = isinstance(error, NotImplementedError) and frames[-1][0].f_code is code and code.co_names == ("NotImplementedError",)
    try:
        message = str(error)[:300]
    except Exception:
        message = ""
    return {"raised": [kind.__name__ for kind in type(error).__mro__], "message": message, "where": where, "stub": stub}


def train(function, arguments, unseen, seconds=None):
    """Call a function that trains a torch module, then the module on unseen inputs.

    Returns what `call` returns, of the outputs; with "part", the outputs for the first third of the inputs alone.
    """
    asked, part = [], []

    def outputs(model, *_):
        import torch

        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"a torch.nn.Module is asked, not {article(model)}")
        asked.append(unseen)
        model.eval()
        with torch.no_grad():
            whole, third = (np.asarray(model(torch.as_tensor(inputs)).detach().cpu()) for inputs in (unseen, unseen[: len(unseen) // 3]))
        part.append(encode(third, LARGEST_RESULT))
        return whole

    outcome = call(function, arguments, outputs, quiet=False, seconds=seconds)
    if "value" in outcome:
        outcome["part"] = part[0]
    if "raised" in outcome and asked:
        outcome["message"] = f"when the trained module is called with inputs of {np.asarray(unseen).dtype}: {outcome['message']}"
    return outcome


# Plain data as JSON, exact to the last bit, and back.


def encode(value, largest=math.inf):
    """Turn plain data into what JSON can hold; of anything else, and of arrays of more bytes than `largest`, only a description."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.float64 | np.bool_ | np.int64 | np.str_):
        return value.item()
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind == "O" and array.size and all(isinstance(item, str) for item in array.flat):
            array = array.astype(str)
        if array.dtype.kind == "U" and array.nbytes <= largest:
            return {"strings": array.tolist()}
        if array.dtype.kind not in "biufc":
            return {"other": f"an array of dtype {array.dtype}"}
        if array.nbytes > largest:
            return {"other": f"an array of shape {array.shape}, which is far too large"}
        return {"array": base64.b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [encode(item, largest) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item, largest)] for key, item in value.items()]}
    if isinstance(value, functools.partial):
        return {"make": value.func.__name__, "with": encode(value.args), "and": encode(value.keywords)}
    if inspect.isfunction(value):
        return {"function": value.__name__}
    if isinstance(value, BaseException) or (isinstance(value, type) and issubclass(value, BaseException)):
        return {"other": f"{EXCEPTION} {(value if isinstance(value, type) else type(value)).__name__}"}
    if is_tensor(value):
        return {"tensor": encode(value.detach().cpu().numpy(), largest)}
    return {"other": f"an object of type {type(value).__name__}"}


def decode(code, names=None):
    """Undo `encode`. Functions, and makers of arguments, are looked up in `names`; without these, a tensor is a Tensor, only to look at.

    Raises ValueError, TypeError or KeyError for what `encode` cannot have written.
    """
    if not isinstance(code, dict):
        return code
    if "array" in code:
        dtype = np.dtype(str(code["dtype"]))
        if dtype.kind not in "biufc":
            raise ValueError(f"an array of dtype {dtype}")
        return np.frombuffer(base64.b64decode(code["array"]), dtype).reshape(code["shape"]).copy()
    if "strings" in code:
        return strings(code["strings"])
    if "list" in code:
        return [decode(item, names) for item in code["list"]]
    if "tuple" in code:
        return tuple(decode(item, names) for item in code["tuple"])
    if "dict" in code:
        if len(code["dict"]) > MOST_PAIRS:  # whose keys may all have the same hash
            raise ValueError("a dict that is too large")
        return {decode(key, names): decode(item, names) for key, item in code["dict"]}
    if "tensor" in code:
        tensor = Tensor(np.asarray(decode(code["tensor"])))
        return tensor if names is None else tensor.of_torch()
    if "make" in code:
        return functools.partial(names[code["make"]], *decode(code["with"], names), **decode(code["and"], names))
    if "function" in code:
        return names[code["function"]]
    return Other(str(code["other"]))


def strings(nested):
    """Return nested lists of strings as an array, where each takes as much as the longest. Raises ValueError when that is too much."""
    items, shape = [nested], []
    while items and all(isinstance(item, list) for item in items):
        shape.append(len(items[0]))
        items = [inner for item in items for inner in item]
    if not all(isinstance(item, str) for item in items):
        raise ValueError("an array of strings and other things")
    if 4 * len(items) * max(map(len, items), default=0) > LARGEST_RESULT:
        raise ValueError("an array of strings that is far too large")
    return np.array(items, dtype=str).reshape(shape)


@dataclass(frozen=True)
class Other:
    """Something that is not plain data."""

    what: str


class Tensor:
    """The values of a torch tensor, which can be looked at without importing torch."""

    def __init__(self, values):
        if values.dtype.kind not in "biufc":
            raise TypeError(f"a tensor of dtype {values.dtype}")
        self.values = values

    def numpy(self):
        return self.values

    def of_torch(self):
        import torch

        return torch.from_numpy(self.values)

    def __repr__(self):
        return repr(self.of_torch())


def is_tensor(value):
    torch = sys.modules.get("torch")
    return isinstance(value, Tensor) or (torch is not None and isinstance(value, torch.Tensor))


# What the grader asks of a submission's kernel. The verdict is not decided there.


def answer(request, names):
    """Call the functions of `names` as the grader asks. Returns plain data.

    request: a dict with "name"; "helpers", the source of what arguments are made of; and either "cases", a list of encoded
    arguments, or "arguments" and "unseen" of a trained task. "instead" lists the functions that "helpers" defines too, to be
    used in place of the submission's own.
    """
    function = names.get(request["name"])
    if not callable(function):
        return {"missing": True}
    helpers = {"__name__": "helpers"}
    exec(request["helpers"], helpers)
    own = dict(names)
    names.update({other: helpers[other] for other in request.get("instead", ())})
    try:
        if "cases" not in request:
            arguments = [decode(argument, helpers) for argument in request["arguments"]]
            return {"outcomes": [train(function, arguments, decode(request["unseen"], helpers))]}
        view = helpers.get(f"{request['name']}_view")
        return {"outcomes": [call(function, [decode(argument, helpers) for argument in case], view) for case in request["cases"]]}
    finally:
        names.clear()
        names.update(own)
