"""Loaded by every interpreter that vLLM starts on a processor without a GPU.

torchvision is built for CUDA; without these two schemas its import fails beside a torch for processors.
"""

import torch

if not torch.cuda.is_available():
    LIBRARY = torch.library.Library("torchvision", "DEF")
    LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    LIBRARY.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
