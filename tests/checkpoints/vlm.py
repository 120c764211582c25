"""Tiny image-text-to-text checkpoints with random weights, of the classes the captioner meets in the wild.

Each builder writes a folder that `from_pretrained` loads as it would load the real one, and takes the sizes, so that
the benchmark can ask for larger ones. The tokeniser is byte-level, so any text goes through it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SIDE = 28
"""Sides of the square pictures that the towers with a fixed input take, in pixels."""
SPECIAL = [
    "<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>", "<image>", "<video>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
]  # fmt: skip


def chat_template(image: str) -> str:
    """ChatML with `image` for the picture, as Qwen, SmolVLM and LLaVA-OneVision have it, and a switch for thinking."""
    return (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
        "{% if c.type == 'image' %}" + image + "{% else %}{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
    )


def tokenizer(**named: str) -> Any:
    """Bytes and special tokens; every text survives the way there and back."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(SPECIAL)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", bos_token="<s>", eos_token="<|im_end|>",
        model_max_length=100000, extra_special_tokens=named,
    )  # fmt: skip


def vocabulary(known: Any) -> dict[str, Any]:
    """What every language model is told of the tokeniser."""
    return {
        "vocab_size": len(known), "pad_token_id": known.pad_token_id,
        "bos_token_id": known.bos_token_id, "eos_token_id": known.eos_token_id,
    }  # fmt: skip


def text(known: Any, width: int, layers: int) -> dict[str, Any]:
    """Sizes of a small decoder."""
    return vocabulary(known) | {
        "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192,
    }  # fmt: skip


def qwen2_5_vl(
    folder: Path, width: int = 32, layers: int = 2, decoder: dict[str, Any] | None = None, **tower: Any
) -> Path:
    """Qwen2.5-VL: rotary positions in three dimensions, pictures of any size.

    `decoder` and `tower` are sizes that go before those made of `width` and `layers`.
    """
    known = tokenizer()
    config = transformers.Qwen2_5_VLConfig(
        text_config=text(known, width, layers)
        | {"rope_parameters": {"rope_type": "default", "mrope_section": mrope(width), "rope_theta": 10000.0}}
        | (decoder or {}),
        vision_config={
            "depth": layers, "hidden_size": width, "intermediate_size": 2 * width, "num_heads": 4,
            "out_hidden_size": width, "patch_size": 14, "fullatt_block_indexes": [layers - 1], "window_size": 112,
        } | tower,
        **qwen_tokens(known),
    )  # fmt: skip
    return saved(folder, transformers.Qwen2_5_VLForConditionalGeneration, config, qwen_processor("Qwen2_5_VL", 14))


def qwen3_vl(folder: Path, width: int = 32, layers: int = 2) -> Path:
    """Qwen3-VL: interleaved positions in three dimensions, deep features of the picture added in several layers."""
    known = tokenizer()
    config = transformers.Qwen3VLConfig(
        text_config=text(known, width, layers)
        | {
            "head_dim": width // 4,
            "rope_parameters": {"rope_type": "default", "mrope_section": mrope(width), "rope_theta": 10000.0},
        },
        vision_config={
            "depth": layers, "hidden_size": width, "intermediate_size": 2 * width, "num_heads": 4,
            "out_hidden_size": width, "patch_size": 16, "deepstack_visual_indexes": [0],
            "num_position_embeddings": 64,
        },
        **qwen_tokens(known),
    )  # fmt: skip
    return saved(folder, transformers.Qwen3VLForConditionalGeneration, config, qwen_processor("Qwen3VL", 16))


