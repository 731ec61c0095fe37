#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: validate.py VERB < OUTPUT: check JSON output against the schema of a verb

The output is one document or several, as of monitor and top.

The schema allows unknown keys, because newer versions of vpoolctl can print more. This
test refuses them: the schema must have every key that this version prints.
"""

import json
import os
import sys

import jsonschema

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


def main():
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    del schema["anyOf"]
    schema["$ref"] = f"#/$defs/{sys.argv[1]}"
    if sys.argv[1] not in schema["$defs"]:
        sys.exit(f"the schema has no {sys.argv[1]}")
    closed = json.loads(json.dumps(schema))
    close(closed)
    new = {"version": 1, "pools": [], "vms": [], "anything": {}, "new_key": 1}
    if not jsonschema.Draft202012Validator(
            {"$ref": "#/$defs/list", "$defs": schema["$defs"]}).is_valid(new):
        sys.exit("the schema refuses a key that is new")
    schema = closed
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    output = documents(sys.stdin.read())
    if not output:
        sys.exit("there is no output")
    errors = [error for document in output
              for error in validator.iter_errors(document)]
    for error in errors:
        print(f"{error.json_path}: {error.message}")
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
