"""What an error that Python, NumPy or torch raised means here, in a sentence."""

import re

TRUTH = """Python asks for one yes or no here, and gets an array of them. With if, and, or, not, max, min and a chain such as
0 < p < 1 it wants a single one: np.any or np.all make one of many; &, | and ~ compare entry by entry; np.where(condition, a, b),
np.maximum and np.minimum choose entry by entry."""
TORCH_WANTED = """torch's functions take torch tensors only, and this task works with NumPy arrays: use NumPy's function of that name
(np.maximum(x, 0) for torch.relu(x), np.exp for torch.exp), or torch.from_numpy(…) on the way in and .numpy() on the way out."""
TORCH_METHOD = """A NumPy array has no {name}: that belongs to a torch tensor. NumPy's own words differ: np.maximum(x, 0) for relu, x[:, None] for
unsqueeze, .astype for to, .copy() for clone, np.log(x), np.exp(x), .T for t(); item and sum exist in both."""
ONE_NUMBER = """The functions of math, and float and int, take one number. NumPy's functions of the same name (np.log, np.exp, np.sqrt) take arrays,
entry by entry."""
NAME = "Python does not know the name {name} here: is it misspelt, or has the cell that defines it not been run?"
UNSET = "The name {name} is used inside the function before anything was put into it, at least on the way that these arguments take."
MODULE = "The check calls what you return with new inputs: return the trained network itself, and nothing besides."
STUB = "A function that it calls is still the untouched one that raises NotImplementedError: write that one first, or run its cell."
STOP = """Does a loop never end, since no round changes what its condition asks about, or changes it the wrong way? Or does it take far more rounds
than it should?"""
RECURSION = "A function calls itself again and again and never returns: is a name used for two things?"
GRAD = "NumPy cannot take over a tensor that autograd still watches: .detach() first, then .numpy()."
SIGNATURE = "The function is called with the arguments of the task, in its order: def {name}({parameters}). Yours takes others."
BROADCAST = "Two arrays do not fit together: print their shapes. From the last axis backwards the sizes must be equal, or one of them 1."
MATMUL = "In a product of matrices the last axis of the left one must be as long as the first of the right one: print both shapes. Is one to be transposed?"
NONE = "Something is None that should hold a value: does a function of yours lack its return, or was the result of something like .sort() kept, which returns nothing?"
CALLED = "Something is called that is no function: is a multiplication sign missing before a bracket, or is a function's name used for a variable too?"
INDEX = "Only whole numbers, slices and arrays of whole numbers or truth values pick entries. Labels as floats want .astype(int), a quotient // in place of /."
OUT_OF_BOUNDS = "An index runs past the end: indices begin at 0, and the last is the size less 1."
LIST_INDICES = "A list takes one index: x[:, 1:] is for arrays. Pick one of its arrays first, as in thetas[0][:, 1:], or walk through them with for."
BRACKETS = "& and | bind more tightly than <, >= and ==: each comparison wants its own brackets, as in (a < 0) | (a >= K)."
FEWER_AXES = "An array has fewer axes, or a tuple fewer entries, than the index supposes: x.shape[1] needs two axes. Print the shape."
LISTS = "A list does no arithmetic with its entries: take its entries one after the other, in a loop or in sum(… for theta in thetas), or make an array of it."
KEYWORD = "The function has no such keyword: NumPy says axis and keepdims, torch says dim and keepdim."
TWO_THINGS = "torch's .max(dim=…) gives two things, the values and their places: take .values, or call amax."
LONG = "torch wants class labels as whole numbers (int64): give them as they are."

NOTHING = "The largest or smallest of nothing is asked for here: for these arguments nothing is left to choose from. Ask first whether there is something, and return what is right where there is not."
GROWS = "An array keeps its size: collect what comes in a list, with .append, and make it an array at the end, np.array(…)."
OF_TENSORS = """relu|unsqueeze|to|clone|detach|numpy|norm|log|log1p|exp|sqrt|square|abs|t|backward|float|double|long|int|bool|cpu|clamp|clamp_min|softmax|log_softmax
|logsumexp|sigmoid|tanh|pow|topk|masked_fill|fill_diagonal_|scatter_|gather|requires_grad_|expand|amax|amin|permute|neg|isnan|numel|dim|new_zeros|index_select""".replace("\n", "")