def mrope(width: int) -> list[int]:
    """The half of a head's size, shared out between time, height and width."""
    half = width // 4 // 2
    return [half - 2 * (half // 3), half // 3, half // 3]


def qwen_tokens(known: Any) -> dict[str, int]:
    names = {"image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>"}
    names |= {"vision_start_token_id": "<|vision_start|>", "vision_end_token_id": "<|vision_end|>"}
    return {key: known.convert_tokens_to_ids(name) for key, name in names.items()}


def qwen_processor(family: str, patch: int) -> Any:
    images = transformers.Qwen2VLImageProcessor(patch_size=patch, min_pixels=(4 * patch) ** 2, max_pixels=1024**2)
    videos = transformers.Qwen2VLVideoProcessor if family == "Qwen2_5_VL" else transformers.Qwen3VLVideoProcessor
    template = chat_template("<|vision_start|><|image_pad|><|vision_end|>")
    return getattr(transformers, f"{family}Processor")(
        image_processor=images, tokenizer=tokenizer(), video_processor=videos(), chat_template=template
    )


def tower(width: int, layers: int, side: int) -> dict[str, Any]:
    """Sizes of a small CLIP or SigLIP."""
    return {
        "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
        "num_attention_heads": 4, "image_size": side, "patch_size": 14,
    }  # fmt: skip


def llava(folder: Path, width: int = 32, layers: int = 2, side: int = SIDE) -> Path:
    """LLaVA-1.5: one square crop through CLIP, a Llama; its template knows no system role."""
    known = tokenizer()
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**text(known, width, layers)),
        vision_config=transformers.CLIPVisionConfig(**tower(width, layers, side)),
        image_token_index=known.convert_tokens_to_ids("<image>"), vision_feature_layer=-1,
    )  # fmt: skip
    processor = transformers.LlavaProcessor(
        image_processor=transformers.CLIPImageProcessor(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        ),
        tokenizer=known, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template="{% for m in messages %}{% if m.role == 'user' %}USER: {% for c in m.content %}"
        "{% if c.type == 'image' %}<image>\n{% else %}{{ c.text }} {% endif %}{% endfor %}{% endif %}{% endfor %}"
        "ASSISTANT:",
    )  # fmt: skip
    return saved(folder, transformers.LlavaForConditionalGeneration, config, processor)


