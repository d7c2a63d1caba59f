"""Tiny checkpoints of the real architectures with their real processors and random weights."""

from pathlib import Path
from typing import Any

WORDS = tuple(
    [
        "a",
        "red",
        "blue",
        "green",
        "car",
        "bus",
        "dog",
        "boat",
        "what",
        "is",
        "this",
        "describe",
        "entities",
        ":",
        ".",
        ",",
        "?",
        "[",
        "]",
        '"',
        "user",
        "assistant",
    ]
)
SIDE = 48


def tokenizer(specials: dict[str, str], words: tuple[str, ...] = WORDS) -> Any:
    """Return a word-level tokenizer that lower-cases."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: index for index, token in enumerate(dict.fromkeys([*specials.values(), *words]))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=specials["unk_token"]))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=core, **specials)


PLAIN = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}


def save_llama(folder: Path) -> Path:
    """Save a text-only chat model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    words = tokenizer(PLAIN)
    words.chat_template = "<s> user : {{ messages[0]['content'] }} assistant :"
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2,
        pad_token_id=1, bos_token_id=2, eos_token_id=3, max_position_embeddings=256,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    torch.nn.init.normal_(model.lm_head.weight, std=1.0)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def save_llava(folder: Path) -> Path:
    """Save an image-text chat model with the chat template of LLaVA 1.5."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(0)
    words = tokenizer(PLAIN)
    words.add_special_tokens({"additional_special_tokens": ["<image>"]})
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2,
        pad_token_id=1, bos_token_id=2, eos_token_id=3, max_position_embeddings=256,
    )  # fmt: skip
    sight = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=12,
    )
    image_token = words.convert_tokens_to_ids("<image>")
    config = LlavaConfig(
        vision_config=sight, text_config=text, image_token_index=image_token, vision_feature_layer=-1
    )
    model = LlavaForConditionalGeneration(config)
    torch.nn.init.normal_(model.lm_head.weight, std=1.0)
    torch.nn.init.zeros_(model.lm_head.weight[:4])  # it never falls silent
    for weights in (model.model.multi_modal_projector, model.model.language_model.layers):
        for parameter in (p for p in weights.parameters() if p.ndim > 1):
            torch.nn.init.normal_(parameter, std=0.5)  # what it sees matters for what it says
    images = CLIPImageProcessorPil(size={"height": SIDE, "width": SIDE}, do_center_crop=False)
    template = (
        "{% for message in messages %}{{ message['role'].upper() }}: {% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} "
        "{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
    )
    processor = LlavaProcessor(
        images, words, patch_size=12, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=template,
    )  # fmt: skip
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def save_owlv2(folder: Path) -> Path:
    """Save an open-set detector."""
    import torch
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessorPil, Owlv2Processor

    torch.manual_seed(0)
    words = tokenizer({"unk_token": "<unk>", "pad_token": "<pad>", "eos_token": "</s>"})
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}
    config = Owlv2Config(
        text_config={**shape, **ends, "vocab_size": len(words), "max_position_embeddings": 8},
        vision_config={**shape, "image_size": SIDE, "patch_size": 12},
        projection_dim=32,
    )
    Owlv2ForObjectDetection(config).save_pretrained(folder)
    images = Owlv2ImageProcessorPil(size={"height": SIDE, "width": SIDE})
    Owlv2Processor(images, words).save_pretrained(folder)
    return folder


def bert_tokenizer() -> Any:
    """Return a word-level tokenizer whose special tokens stand where BERT has them."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    fixed = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 1012: ".", 1029: "?"}
    names = iter(word for word in WORDS if word not in fixed.values())
    vocabulary = {fixed.get(i) or next(names, f"[unused{i}]"): i for i in range(1030)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.normalizer, core.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


def save_grounding_dino(folder: Path, family: str = "GroundingDino") -> Path:
    """Save a detector whose special tokens stand where BERT has them; `family` may be MMGroundingDino."""
    import torch
    import transformers
    from transformers import BertConfig, GroundingDinoImageProcessorPil, GroundingDinoProcessor, SwinConfig

    torch.manual_seed(0)
    words = bert_tokenizer()
    config = getattr(transformers, f"{family}Config")(
        backbone_config=SwinConfig(
            image_size=SIDE, embed_dim=16, depths=[1, 1, 1], num_heads=[2, 2, 2], window_size=4,
            out_indices=[1, 2, 3],
        ),
        text_config=BertConfig(
            vocab_size=1030, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
        ),
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        encoder_attention_heads=2, decoder_attention_heads=2, num_queries=10, num_feature_levels=3,
        disable_custom_kernels=True, max_text_len=64,
    )  # fmt: skip
    getattr(transformers, f"{family}ForObjectDetection")(config).save_pretrained(folder)
    images = GroundingDinoImageProcessorPil(size={"shortest_edge": SIDE, "longest_edge": 2 * SIDE})
    GroundingDinoProcessor(images, words).save_pretrained(folder)
    return folder


def save_sam(folder: Path) -> Path:
    """Save a promptable segmenter."""
    import torch
    from transformers import (
        SamConfig,
        SamImageProcessorPil,
        SamMaskDecoderConfig,
        SamModel,
        SamProcessor,
        SamPromptEncoderConfig,
        SamVisionConfig,
    )

    torch.manual_seed(0)
    sight = SamVisionConfig(
        hidden_size=32, output_channels=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
        patch_size=8, mlp_dim=64, window_size=3, global_attn_indexes=[1], num_pos_feats=16,
    )  # fmt: skip
    prompts = SamPromptEncoderConfig(hidden_size=32, image_size=SIDE, patch_size=8, mask_input_channels=4)
    decoder = SamMaskDecoderConfig(hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32)
    config = SamConfig(vision_config=sight, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    SamModel(config).save_pretrained(folder)
    images = SamImageProcessorPil(
        size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE},
        mask_size={"longest_edge": 24}, mask_pad_size={"height": 24, "width": 24},
    )  # fmt: skip
    SamProcessor(images).save_pretrained(folder)
    return folder


def save_sam2(folder: Path) -> Path:
    """Save a SAM 2 with its processor, which wants torchvision."""
    import torch
    from transformers import (
        Sam2Config,
        Sam2HieraDetConfig,
        Sam2ImageProcessor,
        Sam2MaskDecoderConfig,
        Sam2Model,
        Sam2Processor,
        Sam2PromptEncoderConfig,
        Sam2VisionConfig,
    )

    torch.manual_seed(0)
    side = 64
    sizes = [[side // n, side // n] for n in (4, 8, 16)]
    backbone = Sam2HieraDetConfig(
        hidden_size=8, num_attention_heads=1, image_size=[side, side], blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64], num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[8, 4, 14, 7], global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )  # fmt: skip
    sight = Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[64, 32, 16, 8], backbone_feature_sizes=sizes,
        fpn_hidden_size=32,
    )  # fmt: skip
    prompts = Sam2PromptEncoderConfig(hidden_size=32, image_size=side, patch_size=16, mask_input_channels=4)
    decoder = Sam2MaskDecoderConfig(hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32)
    config = Sam2Config(vision_config=sight, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    Sam2Model(config).save_pretrained(folder)
    size = {"height": side, "width": side}
    Sam2Processor(Sam2ImageProcessor(size=size, mask_size={"height": 16, "width": 16})).save_pretrained(
        folder
    )
    return folder


def save_depth_anything(folder: Path, kind: str = "relative") -> Path:
    """Save a depth estimator; `kind` is relative or metric."""
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessorPil,
    )

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=SIDE, patch_size=12,
        mlp_ratio=2,
               out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, patch_size=12, reassemble_hidden_size=32, neck_hidden_sizes=[8, 16, 16, 16],
        fusion_hidden_size=16, head_hidden_size=8, depth_estimation_type=kind, max_depth=10,
    )  # fmt: skip
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    DPTImageProcessorPil(size=size, keep_aspect_ratio=True, ensure_multiple_of=12).save_pretrained(folder)
    return folder