SINGLE_NUMBER = """A single number is treated like an array here: it has no entries, no shape, no length and no methods. Where an argument may be
a number, x = np.asarray(x) makes an array without dimensions of it; a loop wants np.ravel(x), and a reshape at the end."""
BACKWARD = "backward() starts from one number: take the sum first, (…).sum().backward(), and the derivative by each entry is in .grad."
RANGE = """math.exp ends in an error from 710 on, where np.exp gives infinity and a warning. Is the sign of the exponent right? Another form of
the formula may do without such large numbers: the exponential of −|z| is never above 1."""
DOMAIN = "math.log takes numbers above 0 only, and math.sqrt none below 0: both end in an error there. np.log gives −∞ at 0, with a warning, and NaN below."
TWO_ARRAYS = """np.max, np.min and np.sum take one array, and an axis as the second argument. The larger of two arrays, entry by entry, is
np.maximum(a, b), the smaller np.minimum(a, b)."""
INVERT = "~ turns truth values round, and needs an array of them: np.eye(N, dtype=bool), a comparison, or .astype(bool). For zeros and ones as floats it is 1 − x."
MINUS = "Truth values cannot be subtracted: a & ~b is true where a is and b is not."
NO_WORDS = "An array of numbers has no room for words. Collect them in a list and make an array of it at the end, or make the array with dtype=object."
BOOL_MEAN = "torch takes no mean of truth values or whole numbers: .double().mean()."
POWER = "^ is no power in Python: that is **."
CAST = "An array of whole numbers holds whole numbers only: np.array(x, dtype=float) makes a copy that takes any."
UNPACK = "What stands on the right of = has another number of parts than the left: an array is taken apart row by row. Print its shape; columns are x.T, or x[:, 0]."
TOO_MANY = "There are more indices than the array has axes: print its shape."
RAGGED = "Rows of different lengths make no array, and an entry of an array holds one number: print the shapes."

