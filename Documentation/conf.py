# SPDX-License-Identifier: GPL-2.0
"""Configuration of Sphinx, for tools/docs/build."""

import os

TOP = os.environ["VPOOL_TOP"]

with open(f"{TOP}/VERSION", encoding="ascii") as f:
    release = version = f.read().strip()

project = "vpool"
author = "vpool maintainers"
copyright = "2026, vpool maintainers"  # pylint: disable=redefined-builtin
exclude_patterns = []
# Most literal blocks are in no language that Sphinx can highlight.
highlight_language = "none"
primary_domain = "c"
# Types of the C library and of the kernel have no description here.
nitpicky = False

html_theme = "alabaster"
html_theme_options = {"description": "named pools of CPUs and memory",
                      "page_width": "60em"}
html_copy_source = False

man_pages = [
    ("userspace-api", "vpool-api", "pools of CPUs and memory, for programs",
     author, 7),
    ("admin-guide", "vpool-admin", "administering pools of CPUs and memory",
     author, 7),
    ("troubleshooting", "vpool-troubleshooting",
     "messages and codes of vpool, and what to do", author, 7),
]
man_show_urls = True
