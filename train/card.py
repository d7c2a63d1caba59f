"""The model card beside an adapter: what it was made from and how to load it."""

from typing import Any

import yaml

from train.recipe import TrainRecipe

_TEXT = """\
# LoRA adapter for image descriptions

{method} from `{base}` on {samples} samples ({sources}) in {steps} steps of {batch}; the last reported loss was
{loss}. {dropped} samples were dropped; `rejections.jsonl` names each with its reason. `recipe.resolved.yaml`
holds every setting, `train_log.jsonl` the course of the run.

```python
from peft import PeftModel
from transformers import AutoProcessor, LlavaForConditionalGeneration

model = LlavaForConditionalGeneration.from_pretrained("{base}")
model = PeftModel.from_pretrained(model, "{out}")
processor = AutoProcessor.from_pretrained("{out}")  # pads and asks as in training
```

The adapter holds LoRA weights of the language model (rank {rank}, alpha {alpha:g}){projector}.
`python -m train merge {out} --to DIR` writes one checkpoint without PEFT.
"""


_WHOLE = """\
# LLaVA for image descriptions

{method} from `{base}` on {samples} samples ({sources}) in {steps} steps of {batch}: the whole language
model{projector}; the last reported loss was {loss}. {dropped} samples were dropped; `rejections.jsonl` names each
with its reason. `recipe.resolved.yaml` holds every setting, `train_log.jsonl` the course of the run.
The folder loads as it is, by `LlavaForConditionalGeneration` and `AutoProcessor`.
"""


def write_card(recipe: TrainRecipe, summary: dict[str, Any]) -> None:
    """Write README.md into the folder of the run."""
    whole = recipe.tuning == "full"
    head = {
        "base_model": recipe.model.checkpoint,
        "library_name": "transformers" if whole else "peft",
        "pipeline_tag": "image-text-to-text",
    }
    text = (_WHOLE if whole else _TEXT).format(
        base=recipe.model.checkpoint,
        method="Tuned"
        if recipe.method == "sft"
        else f"Preference-tuned (DPO, beginning with the adapter `{recipe.start_from}`)",
        samples=summary["samples"],
        sources=", ".join(f"`{path}`" for path in _paths(recipe)),
        steps=summary["steps"],
        batch=recipe.global_batch_size,
        loss=summary["final_loss"],
        dropped=sum(summary["dropped"].values()),
        out=recipe.out,
        rank=recipe.lora.rank,
        alpha=recipe.lora.alpha,
        projector=" and the whole projector" if recipe.projector.train else "",
    )
    front = yaml.safe_dump(head, sort_keys=False)
    (recipe.out_dir / "README.md").write_text(f"---\n{front}---\n\n{text}", encoding="utf-8")


def _paths(recipe: TrainRecipe) -> list[str]:
    return [source.path for source in recipe.data] or list(recipe.dpo.pairs if recipe.dpo else ())
