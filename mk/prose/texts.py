# SPDX-License-Identifier: Apache-2.0
"""Finds the prose in a file: comments, messages, HELP texts, alerts, panels, manual pages.

texts(path) yields passages; a passage is a list of (line number, text) and holds whole sentences.
"""

import ast
import io
import json
import re
import tokenize

# Copies, data of tests, texts of others.
NOT_OURS = re.compile(
    r"(^|/)(LICENSES?(/.*)?|tests/fuzz/corpus/.*|tests/fixtures/.*|tests/charts/snapshots/.*"
    r"|charts/[^/]*/files/.*|package-lock\.json|go\.(mod|sum)|debian/copyright)$"
)
WORD = re.compile(r"(?<![\w.%-])[A-Za-z]{2,}(?=[ ,.;:!?)]|$)")
C_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[^\s"\'/]+|\s+|/', re.DOTALL
)
MACHINE = re.compile(
    r"SPDX-License-Identifier|^!|^ *(shellcheck|noqa|clang-format|NOLINT|textlint|ruff)\b"
)
TEMPLATE = re.compile(r"\{\{-?\s*(\w*).*?\}\}", re.DOTALL)
CONTROL = ("with", "if", "range", "define", "include", "template")
DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ESCAPES = {r"\"": '"', r"\\": "\\", r"\t": " "}
ALERT_TEXT = re.compile(r"^(\s*)(?:- )?(?:summary|description|message): *([>|][-+]?)? *(.*)$")


def is_prose(text):
    return len(WORD.findall(text)) >= 3


def comment_lines(line, text):
    """The passages of one comment, without its marks: an empty line separates two."""
    passage = []
    for offset, part in enumerate(text.split("\n")):
        part = part.strip()
        if part:
            passage.append((line + offset, part))
        elif passage:
            yield passage
            passage = []
    if passage:
        yield passage


def joined(comments):
    """Joins comments (line, column, text) of successive lines that begin in the same column."""
    last, passage = None, []
    for line, column, text in comments:
        if MACHINE.search(text):
            continue
        if passage and last != (line - 1, column):
            yield from comment_lines(passage[0][0], "\n".join(part for _, part in passage))
            passage = []
        passage.append((line, text))
        last = (line, column)
    if passage:
        yield from comment_lines(passage[0][0], "\n".join(part for _, part in passage))


def unquoted(token):
    text = re.sub(r"\\[\"\\t]", lambda m: ESCAPES[m[0]], token[1:-1])
    return re.sub(r"<[^<>%]*>", " ", text)


def strings_of(text):
    """A literal of C as passages: its own line breaks separate sentences."""
    passage = []
    for line, part in text:
        *ended, rest = part.split(r"\n")
        for piece in ended:
            yield [*passage, (line, piece)]
            passage = []
        passage.append((line, rest))
    yield passage


def c_texts(source, strings):
    line, literal, single = 1, [], []
    column_start = 0
    for match in C_TOKEN.finditer(source):
        token = match[0]
        column = match.start() - source.rfind("\n", 0, match.start())
        if (
            literal
            and not token.isspace()
            and token[0] != '"'
            and not re.match(r"PRI[a-zA-Z]\d+|[A-Z_]{3,}$", token)
        ):
            yield from strings_of(literal)
            literal = []
        if token.startswith("//"):
            single.append((line, column, token.lstrip("/")))
        elif token.startswith("/*"):
            body = re.sub(r"(?m)^[ \t]*\*(?!/)", "", token[2:-2])
            if not MACHINE.search(body):
                yield from comment_lines(line, body)
        elif (
            token[0] == '"'
            and strings
            and not source[column_start : match.start()].lstrip().startswith("#include")
        ):
            literal.append((line, unquoted(token)))
        line += token.count("\n")
        if "\n" in token:
            column_start = match.start() + token.rfind("\n") + 1
    yield from strings_of(literal)
    yield from joined(single)


def python_texts(source):
    comments = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments.append((*token.start, token.string.lstrip("#")))
    yield from joined(comments)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node, clean=False)):
            yield from comment_lines(node.body[0].lineno, text)


