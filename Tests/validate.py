#!/usr/bin/env python3
"""Holds lines of the worker protocol, and documents of `blupow doctor`, `stability`, `history` and the API's past (one a line), against protocol/schemas,
independently of the Swift code.

    validate.py request|event|doctor|stability|history|curves|polls FILE...    every line of each file ("-": standard input); exits 1, naming file:line and reason
    validate.py --self-test                               the golden examples pass and the refused ones do not; exits 1 where that is not so

Needs jsonschema 4 (Draft 2020-12): a venv with `pip install jsonschema`.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

KINDS = ("request", "event", "doctor")
# Without refused examples.
DOCUMENTS = ("stability", "history", "curves", "polls")
PROTOCOL = Path(__file__).resolve().parent.parent / "protocol"


def validator(kind):
    schema = json.loads((PROTOCOL / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON")


def fault(schema, line):
    """What is wrong with one line, or None."""
    try:
        document = json.loads(line, parse_constant=refuse_constant)
    except ValueError as error:
        return f"not JSON: {error}"
    # The schema's own variant first: of a oneOf, jsonschema would name every one that does not fit.
    if isinstance(document, dict) and "oneOf" in schema.schema:
        word = document.get("event", document.get("job"))
        variants = schema.schema["$defs"]
        if isinstance(word, str) and {"$ref": f"#/$defs/{word}"} in schema.schema["oneOf"]:
            own = schema.evolve(schema={**variants[word], "$defs": variants})
            if error := best_match(own.iter_errors(document)):
                return f"{error.json_path}: {error.message}"
    error = best_match(schema.iter_errors(document))
    return f"{error.json_path}: {error.message}" if error else None


def lines(path):
    """Numbered lines, cut at newlines only: strings may hold U+2028."""
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    parts = data.split(b"\n")
    if parts[-1] == b"":
        parts.pop()
    return enumerate(parts, start=1)


def validate(kind, paths):
    schema = validator(kind)
    faults = 0
    count = 0
    for path in paths:
        for number, line in lines(path):
            count += 1
            if reason := fault(schema, line):
                print(f"{path}:{number}: {reason}")
                faults += 1
    print(f"{count} {kind} lines, {faults} faults")
    return faults


def self_test():
    faults = sum(validate(kind, [PROTOCOL / "examples" / f"{kind}.jsonl"]) for kind in DOCUMENTS)
    counts = []
    for kind in KINDS:
        golden = PROTOCOL / "examples" / f"{kind}s.jsonl"
        faults += validate(kind, [golden])
        schema = validator(kind)
        refused = PROTOCOL / "examples" / f"refused-{kind}s.jsonl"
        for number, wrapped in lines(refused):
            example = json.loads(wrapped)
            seen = fault(schema, example["line"])
            if example.get("beyond_schema", False) != (seen is None):
                print(f"{refused}:{number}: {seen or 'passes the schema'}")
                faults += 1
        counts += [f"{len(list(lines(path)))} {path.stem}" for path in (golden, refused)]
    print(", ".join(counts) + (f": {faults} faults" if faults else ": as they should be"))
    return faults


def main(arguments):
    if arguments == ["--self-test"]:
        return 1 if self_test() else 0
    if len(arguments) >= 2 and arguments[0] in (*KINDS, *DOCUMENTS):
        try:
            return 1 if validate(arguments[0], arguments[1:]) else 0
        except OSError as error:
            print(f"{error.filename}: {error.strerror}")
            return 1
    print(__doc__.strip(), file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
