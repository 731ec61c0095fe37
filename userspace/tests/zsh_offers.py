#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: zsh_offers.py FOLDER LINE: print the words that zsh offers after LINE

FOLDER has the completion function. zsh offers words only to an interactive user, so this
types the line on a pseudo terminal. Print the line as zsh has completed it, and the words
that it lists below, one a line.
"""

import os
import pty
import re
import select
import sys
import time

SETUP = r"""
fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D
PS1=; RPS1=; setopt no_beep no_prompt_sp no_prompt_cr list_ambiguous; unsetopt zle_bracketed_paste
zstyle ':completion:*' verbose no; LISTMAX=10000; stty columns 1000 rows 1000
print re''ady
"""


def read_until(fd, mark, seconds):
    """Return what comes before a mark, or before a silence of one second after output."""
    text = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        wait = end - time.monotonic() if mark or not text else 1
        if not select.select([fd], [], [], wait)[0]:
            break
        try:
            text += os.read(fd, 65536)
        except OSError:
            break
        if mark and mark in text:
            break
    return text.decode(errors="replace")


def main():
    folder, line = sys.argv[1:]
    pid, fd = pty.fork()
    if not pid:
        os.environ["TERM"] = "dumb"
        os.execvp("zsh", ["zsh", "-f", "-i"])
    os.write(fd, SETUP.format(folder=folder).replace("\n", "; ").strip("; ").encode()
             + b"\n")
    read_until(fd, b"\nready", 60)
    time.sleep(0.2)
    os.write(fd, line.encode() + b"\t")
    text = read_until(fd, b"", 30)
    os.write(fd, b"\t")
    text += read_until(fd, b"", 5)
    os.kill(pid, 9)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07", "", text)
    words = [word for part in re.split(r"[\r\n]+", text) for word in part.split()]
    print("\n".join(words))


if __name__ == "__main__":
    main()
