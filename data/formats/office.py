"""Office files with the same bytes for the same content."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

EPOCH = datetime(1980, 1, 1)
"""The earliest time a ZIP entry can carry."""
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def reproducible(content: bytes) -> bytes:
    """The same package (docx, xlsx) with every time set to EPOCH, in the ZIP directory and the core properties."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "docProps/core.xml":
                body = _STAMP.sub(rb"\g<1>" + EPOCH.isoformat().encode() + b"Z", body)
            new.writestr(zipfile.ZipInfo(name, EPOCH.timetuple()[:6]), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()
