"""Loading an image-text-to-text model and its processor, whatever their family."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from data.errors import ConfigError
from stages.candidates.shared_prompt import answers, can_share, tokens
from stages.chat import conversations, has_system, rendered, switches, template
from stages.loading import loading, out_of_memory
from stages.models import TorchOptions, device, origin, pretrained

NATIVE = {"vlm": "hyperclovax_vision_v2"}
"""Model types in a hub config → their name in transformers. HyperCLOVAX-SEED-Think-32B says "vlm" and brings code;
transformers has classes of its own for it since 5.18 (model_doc/hyperclovax_vision_v2)."""
TURN_ENDS = ("<|im_end|>", "<|endofturn|>", "<|stop|>", "<end_of_turn>", "<|eot_id|>")
"""Tokens that end an answer in the common chat formats, for models whose generation config names none."""


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to be asked."""

    model: Any
    processor: Any
    shares: bool
    """Whether the candidates of a keyframe can share one cache."""
    with_system: bool
    template: dict[str, Any] = field(default_factory=dict)
    """What the chat template is told besides the messages."""


def load(options: TorchOptions, name: str) -> Loaded:
    """The model on its device, ready to generate. Raises ConfigError."""
    import transformers

    with loading(name), own_code(name):
        config = _config(options, name)
        native = type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        auto, processors = _classes(config, native, name)
        processor = processors.from_pretrained(name, **origin(options, name))
        chat_template = template(processor, name)
        model = _weighted(auto, name, config, native, pretrained(options, name)).eval()
        if options.quantise == "none":
            model.to(device(options.device))
        _settle(model, processor)
        told = switches(chat_template)
        loaded = Loaded(model, processor, can_share(model), has_system(processor, told), told)
        return replace(loaded, shares=loaded.shares and (not model.is_custom_code() or proven(loaded)))


def _config(options: TorchOptions, name: str) -> Any:
    from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig

    where = origin(options, name)
    files = {key: value for key, value in where.items() if key != "trust_remote_code"}
    given, _ = PreTrainedConfig.get_config_dict(name, **files)
    kind, brings_code = given.get("model_type", ""), "AutoConfig" in given.get("auto_map", {})
    known = NATIVE.get(kind, kind)
    if known in CONFIG_MAPPING and known != kind:
        given = {key: value for key, value in given.items() if key not in ("model_type", "auto_map")}
        return CONFIG_MAPPING[known].from_dict(given)
    if kind in NATIVE and not options.trust_remote_code:
        raise ConfigError("{model} needs a newer transformers: pip install -U transformers", model=name)
    if kind and kind not in CONFIG_MAPPING and not brings_code:
        raise ConfigError(
            "{model} is of a kind ({kind}) this transformers does not know: pip install -U transformers",
            model=name,
            kind=kind,
        )
    return AutoConfig.from_pretrained(name, **where)


def _classes(config: Any, native: bool, name: str) -> tuple[Any, Any]:
    """The classes that load model and processor."""
    import transformers

    if native:
        mapped = config.model_type in NATIVE.values() and type(config) in transformers.PROCESSOR_MAPPING
        processor = transformers.PROCESSOR_MAPPING[type(config)] if mapped else transformers.AutoProcessor
        return transformers.AutoModelForImageTextToText, processor
    brought = getattr(config, "auto_map", None) or {}
    for auto in ("AutoModelForImageTextToText", "AutoModelForVision2Seq", "AutoModelForCausalLM"):
        if auto in brought:
            return getattr(transformers, auto), transformers.AutoProcessor
    raise ConfigError(
        "{model} ({kind}) does not look at pictures; choose an image-text-to-text model",
        model=name,
        kind=config.model_type,
    )


