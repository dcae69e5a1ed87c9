"""C function declarations as values: read from torch's headers and from the rows of Functions.def, then compared."""

import re
from dataclasses import dataclass, replace

COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
EXPORTED = re.compile(r"\bAOTI_TORCH_EXPORT\b\s*(?P<declaration>[^;{]*?\))\s*;", re.DOTALL)
ALIAS = re.compile(r"^\s*using\s+(\w+)\s*=\s*([\w\s*]+);", re.MULTILINE)
FUNCTION_ALIAS = re.compile(
    r"^\s*typedef\s+(\w[\w\s*]*?)\(\s*\*\s*(\w+)\s*\)\s*(\([^;]*\))\s*;", re.MULTILINE
)
ROW = re.compile(r"^\s*CT_FUNCTION\((?P<kind>\w+)\s*,\s*(?P<name>\w+)\s*,", re.MULTILINE)
SINCE = re.compile(r"TORCH_FEATURE_VERSION\s*>=\s*TORCH_VERSION_(\d+)_(\d+)_\d+")
FUNCTION_POINTER = re.compile(
    r"(?P<result>.+?)\(\s*\*\s*(?P<name>\w*)\s*\)\s*\((?P<parameters>.*)\)", re.DOTALL
)
QUALIFIERS = {"const", "struct", "unsigned", "signed", "volatile"}
SAME = {"_Bool": "bool", "signed int": "int"}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type in one spelling, and its name."""

    type: str
    name: str

    def __str__(self):
        return f"{self.type} {self.name}".strip()


@dataclass(frozen=True)
class Function:
    """One C function. `since` is the torch version that has it first, `cuda` whether only CUDA builds do."""

    name: str
    result: str
    parameters: tuple
    line: int = 0
    kind: str = ""
    since: tuple = (0, 0)
    cuda: bool = False


class Types:
    """Spells a C type in one way: names of other types resolved, blanks removed, one order of words."""

    def __init__(self):
        self.aliases = {}

    def learn(self, header):
        """Takes in what a header names anew."""
        for name, meaning in ALIAS.findall(header):
            self.aliases[name] = meaning
        for result, name, parameters in FUNCTION_ALIAS.findall(header):
            self.aliases[name] = f"{result}(*){parameters}"

    def normal(self, text):
        if match := FUNCTION_POINTER.fullmatch(text.strip()):
            inside = ",".join(parameter.type for parameter in self.parameters(match["parameters"]))
            return f"{self.normal(match['result'])}(*)({inside})"
        words, stars = [], ""
        for word in re.findall(r"[\w:<>]+|\*", text):
            if word == "*":
                stars += "*"
            elif word in self.aliases:
                meaning = self.normal(self.aliases[word])
                bare = meaning.rstrip("*")
                words.append(bare)
                stars += meaning[len(bare) :]
            elif word != "struct":
                words.append(SAME.get(word, word))
        return " ".join(sorted(words, key=lambda word: word != "const")) + stars

    def parameters(self, text):
        """The parameters of a list without its parentheses."""
        if text.strip() in ("", "void"):
            return ()
        return tuple(self.parameter(part) for part in split_top(text))

    def parameter(self, text):
        text = text.strip()
        if match := FUNCTION_POINTER.fullmatch(text):
            return Parameter(self.normal(text), match["name"])
        words = re.findall(r"[\w:<>]+|\*", text)
        named = (
            len([word for word in words if word != "*" and word not in QUALIFIERS]) > 1 and words[-1] != "*"
        )
        return Parameter(self.normal(" ".join(words[:-1] if named else words)), words[-1] if named else "")


def split_top(text, separator=","):
    """The parts between separators that stand outside all parentheses."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return parts + [current]


def blank_comments(text):
    """The text without comments, line for line."""
    return COMMENTS.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def closing(text, opening):
    """Where the parenthesis that opens at `opening` closes, or nothing."""
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return None


def read_header(text, types, cuda=False):
    """The exported functions of one header, with the version that has each first."""
    text = blank_comments(text)
    types.learn(text)
    guards = guards_by_line(text)
    functions = []
    for match in EXPORTED.finditer(text):
        head, _, rest = match["declaration"].partition("(")
        *result, name = re.findall(r"[\w:<>]+|\*", head)
        line = text.count("\n", 0, match.start()) + 1
        since, only_cuda = guards[line - 1]
        functions.append(
            Function(
                name,
                types.normal(" ".join(result)),
                types.parameters(rest[: rest.rindex(")")]),
                line=line,
                since=since,
                cuda=cuda or only_cuda,
            )
        )
    return functions


def guards_by_line(text):
    """For each line: the newest torch version that an enclosing #if asks for, and whether one asks for CUDA."""
    stack, result = [], []
    for line in text.splitlines():
        directive = line.strip()
        if re.match(r"#\s*if", directive):
            since = max((tuple(map(int, found)) for found in SINCE.findall(directive)), default=(0, 0))
            stack.append((since, "USE_CUDA" in directive))
        elif re.match(r"#\s*endif", directive) and stack:
            stack.pop()
        result.append((max((since for since, _ in stack), default=(0, 0)), any(cuda for _, cuda in stack)))
    return result


def read_rows(text, types):
    """The functions of Functions.def; a row that cannot be read raises ValueError."""
    text, functions = blank_comments(text), []
    for match in ROW.finditer(text):
        line = text.count("\n", 0, match.start("kind")) + 1
        end = closing(text, text.index("(", match.start()))
        fields = split_top(text[match.end() : end]) if end else []
        if len(fields) != 2 or not re.fullmatch(r"\s*\(.*\)\s*", fields[1], re.DOTALL):
            raise ValueError(f"line {line}: {match['name']} is not (kind, name, return type, (parameters))")
        parameters = fields[1].strip()[1:-1]
        functions.append(
            Function(
                match["name"],
                types.normal(fields[0]),
                types.parameters(parameters),
                line=line,
                kind=match["kind"],
            )
        )
    return functions


def differences(row, headers, oldest):
    """What one row and the headers disagree about, a sentence each."""
    found = headers.get(row.name)
    if found is None:
        return ["is in no header"]
    sentences = []
    if row.result != found.result:
        sentences.append(f"returns {row.result}, the header says {found.result}")
    if len(row.parameters) != len(found.parameters):
        sentences.append(f"takes {len(row.parameters)} parameters, the header says {len(found.parameters)}")
    for number, (ours, theirs) in enumerate(zip(row.parameters, found.parameters), start=1):
        if ours != (theirs if theirs.name else replace(theirs, name=ours.name)):
            sentences.append(f"parameter {number} is {ours}, the header says {theirs}")
    if row.kind == "required" and found.since > oldest:
        sentences.append(f"is required, but new in torch {found.since[0]}.{found.since[1]}: make it optional")
    if row.kind == "required" and found.cuda:
        sentences.append("is required, but only in CUDA builds: make it optional")
    return sentences
