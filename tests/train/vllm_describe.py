"""Run by an interpreter with vLLM: describe one image greedily. Arguments: checkpoint, image, prompt, tokens."""

import json
import sys


def main() -> None:
    from PIL import Image
    from vllm import LLM, SamplingParams

    checkpoint, image, prompt, tokens = sys.argv[1:]
    model = LLM(
        checkpoint, dtype="float32", enforce_eager=True, max_model_len=512, limit_mm_per_prompt={"image": 1}
    )
    request = {"prompt": prompt, "multi_modal_data": {"image": Image.open(image).convert("RGB")}}
    done = model.generate(
        [request], SamplingParams(temperature=0.0, max_tokens=int(tokens), min_tokens=int(tokens))
    )
    print(json.dumps({"text": done[0].outputs[0].text}))  # noqa: T201


if __name__ == "__main__":
    main()
