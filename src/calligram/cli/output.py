"""
Which files art goes to: the one after -o, or one a picture in the folder after it.

All files are planned before the first is written, so a clash leaves nothing half done:

    two pictures to one file     refused
    a file that is an input      refused: art never takes the place of its picture
    any other file               replaced, whole or not at all

A file is written beside its place under another name and then renamed. If that is cut in
the middle, the old file stands as it was, and a `.calligram-*.part` may be left over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from calligram.cli.messages import Misused, Undone, described
from calligram.cli.pictures import STANDARD_INPUT, Source


def is_folder(output: str) -> bool:
    """Does `-o output` mean a folder? It does if it ends so, or is one already."""
    return output.endswith(os.sep) or os.path.isdir(output)


def files_for(sources: Sequence[Source], output: str, suffix: str) -> list[Path]:
    """
    The file of each source's art, in their order.

    Raises Misused where two would be one, or where one is a picture to be drawn.
    """
    if not is_folder(output):
        if len(sources) > 1:
            raise Misused(
                f"-o {output} is one file, and there are {len(sources)} pictures; "
                f"a folder will do: -o {output}{os.sep}"
            )
        files = [Path(output)]
    else:
        files = [Path(output) / f"{source.stem}{suffix}" for source in sources]
    refuse_clashes(sources, files)
    return files


def refuse_clashes(sources: Sequence[Source], files: Sequence[Path]) -> None:
    pictures = {place_of(Path(s.path)): s for s in sources if s.path != STANDARD_INPUT}
    taken: dict[Path, Source] = {}
    for source, file in zip(sources, files, strict=True):
        if file in taken:
            raise Misused(
                f"{taken[file].label} and {source.label} would both be written to {file}; "
                "drawing them one at a time will do"
            )
        taken[file] = source
        if os.path.exists(file) and place_of(file) in pictures:
            raise Misused(
                f"the art of {source.label} would replace the picture {file}; "
                "another file or folder after -o will do"
            )


def place_of(file: Path) -> tuple[int, int] | None:
    """The same for two names of one file, be it by links; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def write_file(file: Path, data: bytes) -> None:
    """Put `data` into `file`, whole or not at all. Raises Undone."""
    try:
        replace(file, data)
    except BrokenPipeError:
        raise
    except FileExistsError as error:
        raise Undone(str(file), f"can't be written: {file.parent} is no folder") from error
    except OSError as error:
        raise Undone(str(file), f"can't be written: {described(error)}") from error


def replace(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode if file.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        # A device or a pipe, such as /dev/null, is written to: nothing may take its place.
        file.write_bytes(data)
        return
    # What a link leads to is replaced, and not the link.
    place = Path(os.path.realpath(file))
    part = place.with_name(f".calligram-{os.urandom(8).hex()}.part")
    try:
        part.write_bytes(data)
        if mode is not None:
            part.chmod(stat.S_IMODE(mode))
        part.replace(place)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