def save_glpn(folder: Path) -> Path:
    """Save a GLPN."""
    import torch
    from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessorPil

    torch.manual_seed(0)
    config = GLPNConfig(
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8,
    )
    GLPNForDepthEstimation(config).save_pretrained(folder)
    GLPNImageProcessorPil(size_divisor=32).save_pretrained(folder)
    return folder


def save_florence2(folder: Path) -> Path:
    """Save a region captioner; the strips of its vision tower shrink by 32."""
    import torch
    from transformers import (
        BartConfig,
        CLIPImageProcessorPil,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
        PreTrainedTokenizerFast,
    )
    from transformers.models.florence2.configuration_florence2 import Florence2VisionConfig

    torch.manual_seed(0)
    words = tokenizer(PLAIN)
    words.add_tokens([f"<loc_{i}>" for i in range(1000)])
    named = {"image_token": "<image>"}
    words = PreTrainedTokenizerFast(
        tokenizer_object=words.backend_tokenizer, extra_special_tokens=named, **PLAIN
    )
    side = 64
    sight = Florence2VisionConfig(
        depths=(1, 1, 1, 1), embed_dim=(8, 16, 16, 32), num_heads=(1, 2, 2, 4), num_groups=(1, 2, 2, 4),
        window_size=4, projection_dim=32, drop_path_rate=0.0,
    )  # fmt: skip
    text = BartConfig(
        vocab_size=len(words), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=256,
        pad_token_id=1, bos_token_id=2, eos_token_id=3, decoder_start_token_id=3, forced_eos_token_id=3,
    )  # fmt: skip
    config = Florence2Config(
        vision_config=sight.to_dict(), text_config=text.to_dict(),
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    model = Florence2ForConditionalGeneration(config)
    images = CLIPImageProcessorPil(size={"height": side, "width": side}, do_center_crop=False)
    images.image_seq_length = (side // 32) ** 2 + 1
    model.save_pretrained(folder)
    rules: dict[str, Any] = {"description_with_bboxes": {}}
    Florence2Processor(images, words, post_processor_config=rules).save_pretrained(folder)
    return folder


def save_groundingdino_py(folder: Path) -> Path:
    """Save original GroundingDINO weights of one layer each, with the tokenizer and shape of a BERT."""
    import json

    import torch
    from transformers import BertConfig

    from factory.models.groundingdino_py import GroundingDinoPyConfig
    from factory.models.groundingdino_weights import empty_model

    torch.manual_seed(0)
    folder.mkdir()
    bert_tokenizer().save_pretrained(folder)
    BertConfig(
        vocab_size=1030, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    ).save_pretrained(folder)
    differs = {"enc_layers": 1, "dec_layers": 1, "num_queries": 10, "dim_feedforward": 64}
    (folder / "architecture.json").write_text(json.dumps(differs))
    config = GroundingDinoPyConfig(
        checkpoint=str(folder), architecture="architecture.json", text_encoder=str(folder)
    )
    model = empty_model(config)
    with torch.no_grad():  # the last layer of boxes is zero as it is made: all boxes alike
        torch.nn.init.normal_(model.feat_map.weight, std=0.02)  # no score of nearly 1
        for name, weights in model.named_parameters():
            if name.startswith("bbox_embed.0.layers.2") or "enc_out_bbox_embed.layers.2" in name:
                torch.nn.init.normal_(weights, std=0.5)
    torch.save(
        {"model": {f"module.{name}": value for name, value in model.state_dict().items()}}, folder / "w.pth"
    )
    return folder
