"""A small VITS with random weights, which hums for about 0.1 s a letter."""

from __future__ import annotations

import json
from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz '-"
HANGUL = "".join(
    sorted(
        set(
            "한남자가빈교실문을연다두사람이벤치에나란히앉는할머니마루끝서빨래갠버스떠고정류장소녀만"
            "여우산접게안으로들어온창열밖내본웃"
        )
    )
)
SAMPLING_RATE = 16_000


def build(folder: Path, *, letters: str = LETTERS + HANGUL, is_uroman: bool = False, speakers: int = 1) -> Path:
    """Write model and tokenizer into `folder`; the same arguments give the same weights."""
    import torch
    from transformers import VitsConfig, VitsTokenizer

    from stages.voice.transformers import vits

    vocabulary = {letter: number for number, letter in enumerate("_" + letters)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    config = VitsConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, ffn_dim=32, flow_size=16, spectrogram_bins=9,
        upsample_initial_channel=16, upsample_rates=(16, 16), upsample_kernel_sizes=(32, 32),
        resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),), duration_predictor_filter_channels=16,
        duration_predictor_num_flows=1, prior_encoder_num_flows=1, prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1, sampling_rate=SAMPLING_RATE,
        num_speakers=speakers, speaker_embedding_size=8 if speakers > 1 else 0,
        use_stochastic_duration_prediction=False,
    )  # fmt: skip
    with torch.random.fork_rng([]):
        torch.manual_seed(7)
        model = vits()(config)
        with torch.no_grad():
            model.duration_predictor.proj.bias.fill_(1.6)  # e^1.6 frames of 16 ms a letter, as many a blank
    model.save_pretrained(folder)
    VitsTokenizer(
        str(folder / "vocab.json"), pad_token="_", unk_token=None, phonemize=False, is_uroman=is_uroman
    ).save_pretrained(folder)
    return folder
