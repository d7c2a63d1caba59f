"""Makes the small checkpoints: `python -m recipes.picturebook.pretrain`."""
