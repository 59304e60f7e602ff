"""The function's code as an archive that depends on nothing but the code."""

from pathlib import Path

import pulumi

HERE = Path(__file__).resolve().parent
INSTALLED, IN_REPOSITORY = HERE / "handler", HERE.parent / "handler"
HANDLER_FOLDER = INSTALLED if INSTALLED.is_dir() else IN_REPOSITORY


def handler_archive(folder: Path = HANDLER_FOLDER) -> pulumi.AssetArchive:
    """Pack every Python file under a folder, and nothing else, in fixed order.

    The texts themselves are the assets: paths, times and file modes of the checkout never
    reach the archive's hash.

    Args:
        folder: the folder that becomes the archive's root.

    Raises:
        FileNotFoundError: there is no Python file under the folder.
    """
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    if not files:
        raise FileNotFoundError(f"handler folder must hold Python files, got none in {folder}")
    return pulumi.AssetArchive(
        {name: pulumi.StringAsset((folder / name).read_text(encoding="utf-8")) for name in files}
    )
