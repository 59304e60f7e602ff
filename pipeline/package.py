"""Packs the functions' code into archives whose hash depends only on the code."""

from pathlib import Path, PurePosixPath

import pulumi

HERE = Path(__file__).resolve().parent


def code_folder(name: str) -> Path:
    """A function's folder: beside this module if installed, otherwise in the repository."""
    installed, in_repository = HERE / name, HERE.parent / name
    return installed if installed.is_dir() else in_repository


HANDLER_FOLDER = code_folder("handler")
EXTRACTOR_FOLDER = code_folder("extractor")
USER_FOLDER = "user"
"""The folder of the user's code in the extractor's archive."""
USER_MODULE = "extract.py"

Assets = dict[str, pulumi.Asset | pulumi.Archive]

AUDIT_FILES = (
    "auditor/__init__.py",
    "auditor/audit.py",
    "auditor/progress.py",
    "auditor/run_audit.py",
    "handler/attributes.py",
    "ops/__init__.py",
    "ops/bucket.py",
    "ops/clients.py",
    "ops/pace.py",
    "ops/recheck.py",
    "ops/rows.py",
    "ops/spill.py",
    "ops/verify.py",
)
"""The audit's modules, with those of the operator's tool that it uses."""


def handler_archive(folder: Path = HANDLER_FOLDER) -> pulumi.AssetArchive:
    """Pack every Python file under a folder, and nothing else, in fixed order.

    The assets are texts, not files, so that paths, times and file modes of the checkout do not
    change the archive's hash.

    Args:
        folder: the folder that becomes the archive's root.

    Raises:
        FileNotFoundError: there is no Python file under the folder.
    """
    return pulumi.AssetArchive(_texts(folder, "handler"))


def extractor_archive(user: str | pulumi.Archive) -> pulumi.AssetArchive:
    """Pack the extractor: its code and the handler's at the root, the user's in ``user/``.

    Args:
        user: a folder, or an archive of its contents, that `check_extractor` accepts.
    """
    own: Assets = {
        **_texts(HANDLER_FOLDER, "handler"),
        **_texts(EXTRACTOR_FOLDER, "extractor"),
    }
    if isinstance(user, pulumi.AssetArchive):
        return pulumi.AssetArchive(own | {f"{USER_FOLDER}/{k}": v for k, v in user.assets.items()})
    if isinstance(user, pulumi.Archive):
        return pulumi.AssetArchive(own | {USER_FOLDER: user})
    folder = Path(user).resolve()
    # Files, not texts: there may be binary ones, such as a library or a model.
    users = {f"{USER_FOLDER}/{name}": pulumi.FileAsset(str(folder / name)) for name in _all(folder)}
    return pulumi.AssetArchive(own | users)


def check_extractor(user: str | pulumi.Archive) -> None:
    """Refuse a folder or an `AssetArchive` that could not run; other archives are not checked.

    Raises:
        ValueError: `extract.py` is missing, or a module has the name of one of the function's own,
            which Python would import instead.
    """
    if isinstance(user, pulumi.AssetArchive):
        names = list(user.assets)
    elif isinstance(user, pulumi.Archive):
        return
    else:
        names = _all(Path(user))
    if USER_MODULE not in names:
        got = user if isinstance(user, str) else names
        raise ValueError(f"extractor must be a folder with {USER_MODULE}, got {got!r}")
    modules = {
        Path(name).stem for folder in (HANDLER_FOLDER, EXTRACTOR_FOLDER) for name in _py(folder)
    }
    for name in names:
        first = PurePosixPath(name).parts[0]
        is_code = name.endswith((".py", ".so"))
        module = first.partition(".")[0] if is_code else first
        if module in modules and (is_code or first == name):
            raise ValueError(
                f"extractor must not hold a file named {name}: the function has its own"
            )


def _texts(folder: Path, what: str) -> Assets:
    files = _py(folder)
    if not files:
        raise FileNotFoundError(f"{what} folder must hold Python files, got none in {folder}")
    return {name: pulumi.StringAsset((folder / name).read_text(encoding="utf-8")) for name in files}


def _py(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))


def _all(folder: Path) -> list[str]:
    """Every file under a folder, except hidden ones and Python's caches."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in found
        if not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    )


def audit_archive() -> pulumi.AssetArchive:
    """Pack the audit's function, in the folders of the repository."""

    def text(name: str) -> str:
        folder, _, file = name.partition("/")
        return (code_folder(folder) / file).read_text(encoding="utf-8")

    return pulumi.AssetArchive({name: pulumi.StringAsset(text(name)) for name in AUDIT_FILES})
