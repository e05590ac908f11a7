"""Small random models that write, a tokenizer of bytes, and chat templates as people have them."""

from pathlib import Path

WINDOW = 160
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA2 = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% elif m['role'] == 'system' %}{{ raise_exception('No system role here') }}"
    "{% else %} {{ m['content'] | trim }} {{ eos_token }}{% endif %}{% endfor %}"
)
MARKED = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] }}<|im_end|>{% endgeneration %}\n"
    "{% else %}{{ m['content'] }}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_END = (
    "{% for m in messages %}### {{ m['role'] }}\n{{ m['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant\n{% endif %}"
)
TEMPLATES = {
    "none": None,
    "chatml": CHATML,
    "thinking": THINKING,
    "llama2": LLAMA2,
    "marked": MARKED,
    "no end": NO_END,
}
SPECIAL = ("<|endoftext|>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<pad>", "<unk>")
TEXTS = ["Who sails the sea? The kelo maru.", "user assistant system: what is a forest?"] * 4


def tokenizer(template: str = "none", begins: bool = False, encoder: bool = False):
    """Byte-level BPE; a pad token of its own for encoders alone, else it is EOS.

    Args:
        begins: whether it puts BOS before each text.
        encoder: whether it puts EOS behind each text, as T5's does.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(TEXTS, trainer)
    if begins or encoder:
        single = "<s> $A </s>" if begins and encoder else "<s> $A" if begins else "$A </s>"
        ends = [(token, SPECIAL.index(token)) for token in ("<s>", "</s>") if token in single]
        made.post_processor = TemplateProcessing(single=single, special_tokens=ends)
    names = {"eos_token": "</s>"}
    if begins:
        names["bos_token"] = "<s>"
    if encoder:
        names["pad_token"] = "<pad>"
    names["additional_special_tokens"] = ["<|im_start|>", "<|im_end|>"]
    fast = PreTrainedTokenizerFast(tokenizer_object=made, **names)
    fast.chat_template = TEMPLATES[template]
    return fast


LLAMA_LIKE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": WINDOW,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}
SHAPES = {
    "gpt2": ("GPT2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": WINDOW, **ENDS}),
    "llama": ("Llama", {**LLAMA_LIKE, "tie_word_embeddings": False}),
    "qwen2": ("Qwen2", {**LLAMA_LIKE, "tie_word_embeddings": True}),
    "opt": (
        "OPT",
        {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "ffn_dim": 64,
            "word_embed_proj_dim": 32,
            "max_position_embeddings": WINDOW,
            "bos_token_id": 1,
            "pad_token_id": 5,
            "eos_token_id": 2,
        },
    ),
    "falcon": (
        "Falcon",
        {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "multi_query": True,
            "new_decoder_architecture": False,
            "max_position_embeddings": WINDOW,
            **ENDS,
        },
    ),
    "t5": (
        "T5",
        {
            "d_model": 32,
            "d_kv": 8,
            "d_ff": 64,
            "num_layers": 2,
            "num_heads": 4,
            "decoder_start_token_id": 5,
            "pad_token_id": 5,
            "eos_token_id": 2,
        },
    ),
    "bart": (
        "Bart",
        {
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "max_position_embeddings": WINDOW,
            "bos_token_id": 1,
            "pad_token_id": 5,
            "eos_token_id": 2,
            "decoder_start_token_id": 2,
            "forced_eos_token_id": 2,
        },
    ),
}
DECODERS = ("gpt2", "llama", "qwen2", "opt", "falcon")
ENCODER_DECODERS = ("t5", "bart")


def save(shape: str, folder: Path, template: str = "none") -> Path:
    """Random weights of a shape with its output layer, and its tokenizer."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    two = shape in ENCODER_DECODERS
    made = tokenizer(template, begins=shape in ("llama", "bart"), encoder=two)
    made.save_pretrained(folder)
    kind, sizes = SHAPES[shape]
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(made), **sizes)
    for name in {"initializer_range", "init_std", "initializer_factor"} & set(vars(config)):
        setattr(config, name, 1.0 if name == "initializer_factor" else 0.1)
    torch.manual_seed(0)
    auto = transformers.AutoModelForSeq2SeqLM if two else transformers.AutoModelForCausalLM
    auto.from_config(config).save_pretrained(folder)
    return folder