def _weighted(auto: Any, name: str, config: Any, native: bool, how: dict[str, Any]) -> Any:
    """The model with its weights. transformers fills weights that are missing at random, and tells in a log."""
    if not native:
        return auto.from_pretrained(name, config=config, **how)
    model, told = auto.from_pretrained(name, config=config, output_loading_info=True, **how)
    if told["missing_keys"]:
        raise ConfigError(
            "{model} lacks weights ({missing}, …); fetch it anew, or save it whole",
            model=name,
            missing=min(told["missing_keys"]),
        )
    return model


@contextmanager
def own_code(name: str) -> Iterator[None]:
    """Say whose fault it is when code that comes with a model does not fit the installed transformers."""
    try:
        yield
    except (AttributeError, TypeError, KeyError) as error:
        import transformers

        raise ConfigError(
            "The code that comes with {model} does not run with transformers {version} ({cause}); "
            "try another revision, or another model",
            model=name,
            version=transformers.__version__,
            cause=" ".join(str(error).split())[:200],
        ) from error


def _settle(model: Any, processor: Any) -> None:
    """How to choose tokens is decided here and not by the model's own file; where to stop is its own."""
    chosen, tokenizer = model.generation_config, processor.tokenizer
    chosen.update(do_sample=False, temperature=None, top_p=None, top_k=None, max_length=None)
    if chosen.eos_token_id is None:
        known = tokenizer.get_vocab()
        ends = {known[end] for end in TURN_ENDS if end in known} | {tokenizer.eos_token_id}
        chosen.eos_token_id = sorted(end for end in ends if end is not None)
    if chosen.pad_token_id is None:
        chosen.pad_token_id = ends_of(model)[0]


def ends_of(model: Any) -> list[int]:
    """The tokens that end an answer."""
    ends = model.generation_config.eos_token_id
    return list(ends) if isinstance(ends, list | tuple) else [ends]


STEPS = 4
"""Tokens that must agree; each is a choice among the whole vocabulary."""
FOREIGN = (AttributeError, TypeError, ValueError, KeyError, IndexError, AssertionError, RuntimeError)
"""What other people's code raises at inputs it does not expect."""


@dataclass(frozen=True)
class _Question:
    text: str
    system: str = "Describe the picture."


def proven(loaded: Loaded) -> bool:
    """Whether two pictures with two questions each, together and shared, are answered as each is alone, greedily."""
    import PIL.Image

    pictures = [PIL.Image.new("RGB", size, colour) for size, colour in (((96, 64), "teal"), ((64, 160), "maroon"))]
    asked = [_Question("One sentence."), _Question("As few words as possible, please.")]
    chats = [conversations(asked, picture, with_system=loaded.with_system) for picture in pictures]
    texts = [[rendered(loaded.processor, c, loaded.template) for c in chat] for chat in chats]
    try:
        first, rows = tokens(loaded.processor, pictures, texts)
        shared = answers(loaded.model, on_device(loaded, first), rows, 1, 1, max_new_tokens=STEPS)
        return [[copies[0] for copies in rows] for rows in shared] == [
            [_alone(loaded, c) for c in chat] for chat in chats
        ]
    except FOREIGN as error:
        if out_of_memory(error):
            raise
        return False


def _alone(loaded: Loaded, conversation: Any) -> list[int]:
    return plain(loaded, conversation, max_new_tokens=STEPS)[0]


def plain(loaded: Loaded, conversation: Any, **how: Any) -> list[list[int]]:
    """Tokens of the answers to one question, by the interface that all models have; `how` goes to `generate`."""
    inputs = loaded.processor.apply_chat_template(
        conversation, tokenize=True, add_generation_prompt=True, return_dict=True, return_tensors="pt",
        **loaded.template,
    )  # fmt: skip
    prompt = inputs["input_ids"][0].tolist()
    found = loaded.model.generate(**on_device(loaded, inputs), **how).tolist()
    # a model's own generate may give the answer alone
    return [row[len(prompt) :] if row[: len(prompt)] == prompt else row for row in found]


def on_device(loaded: Loaded, inputs: Any) -> Any:
    """Inputs where the model is, pictures in its precision."""
    return inputs.to(loaded.model.device, dtype=loaded.model.dtype)
