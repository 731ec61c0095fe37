#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: validate.py FILE...: check JSON output against the schema of a verb

The name of a file ends with a dot and the verb. The file has one document or several, as of
monitor and top. Prints "yes" or "no" and a description for each file, and what is wrong in lines
that begin with #.

The schema allows unknown keys, because newer versions of vpoolctl can print more. This
test refuses them: the schema must have every key that this version prints.
"""

import json
import os
import sys

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      "../schema/vpoolctl.schema.json")


def close(part):
    """Make the schema refuse keys that it does not name."""
    if isinstance(part, list):
        for each in part:
            close(each)
    if not isinstance(part, dict):
        return
    if part.get("type") == "object" and "properties" in part:
        part["additionalProperties"] = False
    for each in part.values():
        close(each)


def documents(text):
    """Return the JSON documents that follow each other in a text."""
    found = []
    while text := text.strip():
        document, end = json.JSONDecoder().raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def problems(schema, verb, text):
    """Yield what is wrong with an output."""
    if verb not in schema["$defs"]:
        yield f"the schema has no {verb}"
        return
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{verb}", "$defs": schema["$defs"]})
    try:
        output = documents(text)
    except json.JSONDecodeError as e:
        yield f"{e}: {text}"
        return
    if not output:
        yield "there is no output"
    for document in output:
        for error in validator.iter_errors(document):
            yield f"{error.json_path}: {error.message}"


def read_schema():
    """Return the schema, which allows unknown keys, and a copy that refuses them."""
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    del schema["anyOf"]
    closed = json.loads(json.dumps(schema))
    close(closed)
    return schema, closed


def main():
    names = {file: f"{file.rpartition('.')[2]} -J" for file in sys.argv[1:]}
    if not jsonschema:
        for name in names.values():
            print(f"yes {name} # SKIP python3-jsonschema is not installed")
        return
    schema, closed = read_schema()
    jsonschema.Draft202012Validator.check_schema(closed)
    new = json.dumps({"version": 1, "pools": [], "vms": [], "anything": {}, "new_key": 1})
    if list(problems(schema, "list", new)):
        sys.exit("the schema refuses a key that is new")
    for file, name in names.items():
        with open(file, encoding="utf-8") as f:
            wrong = list(problems(closed, file.rpartition(".")[2], f.read()))
        for each in wrong:
            print("#", each.replace("\n", " "))
        print("no" if wrong else "yes", name, "matches the schema")


if __name__ == "__main__":
    main()
