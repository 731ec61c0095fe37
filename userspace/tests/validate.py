#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: validate.py VERB < OUTPUT: is this what the schema says of the verb?"""

import json
import os
import sys

import jsonschema

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      "../schema/vpoolctl.schema.json")


def main():
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    del schema["anyOf"]
    schema["$ref"] = f"#/$defs/{sys.argv[1]}"
    if sys.argv[1] not in schema["$defs"]:
        sys.exit(f"the schema has no {sys.argv[1]}")
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    errors = list(validator.iter_errors(json.load(sys.stdin)))
    for error in errors:
        print(f"{error.json_path}: {error.message}")
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
