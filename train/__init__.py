"""The trainer: a dataset of descriptions goes in, a LoRA adapter for LLaVA comes out.

deepspeed train/finetune.py --recipe recipes/train/llava_1.5_7b_lora.yaml
python -m train merge runs/llava_lora --to runs/llava_merged
"""
