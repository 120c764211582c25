"""Tiny causal language models, reward models and adapters with random weights, as `from_pretrained` loads real ones.

The tokeniser is a byte-level BPE with real merges, so that text can merge across borders. Weights are drawn wide enough
for likelihoods to differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

CORPUS = (
    "드라마 화면해설. 문이 열린다. 두 사람이 나란히 걷는다. 밤이다. 민수가 편지를 읽는다.",
    "앞의 해설: 뒤의 대사: 말할 시간: 화면해설: 문이 열린다.",
    "Audio description of a drama. The door opens. Two people walk side by side. It is night. Description: The",
)
SPREAD = 0.2
"""Standard deviation of the weights: likelihoods of tiny models then differ by tenths of a nat and more."""
KINDS = ("phi", "llama", "qwen2", "gpt2", "mistral")


def tokenizer(begins: bool = False) -> Any:
    """Every text goes through it and back; `begins`: it sets <s> before a text, as Llama's does."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<s>"],
    )  # fmt: skip
    raw.train_from_iterator(CORPUS, trainer)
    if begins:
        raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|endoftext|>", bos_token="<s>" if begins else None
    )


def config(kind: str, words: int, width: int = 64, layers: int = 2, heads: int = 4, context: int = 512) -> Any:
    """The configuration of a small model; `mistral` attends to the last 24 tokens only."""
    common = {"vocab_size": words, "initializer_range": SPREAD, "bos_token_id": 0, "eos_token_id": 0}
    if kind == "gpt2":
        return transformers.GPT2Config(**common, n_embd=width, n_layer=layers, n_head=heads, n_positions=context)
    sizes = {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "max_position_embeddings": context,
    }  # fmt: skip
    classes = {
        "phi": (transformers.PhiConfig, {}),
        "llama": (transformers.LlamaConfig, {"num_key_value_heads": 2}),
        "qwen2": (transformers.Qwen2Config, {"num_key_value_heads": 2}),
        "mistral": (transformers.MistralConfig, {"num_key_value_heads": 2, "sliding_window": 24}),
    }
    made, more = classes[kind]
    return made(**common, **sizes, **more)


def causal(folder: Path, kind: str = "phi", seed: int = 0, **sizes: int) -> Path:
    """A causal language model with its tokenizer."""
    words = tokenizer(begins=kind == "llama")
    torch.manual_seed(seed)
    transformers.AutoModelForCausalLM.from_config(config(kind, len(words), **sizes)).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def reward(folder: Path, kind: str = "phi", seed: int = 0) -> Path:
    """A reward model: one output."""
    words = tokenizer(begins=kind == "llama")
    torch.manual_seed(seed)
    settings = config(kind, len(words))
    settings.num_labels = 1
    transformers.AutoModelForSequenceClassification.from_config(settings).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def lora(folder: Path, base: Path, task: str = "CAUSAL_LM", **more: Any) -> Path:
    """An adapter on all linear layers whose weights are not the zeros that training starts from."""
    auto = {
        "CAUSAL_LM": transformers.AutoModelForCausalLM,
        "SEQ_CLS": transformers.AutoModelForSequenceClassification,
    }[task]
    model = auto.from_pretrained(base, **({"num_labels": 1} if task == "SEQ_CLS" else {}))
    settings = peft.LoraConfig(
        r=4, target_modules="all-linear", task_type=task, init_lora_weights=False,
        fan_in_fan_out=model.config.model_type == "gpt2", **more,
    )  # fmt: skip
    torch.manual_seed(1)
    peft.get_peft_model(model, settings).save_pretrained(folder)
    return folder


def chat(folder: Path, kind: str = "qwen2", seed: int = 0) -> Path:
    """A causal model with a chat template, as models that follow instructions bring it."""
    causal(folder, kind, seed, context=2048)
    words = transformers.AutoTokenizer.from_pretrained(folder)
    words.chat_template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: "
        "{% if enable_thinking is defined and not enable_thinking %}(at once) {% endif %}{% endif %}"
    )
    words.save_pretrained(folder)
    return folder
