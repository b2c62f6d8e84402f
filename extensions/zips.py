"""Zips that are the same bytes on any day and machine."""

from zipfile import ZipFile, ZipInfo


def write_zip(target, files):
    """Write the zip `target` of `files`, which maps names inside it to bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w") as archive:  # stored, as what compression gives depends on the machine
        for name, content in sorted(files.items()):
            entry = ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
