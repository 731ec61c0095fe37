#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: validate_cdi.py < FILE: check a file against the rules of CDI 0.3.0 to 0.5.0

The rules are those of the specification of the Container Device Interface. Print each
violation, and exit 1 if there is any. Unknown keys are violations: engines refuse them.
"""

import json
import re
import sys

VERSIONS = "0.3.0", "0.4.0", "0.5.0"
HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart",
         "poststop")
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
VENDOR = re.compile(rf"{LABEL}(\.{LABEL})*")
CLASS = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")
DEVICE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?")
PATH = re.compile(r"(/[^/\0]+)+")

errors = []


def need(true, where, what):
    """Record a violation unless @true."""
    if not true:
        errors.append(f"{where}: {what}")
    return true


def keys(obj, where, required, optional=()):
    """Check the type of an object, and the names of its keys."""
    if not need(isinstance(obj, dict), where, "is no object"):
        return False
    for key in required:
        need(key in obj, where, f"has no {key}")
    for key in obj:
        need(key in (*required, *optional), where, f"has an unknown key {key}")
    return all(key in obj for key in required)


def items(obj, key, where):
    """Return the elements of an array, each with its place."""
    values = obj.get(key, [])
    if not need(isinstance(values, list), f"{where}.{key}", "is no array"):
        return []
    return [(value, f"{where}.{key}[{i}]") for i, value in enumerate(values)]


def is_text(value, pattern):
    return isinstance(value, str) and pattern.fullmatch(value)


def check_node(node, where):
    optional = ("hostPath", "type", "major", "minor", "fileMode", "permissions", "uid",
                "gid")
    if not keys(node, where, ["path"], optional):
        return
    need(is_text(node["path"], PATH), where, "path is not absolute")
    need(node.get("type", "c") in ("b", "c", "u", "p"), where, "type is unknown")
    rights = node.get("permissions", "rw")
    need(is_text(rights, re.compile("[rwm]+")) and len(set(rights)) == len(rights),
         where, "permissions are not of r, w and m")
    for key in "major", "minor", "fileMode", "uid", "gid":
        value = node.get(key, 0)
        need(type(value) is int and value >= 0, where, f"{key} is no number")


def check_hook(hook, where):
    if not keys(hook, where, ["hookName", "path"], ("args", "env", "timeout")):
        return
    need(hook["hookName"] in HOOKS, where, "hookName is unknown")
    need(is_text(hook["path"], PATH), where, "path is not absolute")
    for arg, at in items(hook, "args", where):
        need(isinstance(arg, str), at, "is no string")


def check_edits(edits, where):
    if not keys(edits, where, [], ("env", "deviceNodes", "hooks", "mounts")):
        return
    need(edits, where, "is empty")
    for entry, at in items(edits, "env", where):
        need(is_text(entry, re.compile(r"[^=\0]+=[^\0]*")), at, "is not NAME=VALUE")
    for node, at in items(edits, "deviceNodes", where):
        check_node(node, at)
    for hook, at in items(edits, "hooks", where):
        check_hook(hook, at)


def check_device(device, version, where):
    if not keys(device, where, ["name", "containerEdits"], ()):
        return
    name = device["name"]
    if need(is_text(name, DEVICE), where, "name is not valid"):
        need(version >= "0.5.0" or name[0].isalpha(), where,
             "name starts with a digit, which needs version 0.5.0")
    check_edits(device["containerEdits"], f"{where}.containerEdits")


def check_file(file):
    if not keys(file, "file", ["cdiVersion", "kind", "devices"], ["containerEdits"]):
        return
    version, kind = file["cdiVersion"], file["kind"]
    if not need(version in VERSIONS, "cdiVersion", "is unknown"):
        return
    vendor, _, cls = kind.partition("/") if isinstance(kind, str) else ("", "", "")
    need(is_text(vendor, VENDOR) and is_text(cls, CLASS), "kind", "is not VENDOR/CLASS")
    devices = items(file, "devices", "file")
    need(devices, "devices", "is empty")
    for device, at in devices:
        check_device(device, version, at)
    names = [device.get("name") for device, _ in devices if isinstance(device, dict)]
    need(len(set(names)) == len(names), "devices", "two have the same name")


if __name__ == "__main__":
    check_file(json.load(sys.stdin))
    print("\n".join(errors))
    sys.exit(bool(errors))