# What begins the message of an error, by class, and what is said. Groups fill the sentence.
MEANINGS = [
    ("list_indices", "TypeError", r"list indices must be integers or slices, not tuple", LIST_INDICES),
    ("brackets", "TypeError", r"ufunc 'bitwise_(?:and|or)' not supported", BRACKETS),
    ("fewer_axes", "IndexError", r"tuple index out of range", FEWER_AXES),
    ("ambiguous", "ValueError", r"The truth value of an array with more than one element is ambiguous", TRUTH),
    ("ambiguous", "RuntimeError", r"Boolean value of Tensor with more than one value is ambiguous", TRUTH),
    ("two_arrays", "TypeError", r"only integer scalar arrays can be converted to a scalar index|only integer arrays|.*'axis'.*|.*cannot be interpreted as an integer", TWO_ARRAYS),
    ("single_number", "TypeError", r"'(?:float|int|numpy\.float64)' object (?:is not (?:subscriptable|iterable)|does not support item)|iteration over a 0-d array|object of type '(?:float|int)' has no len|len\(\) of unsized", SINGLE_NUMBER),
    ("single_number", "IndexError", r"invalid index to scalar variable|too many indices for array: array is 0-dimensional", SINGLE_NUMBER),
    ("single_number", "AttributeError", r"'(?:float|int)' object has no attribute '(?:shape|ndim|size|ravel|astype|copy|T|flat|reshape|sum|mean|max|min|all|any|item|tolist)'", SINGLE_NUMBER),
    ("scalar_outputs", "RuntimeError", r"grad can be implicitly created only for scalar outputs", BACKWARD),
    ("math_range", "OverflowError", r"math range error|.*[Rr]esult too large|\(34,", RANGE),
    ("math_domain", "ValueError", r"math domain error|expected a positive input|expected a nonnegative input", DOMAIN),
    ("invert", "TypeError", r"ufunc 'invert' not supported|bad operand type for unary ~|~ \(operator\.invert\)", INVERT),
    ("boolean_minus", "TypeError", r"numpy boolean (?:subtract|negative)", MINUS),
    ("no_words", "ValueError", r"could not convert string to float", NO_WORDS),
    ("bool_mean", "RuntimeError", r"mean\(\): (?:could not infer output dtype|input dtype should be)", BOOL_MEAN),
    ("power", "TypeError", r"ufunc 'bitwise_xor' not supported|unsupported operand type\(s\) for \^", POWER),
    ("cast", "UFuncTypeError", r"Cannot cast ufunc", CAST),
    ("cast", "_UFuncOutputCastingError", r"Cannot cast ufunc", CAST),
    ("unpack", "ValueError", r"(?:not enough|too many) values to unpack", UNPACK),
    ("too_many_indices", "IndexError", r"too many indices for array", TOO_MANY),
    ("ragged", "ValueError", r"setting an array element with a sequence|.*inhomogeneous", RAGGED),
    ("torch_wants_tensors", "TypeError", r".*must be (?:a )?Tensor, not .*(?:ndarray|float64)", TORCH_WANTED),
    ("torch_wants_tensors", "TypeError", r".*received an invalid combination of arguments - got \(.*numpy", TORCH_WANTED),
    ("torch_wants_tensors", "TypeError", r".*expected Tensor.*but got .*numpy", TORCH_WANTED),
    ("torch_wants_tensors", "TypeError", r"unsupported operand type\(s\) for .*'Tensor' and '.*ndarray'|.*'numpy.ndarray' and 'Tensor'", TORCH_WANTED),
    ("torch_method", "AttributeError", rf"'numpy\.(?:ndarray|float64|bool)' object has no attribute '(?P<name>{OF_TENSORS})'", TORCH_METHOD),
    ("array_grows", "AttributeError", r"'numpy\.ndarray' object has no attribute 'append'", GROWS),
    ("one_number", "TypeError", r"only (?:0-dimensional arrays|length-1 arrays|size-1 arrays|arrays of size 1) can be converted to Python scalars", ONE_NUMBER),
    ("indices", "IndexError", r"arrays used as indices must be of integer|only integers, slices", INDEX),
    ("indices", "TypeError", r"'float' object cannot be interpreted as an integer|slice indices must be integers|list indices must be integers", INDEX),
    ("lists", "TypeError", r"unsupported operand type\(s\) for .*'list'|can't multiply sequence|can only concatenate list|bad operand type for .*'list'", LISTS),
    ("keyword", "TypeError", r".*unexpected keyword argument '(?:dim|keepdim|axis|keepdims)'", KEYWORD),
    ("two_things", "TypeError", r".*torch\.return_types\.(?:max|min)", TWO_THINGS),
    ("labels_long", "RuntimeError", r".*(?:expected target dtype to be Long|expected scalar type Long)", LONG),
    ("indices", "TypeError", r"only integer scalar arrays can be converted to a scalar index", INDEX),
    ("out_of_bounds", "IndexError", r".*(?:out of bounds|out of range)", OUT_OF_BOUNDS),
    ("unset", "UnboundLocalError", r".*(?:variable|name) '(?P<name>\w+)'", UNSET),
    ("name", "NameError", r"name '(?P<name>\w+)' is not defined", NAME),
    ("no_module", "TypeError", r"a torch\.nn\.Module is asked, not (?P<name>.+)", MODULE),
    ("stub_called", "NotImplementedError", r"", STUB),
    ("endless", "TooLong", r"", STOP),
    ("recursion", "RecursionError", r"", RECURSION),
    ("watched", "RuntimeError", r"Can't call numpy\(\) on Tensor that requires grad", GRAD),
    ("matmul", "ValueError", r"matmul: |shapes .* not aligned", MATMUL),
    ("broadcast", "ValueError", r"operands could not be broadcast|could not broadcast", BROADCAST),
    ("of_nothing", "ValueError", r"zero-size array to reduction operation|attempt to get arg(?:max|min) of an empty|(?:max|min)\(\).* (?:is an )?empty", NOTHING),
    ("none", "TypeError", r".*'NoneType'|.*not NoneType", NONE),
    ("none", "AttributeError", r"'NoneType' object", NONE),
    ("called", "TypeError", r"'[\w.]+' object is not callable", CALLED),
]


def explained(outcome, task):
    """Return (name, sentence) of what an outcome that raised means; both empty where the error says it best itself."""
    kind, message = outcome["raised"][0], outcome["message"]
    calls = rf"{task['name']}\(\) (takes|missing|got an unexpected)"
    if kind == "TypeError" and re.match(calls, message):
        return "signature", SIGNATURE.format(name=task["name"], parameters=", ".join(task["parameters"]))
    for name, wanted, begins, sentence in MEANINGS:
        found = re.match(begins, message, re.S) if kind == wanted else None
        if found and (name != "two_arrays" or re.search(r"np\.(?:max|min|amax|amin|sum|mean)\(", outcome.get("where", ""))):
            return name, " ".join(sentence.format(**found.groupdict()).split())
    return "", ""
