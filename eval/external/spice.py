"""SPICE (Anderson et al. 2016) through its Java program, `-subset` as in DID-Bench; it wants Java 8 to 15."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.errors import InputError
from eval.external.meteor import java


def spice_scores(
    texts: Mapping[str, str], references: Mapping[str, Sequence[str]], jar: str
) -> dict[str, float]:
    """Return each image's F score over the propositions of its scene graphs; 0 where neither has any.

    Raises:
        InputError: there is no Java or no jar, or the program fails.
    """
    if not Path(jar).is_file():
        raise InputError(f"no SPICE jar at {jar}")
    listed = [{"image_id": key, "test": texts[key], "refs": list(references[key])} for key in texts]
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "in.json", Path(folder) / "out.json"
        given.write_text(json.dumps(listed), encoding="utf-8")
        command = [java(), "-Xmx8G", "-jar", jar, str(given), "-out", str(found), "-subset", "-silent"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not found.is_file():
            raise InputError(f"SPICE failed ({jar}; it needs Java 8 to 15): {done.stderr.strip()[-300:]}")
        results = json.loads(found.read_text(encoding="utf-8"))
    scores = {str(each["image_id"]): float(each["scores"]["All"]["f"]) for each in results}
    return {key: 0.0 if scores[key] != scores[key] else scores[key] for key in texts}
