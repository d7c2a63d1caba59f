"""Loads an export as LLaMA-Factory does before it trains, in an interpreter that has it; prints what it found.

python read_llamafactory.py EXPORT CHECKPOINT OUTPUT
"""

import json
import sys

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer


def main(export: str, checkpoint: str, output: str) -> None:
    """Print the first example, tokenised, and the number of examples."""
    model_args, data_args, training_args, _, _ = get_train_args({
        "stage": "sft", "do_train": True, "model_name_or_path": checkpoint, "template": "llava",
        "dataset": "image_textualization", "dataset_dir": export, "media_dir": export, "output_dir": output,
        "cutoff_len": 512, "report_to": "none", "overwrite_cache": True, "use_cpu": True,
        "preprocessing_num_workers": 1,
    })  # fmt: skip
    tokenizer = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(tokenizer["tokenizer"], data_args)
    module = get_dataset(template, model_args, data_args, training_args, stage="sft", **tokenizer)
    rows = module["train_dataset"]
    first = rows[0]
    labels = [token for token in first["labels"] if token != -100]
    sys.stdout.write("FOUND " + json.dumps({
        "rows": len(rows),
        "images": [str(image) for image in first["images"]],
        "text": tokenizer["tokenizer"].decode(first["input_ids"]),
        "answer": tokenizer["tokenizer"].decode(labels),
    }) + "\n")  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