def llava_onevision(folder: Path, width: int = 32, layers: int = 2, side: int = SIDE) -> Path:
    """LLaVA-OneVision: tiles by the shape of the picture, a Qwen2."""
    known = tokenizer()
    grid = [[side * row, side * column] for row in range(1, 4) for column in range(1, 4)]
    config = transformers.LlavaOnevisionConfig(
        text_config=transformers.Qwen2Config(**text(known, width, layers)),
        vision_config=transformers.SiglipVisionConfig(**tower(width, layers, side)),
        image_token_index=known.convert_tokens_to_ids("<image>"), image_grid_pinpoints=grid,
        video_token_index=known.convert_tokens_to_ids("<video>"),
    )  # fmt: skip
    processor = transformers.LlavaOnevisionProcessor(
        image_processor=transformers.LlavaOnevisionImageProcessor(
            size={"height": side, "width": side}, image_grid_pinpoints=grid
        ),
        tokenizer=known, video_processor=transformers.LlavaOnevisionVideoProcessor(),
        num_image_tokens=(side // 14) ** 2, vision_feature_select_strategy="full",
        chat_template=chat_template("<image>\n"),
    )  # fmt: skip
    return saved(folder, transformers.LlavaOnevisionForConditionalGeneration, config, processor)


def idefics3(folder: Path, width: int = 32, layers: int = 2, side: int = SIDE) -> Path:
    """Idefics3: tiles with row and column tokens, a Llama."""
    return tiled(folder, "Idefics3", width, layers, side)


def smolvlm(folder: Path, width: int = 32, layers: int = 2, side: int = SIDE) -> Path:
    """SmolVLM with the processor of Idefics3; its own is the same for pictures but wants num2words for films."""
    return tiled(folder, "SmolVLM", width, layers, side)


def tiled(folder: Path, family: str, width: int, layers: int, side: int) -> Path:
    known = tokenizer()
    config = getattr(transformers, f"{family}Config")(
        text_config=transformers.LlamaConfig(**text(known, width, layers)),
        vision_config=tower(width, layers, side), scale_factor=2,
        image_token_id=known.convert_tokens_to_ids("<image>"), pad_token_id=known.pad_token_id,
    )  # fmt: skip
    processor = transformers.Idefics3Processor(
        image_processor=transformers.Idefics3ImageProcessor(
            size={"longest_edge": 3 * side}, max_image_size={"longest_edge": side}
        ),
        tokenizer=known, image_seq_len=(side // 14) ** 2 // 4, chat_template=chat_template("<image>"),
    )  # fmt: skip
    return saved(folder, getattr(transformers, f"{family}ForConditionalGeneration"), config, processor)


def gemma3(folder: Path, width: int = 32, layers: int = 2, side: int = SIDE) -> Path:
    """Gemma 3: sliding windows, whose cache cannot be shared."""
    known = tokenizer(image_token="<image>", boi_token="<|vision_start|>", eoi_token="<|vision_end|>")
    config = transformers.Gemma3Config(
        text_config=text(known, width, layers) | {"head_dim": width // 4, "sliding_window": 64},
        vision_config=tower(width, layers, side), mm_tokens_per_image=(side // 14) ** 2,
        image_token_index=known.convert_tokens_to_ids("<image>"),
        boi_token_index=known.convert_tokens_to_ids("<|vision_start|>"),
        eoi_token_index=known.convert_tokens_to_ids("<|vision_end|>"),
    )  # fmt: skip
    processor = transformers.Gemma3Processor(
        image_processor=transformers.Gemma3ImageProcessor(size={"height": side, "width": side}),
        tokenizer=known, image_seq_length=(side // 14) ** 2, chat_template=chat_template("<|vision_start|>"),
    )  # fmt: skip
    return saved(folder, transformers.Gemma3ForConditionalGeneration, config, processor)


CONFIGURATION = """
from transformers import LlavaConfig


class TinyVisionConfig(LlavaConfig):
    model_type = "tiny_vision"
"""
MODELLING = """
from transformers import LlavaForConditionalGeneration

from .configuration_tiny import TinyVisionConfig


class TinyVisionForCausalLM(LlavaForConditionalGeneration):
    config_class = TinyVisionConfig
"""
MISFIT = """
    def forward(self, input_ids=None, past_key_values=None, **kwargs):
        # takes what was fed last for the whole prompt
        kwargs.pop("attention_mask", None), kwargs.pop("position_ids", None)
        return super().forward(input_ids=input_ids, past_key_values=past_key_values, **kwargs)
"""
OWN_GENERATE = """
    def generate(self, input_ids, pixel_values=None, attention_mask=None, **kwargs):
        # as HyperCLOVA X SEED Vision 3B: the answer alone comes back
        embedded = self.get_input_embeddings()(input_ids)
        seen = self.model.get_image_features(pixel_values).pooler_output
        seen = seen if hasattr(seen, "shape") else __import__("torch").cat(list(seen))
        where = (input_ids == self.config.image_token_index).unsqueeze(-1).expand_as(embedded)
        embedded = embedded.masked_scatter(where, seen.to(embedded))
        return super().generate(inputs_embeds=embedded, attention_mask=attention_mask, **kwargs)
"""


def own_code(folder: Path, code: str = "") -> Path:
    """A LLaVA that comes with modelling code of its own, as HyperCLOVA X SEED Vision 3B does; `code` adds methods."""
    llava(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {
        "model_type": "tiny_vision",
        "architectures": ["TinyVisionForCausalLM"],
        "auto_map": {
            "AutoConfig": "configuration_tiny.TinyVisionConfig",
            "AutoModelForCausalLM": "modeling_tiny.TinyVisionForCausalLM",
        },
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    renamed(folder, {"language_model.lm_head.weight": "lm_head.weight"})
    (folder / "configuration_tiny.py").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "modeling_tiny.py").write_text(MODELLING + code, encoding="utf-8")
    return folder


def renamed(folder: Path, names: dict[str, str]) -> Path:
    """The same checkpoint with other names for some of its weights; one that is called "" is left out."""
    path = folder / "model.safetensors"
    kept = {names.get(name, name): value for name, value in load_file(path).items()}
    save_file({name: value for name, value in kept.items() if name}, path, metadata={"format": "pt"})
    return folder


def named(folder: Path, kind: str) -> Path:
    """The same checkpoint, which gives its model type another name."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"model_type": kind}
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder


def text_only(folder: Path) -> Path:
    """A language model that sees nothing."""
    known = tokenizer()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**text(known, 32, 2)))
    model.save_pretrained(folder)
    known.save_pretrained(folder)
    return folder


def saved(folder: Path, kind: Callable[..., Any], config: Any, processor: Any) -> Path:
    """A model with random weights, wide enough apart that no two tokens tie, and its processor, in `folder`."""
    torch.manual_seed(5)
    config.initializer_range = 0.3
    for part in (config.text_config, config.vision_config):
        part.initializer_range = 0.3
    model = kind(config).eval()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def without_chat_template(folder: Path) -> Path:
    """The same checkpoint with its chat template taken away."""
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    for name in ("processor_config.json", "tokenizer_config.json"):
        path = folder / name
        kept = {k: v for k, v in json.loads(path.read_text(encoding="utf-8")).items() if k != "chat_template"}
        path.write_text(json.dumps(kept), encoding="utf-8")
    return folder
