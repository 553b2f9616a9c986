"""The formula language, read again from docs/profile.md: text to a tree, tree to an exact value or None (missing)."""

import functools
import re
from decimal import Decimal
from fractions import Fraction

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)(?:\[(?P<unit>[^\]]*)\])?"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)(?:\[\s*-(?P<back>\d+)\s*\])?"
    r"|(?P<sign><=|>=|==|[-+*/()<>,×÷−]))"
)
FUNCTIONS = ("ratio", "min", "max", "if", "coalesce", "abs", "limit", "defined")
COMPARE = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
}


class Reader:
    """Recursive descent: or, and, not, comparison, sum, product, sign, atom."""

    def __init__(self, text: str):
        self.tokens, at, text = [], 0, text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"formula: {text[at:]!r}")
            self.tokens.append(found.groupdict())
            at = found.end()
        self.at = 0

    def tree(self):
        tree = self.either()
        if self.at != len(self.tokens):
            raise ValueError("formula: something is left over")
        return tree

    def peek(self, *words: str):
        token = self.tokens[self.at] if self.at < len(self.tokens) else {}
        word = token.get("sign") or token.get("name")
        return word if word in words else None

    def take(self, *words: str):
        word = self.peek(*words)
        self.at += word is not None
        return word

    def need(self, word: str):
        if not self.take(word):
            raise ValueError(f"formula: {word} is missing")

    def either(self):
        tree = self.both()
        while self.take("or"):
            tree = ("or", tree, self.both())
        return tree

    def both(self):
        tree = self.negated()
        while self.take("and"):
            tree = ("and", tree, self.negated())
        return tree

    def negated(self):
        return ("not", self.negated()) if self.take("not") else self.compared()

    def compared(self):
        left = self.sum()
        sign = self.take(*COMPARE)
        return (sign, left, self.sum()) if sign else left

    def sum(self):
        tree = self.product()
        while sign := self.take("+", "-", "−"):
            tree = ("+" if sign == "+" else "-", tree, self.product())
        return tree

    def product(self):
        tree = self.signed()
        while sign := self.take("*", "×", "/", "÷"):
            tree = ("*" if sign in "*×" else "/", tree, self.signed())
        return tree

    def signed(self):
        return ("-", ("number", Fraction(0)), self.signed()) if self.take("-", "−") else self.atom()

    def atom(self):
        if self.take("("):
            tree = self.either()
            self.need(")")
            return tree
        if self.at >= len(self.tokens):
            raise ValueError("formula: it ends too early")
        token = self.tokens[self.at]
        self.at += 1
        if token["number"]:
            return ("number", Fraction(Decimal(token["number"])))
        if token["name"] in FUNCTIONS and self.take("("):
            arguments = [self.either()]
            while self.take(","):
                arguments.append(self.either())
            self.need(")")
            return (token["name"], *arguments)
        if not token["name"]:
            raise ValueError(f"formula: {token['sign']} stands in a wrong place")
        return ("input", token["name"], int(token["back"] or 0))


@functools.cache
def read(text: str):
    return Reader(text).tree()


def inputs(tree) -> dict[str, set[int]]:
    """Indicators the tree reads, with how many windows back each."""
    if tree[0] == "input":
        return {tree[1]: {tree[2]}}
    found: dict[str, set[int]] = {}
    for part in tree[1:]:
        if isinstance(part, tuple) and tree[0] != "limit":
            for name, backs in inputs(part).items():
                found.setdefault(name, set()).update(backs)
    return found


def value(tree, look):
    """An exact value, a truth, or None; `look(indicator, back)` finds inputs."""
    kind, *parts = tree
    if kind == "number":
        return parts[0]
    if kind == "input":
        return look(*parts)
    if kind == "if":
        truth = value(parts[0], look)
        return None if truth is None else value(parts[1] if truth else parts[2], look)
    if kind == "limit":
        raise NotImplementedError("limit(…): the recordings have none")
    found = [value(part, look) for part in parts]
    if kind == "coalesce":
        return next((one for one in found if one is not None), None)
    if kind == "defined":
        return found[0] is not None
    if kind in ("and", "or"):
        decides = kind == "or"
        return decides if decides in found else None if None in found else not decides
    if None in found:
        return None
    if kind == "not":
        return not found[0]
    if kind in COMPARE:
        return COMPARE[kind](*found)
    return arithmetic(kind, found)


def arithmetic(kind: str, found: list[Fraction]):
    if kind == "+":
        return found[0] + found[1]
    if kind == "-":
        return found[0] - found[1]
    if kind == "*":
        return found[0] * found[1]
    if kind in ("/", "ratio"):
        return found[0] / found[1] if found[1] else None
    if kind == "abs":
        return abs(found[0])
    return min(found) if kind == "min" else max(found)
