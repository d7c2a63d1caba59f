"""The dataset's columns, declared as `datasets` declares them: for the parquet schema and for the card.

They are written out here so that building need not import `datasets`; a test holds them against it.
"""

import json
from typing import Any

import pyarrow as pa

Features = dict[str, Any]


def value(dtype: str) -> Features:
    """Return the feature of a plain value."""
    return {"dtype": dtype, "_type": "Value"}


def many(feature: Features, length: int = -1) -> Features:
    """Return the feature of a list, of fixed length if one is given."""
    return {"feature": feature, **({"length": length} if length >= 0 else {}), "_type": "List"}


IMAGE: Features = {"_type": "Image"}
_MASK = {"size": many(value("int32"), 2), "counts": value("string")}
_OBJECT = {
    "id": value("string"), "phrase": value("string"), "caption": value("string"),
    "box_xyxy": many(value("float32"), 4), "score": value("float32"), "mask": _MASK,
    "nearness": value("float32"), "area_fraction": value("float32"),
    "place": value("string"), "distance": value("string"), "size": value("string"),
}  # fmt: skip
_CLAIM = {
    "kind": value("string"), "text": value("string"), "span": many(value("int32"), 2),
    "verdict": value("string"), "evidence": many(value("string")),
}  # fmt: skip

_ENTITY = {"phrase": value("string"), "score": value("float32"), "grounded": value("bool")}

FEATURES: Features = {
    "id": value("string"),
    "image": IMAGE,
    "width": value("int32"),
    "height": value("int32"),
    "description": value("string"),
    "reference": value("string"),
    "entities": many(_ENTITY),
    "hallucinated": many(value("string")),
    "probes": many(_ENTITY),
    "objects": many(_OBJECT),
    "facts": many(value("string")),
    "claims": many(_CLAIM),
    "written": value("string"),
    "repairs": many({name: value("string") for name in ("action", "kind", "before", "after")}),
    "marked": many(value("string")),
    "provenance": value("string"),
}


def arrow_schema(features: Features) -> pa.Schema:
    """Return the Arrow schema of features, with the features in its metadata."""
    fields = [pa.field(name, _arrow(feature)) for name, feature in features.items()]
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(fields, metadata=metadata)


def card_features(features: Features) -> list[dict[str, Any]]:
    """Return the features in the form that a dataset card's front matter wants."""
    return [{"name": name, **_card(feature)} for name, feature in features.items()]


def _arrow(feature: Features) -> pa.DataType:
    match feature:
        case {"_type": "Value", "dtype": str(dtype)}:
            return pa.type_for_alias(dtype)
        case {"_type": "Image"}:
            return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        case {"_type": "List", "feature": inner}:
            return pa.list_(_arrow(inner), feature.get("length", -1))
    return pa.struct([(name, _arrow(inner)) for name, inner in feature.items()])


def _card(feature: Features) -> dict[str, Any]:
    match feature:
        case {"_type": "Value", "dtype": str(dtype)}:
            return {"dtype": dtype}
        case {"_type": "Image"}:
            return {"dtype": "image"}
        case {"_type": "List", "feature": inner}:
            inside = _card(inner)
            length = {"length": feature["length"]} if "length" in feature else {}
            return {"list": inside.get("dtype", inside.get("struct", inside)), **length}
    return {"struct": card_features(feature)}