def hash_texts(source):
    comments = []
    for number, text in enumerate(source.split("\n"), 1):
        if match := re.search(r"(?:^|\s)(#+(?: |!|$)|## )(.*)$", text):
            comments.append(
                (number, match.start(1), ("!" if match[1].endswith("!") else "") + match[2])
            )
    yield from joined(comments)


def yaml_texts(source):
    """Values of summary, description and message, over all their lines."""
    lines = source.split("\n")
    number = 0
    while number < len(lines):
        match = ALERT_TEXT.match(lines[number])
        number += 1
        if not match:
            continue
        passage = [(number, match[3].strip("'\""))] if match[3] else []
        while (
            number < len(lines)
            and lines[number].strip()
            and len(lines[number]) - len(lines[number].lstrip()) > len(match[1])
        ):
            passage.append((number + 1, lines[number].strip().strip("'\"")))
            number += 1
        text = TEMPLATE.sub(rendered, "\n".join(text for _, text in passage))
        yield list(zip((line for line, _ in passage), text.split("\n"), strict=True))


def json_texts(source):
    for number, text in enumerate(source.split("\n"), 1):
        if match := re.match(
            r'\s*"(?:title|description|content|text|name)": ("(?:\\.|[^"\\])*"),?$', text
        ):
            for part in re.split(r"\n+", json.loads(match[1])):
                yield [(number, part)]


def rendered(template):
    """Counts a value as one word and control as no word; `else` begins another sentence."""
    word = template[1]
    shown = {"else": ". ", "end": ""}.get(word, "" if word in CONTROL else "value")
    return shown + "\n" * template[0].count("\n")


def plain_texts(source):
    for number, text in enumerate(source.split("\n"), 1):
        yield [(number, TEMPLATE.sub(rendered, text))]


def manual_texts(source):
    """man(7): requests of fonts are part of their sentence, all others end it."""
    passage = []
    for number, text in enumerate(source.split("\n"), 1):
        text = re.sub(r"\\f[A-Z]|\\&", "", text).replace(r"\-", "-").replace(r"\(aq", "'")
        request = re.match(r"[.']\s*([A-Za-z]+|\\\")\s*(.*)$", text)
        if not request and text:
            passage.append((number, text))
        elif request and request[1] in ("B", "I"):
            passage.append((number, f"`{request[2]}`"))
        elif request and request[1] in ("BR", "IR", "RB", "RI", "BI", "IB"):
            passage.append((number, request[2].replace(" ", "")))
        elif passage:
            yield passage
            passage = []
    yield passage


def kind_of(path, source):
    """The suffix of a file; of a file without one, what its first line or its name says."""
    name = path.rsplit("/", 1)[-1]
    if re.match(r"#!.*python", source):
        return "py"
    if re.match(r"#!.*sh\b", source) or name in (
        "Makefile",
        "Dockerfile",
        "run",
        "rules",
        "packages",
    ):
        return "sh"
    if name == "NOTES.txt":
        return "notes"
    return name.rsplit(".", 1)[-1] if "." in name else ""


def texts(path):
    if NOT_OURS.search(path):
        return
    try:
        with open(path, encoding="utf-8") as file:
            source = file.read()
    except (UnicodeDecodeError, IsADirectoryError):
        return
    kind = kind_of(path, source)
    if kind in ("c", "h", "css", "js", "jsx", "go"):
        yield from filter(
            passage_is_prose, c_texts(source, "/userspace/" in path and kind in ("c", "h"))
        )
    elif kind == "py":
        yield from python_texts(source)
    elif kind in ("sh", "mk", "yml", "yaml", "tpl", "service", "default", "bash"):
        yield from hash_texts(source)
        if kind in ("yml", "yaml"):
            yield from yaml_texts(source)
    elif kind == "json":
        yield from filter(passage_is_prose, json_texts(source))
    elif kind == "notes":
        yield from plain_texts(source)
    elif kind.isdigit():
        yield from manual_texts(source)


def passage_is_prose(passage):
    return is_prose(" ".join(text for _, text in passage))
