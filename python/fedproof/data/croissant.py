"""The Croissant file of a certified data set (docs.mlcommons.org/croissant, version 1.1): what the data is, under which terms, and which
commitment stands for it. It names no file and holds no record: the data stays with its holder."""

from __future__ import annotations

import json
from typing import Any

from fedproof.data.dataset import Prepared, Terms
from fedproof.encoding.digest import sha256
from fedproof.encoding.time import utc_text

FEDPROOF = "urn:x-fedproof:data:v1#"
"""Namespace of our own keys."""

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "fedproof": FEDPROOF,
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(name: str, prepared: Prepared, terms: Terms) -> bytes:
    """The file. name: of the data set, as people call it."""
    records = prepared.records.tags + prepared.records.points
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": name,
        "description": f"{len(prepared.records)} records that stay with their holder, certified by {terms.authority}.",
        "datePublished": utc_text(terms.issued),
        "license": terms.licence,
        "usageInfo": [
            f"http://purl.obolibrary.org/obo/{term.replace(':', '_')}" for term in sorted(set(terms.consent))
        ],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "records.bin",
                "name": "records.bin",
                "description": "A tag and a hiding commitment for every record.",
                "contentUrl": "records.bin",
                "contentSize": f"{len(records)} B",
                "encodingFormat": "application/octet-stream",
                "sha256": sha256(records).hex(),
            }
        ],
        "fedproof:datasetCommitment": prepared.records.root().hex(),
        "fedproof:records": str(len(prepared.records)),
        "fedproof:features": list(prepared.table.features),
        "fedproof:classes": list(prepared.classes),
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
