"""Tiny Whisper checkpoints with random weights: .pt files of openai-whisper and folders of CTranslate2.

`sure` models believe every word they write, nonsense though it is; the others doubt them all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VOCABULARY = 51_865
"""The multilingual models'; so the end of the text has id 50257."""
END = 50_257


def openai(path: Path, sure: bool = False, **dims: int) -> Path:
    """A .pt file as openai-whisper loads it."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    sizes: dict[str, int] = {
        "n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 16, "n_audio_head": 2, "n_audio_layer": 1,
        "n_vocab": VOCABULARY, "n_text_ctx": 48, "n_text_state": 16, "n_text_head": 2, "n_text_layer": 2,
    }  # fmt: skip
    if not sure:
        sizes["n_text_ctx"] = 16  # a doubted text is tried six times: let it be short
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Whisper(ModelDimensions(**(sizes | dims)))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_()
            if sure:
                _be_sure(model.decoder.ln, model.decoder.token_embedding.weight[END], 20)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"dims": sizes | dims, "model_state_dict": model.state_dict()}, path)
    return path


def ctranslate2(folder: Path, sure: bool = False) -> Path:
    """A folder as faster-whisper loads it, converted from a model of transformers."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    with torch.random.fork_rng():
        torch.manual_seed(1)
        sizes = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "encoder_layers": 1, "decoder_layers": 2}
        heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        model = WhisperForConditionalGeneration(WhisperConfig(vocab_size=VOCABULARY, **sizes, **heads))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_()
            if sure:
                _be_sure(model.model.decoder.layer_norm, model.model.decoder.embed_tokens.weight[END], 10)
    tokenizer = _tokenizer()
    source = folder.parent / f"{folder.name}-transformers"
    model.save_pretrained(source)
    WhisperFeatureExtractor().save_pretrained(source)
    tokenizer.save_pretrained(source)
    files = ["tokenizer.json", "preprocessor_config.json"]
    TransformersConverter(str(source), copy_files=files).convert(str(folder))
    settings = json.loads((folder / "config.json").read_text())
    languages = list(range(*tokenizer.convert_tokens_to_ids(["<|en|>", "<|translate|>"])))  # lost on the way
    (folder / "config.json").write_text(json.dumps(settings | {"lang_ids": languages}))
    return folder


def _be_sure(norm: Any, end: Any, gain: float) -> None:
    """Make one token stand out each time, the end among them; `gain` is tried so that the text does not loop."""
    norm.weight.fill_(gain)
    norm.bias.copy_(5 * end)


def _tokenizer() -> Any:
    """Whisper's own vocabulary, which openai-whisper brings, as transformers have it; it need not encode."""
    from transformers import WhisperTokenizerFast
    from transformers.convert_slow_tokenizer import bytes_to_unicode
    from whisper.tokenizer import get_tokenizer

    own = get_tokenizer(multilingual=True).encoding
    letters = bytes_to_unicode()
    texts = [own.decode_single_token_bytes(i) for i in range(END)]
    vocabulary = {"".join(letters[b] for b in text): i for i, text in enumerate(texts)}
    special = [own.decode([i]) for i in range(END, 50_364)]
    tokenizer = WhisperTokenizerFast(vocab=vocabulary | {special[0]: END}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    return tokenizer
