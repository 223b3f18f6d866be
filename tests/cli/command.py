"""`fedproof` as a shell runs it: a process of its own, with arguments, a folder, variables, streams and an exit code. It is forked from a
process that has imported all commands: starting Python and importing them takes longer than most of what is tested. (The pages of docs/
run in tests, too, by the installed program.)"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.cli.preloaded"])


def fedproof(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    """env: the variables that it has; those of this process if nothing is said."""
    words = [str(argument) for argument in arguments]
    variables = dict(os.environ if env is None else env)
    with tempfile.TemporaryDirectory() as folder:
        streams = [f"{folder}/out", f"{folder}/err"]
        process = _FORKS.Process(target=_run, args=(words, str(cwd or Path.cwd()), variables, streams))
        process.start()
        process.join()
        assert process.exitcode is not None
        out, err = (Path(path).read_text("utf-8") for path in streams)
    return CompletedProcess(["fedproof", *words], process.exitcode, out, err)


def _run(words: list[str], folder: str, variables: dict[str, str], streams: list[str]) -> None:
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), number)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    encoding = variables.get("PYTHONIOENCODING", "utf-8")
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(n, "wb", 0), encoding, write_through=True) for n in (1, 2)
    )
    sys.argv = ["fedproof", *words]
    from fedproof.cli import main

    main()
