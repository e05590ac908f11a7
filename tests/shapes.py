"""Small random backbones of the shapes of models that people have, with the toy tokenizer."""

from pathlib import Path
from typing import Any

import toy

HIDDEN, LAYERS, HEADS, WINDOW = 16, 2, 2, 64

BERT_LIKE = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 2 * HIDDEN,
    "max_position_embeddings": WINDOW,
}
LLAMA_LIKE = {**BERT_LIKE, "num_key_value_heads": 1, "bos_token_id": 2, "eos_token_id": 3}
HEAD_DIM = {"head_dim": 12}
"""Heads that together are wider than the hidden state, as published ones are."""
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", BERT_LIKE),
    "distilbert": (
        "DistilBert",
        {
            "dim": HIDDEN,
            "n_layers": LAYERS,
            "n_heads": HEADS,
            "hidden_dim": 2 * HIDDEN,
            "max_position_embeddings": WINDOW,
        },
    ),
    "roberta": ("Roberta", {**BERT_LIKE, "pad_token_id": 0, "type_vocab_size": 1}),
    "electra": ("Electra", {**BERT_LIKE, "embedding_size": 8}),
    "xlnet": (
        "XLNet",
        {
            "d_model": HIDDEN,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "d_inner": 2 * HIDDEN,
            "pad_token_id": 0,
        },
    ),
    "modernbert": (
        "ModernBert",
        {
            **BERT_LIKE,
            "global_attn_every_n_layers": 2,
            "local_attention": 8,
            "pad_token_id": 0,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "deberta-v3": (
        "DebertaV2",
        {
            **BERT_LIKE,
            "relative_attention": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
            "pooler_hidden_size": HIDDEN,
        },
    ),
    "gpt2": (
        "GPT2",
        {
            "n_embd": HIDDEN,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "n_positions": WINDOW,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "opt": (
        "OPT",
        {
            "hidden_size": HIDDEN,
            "word_embed_proj_dim": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "ffn_dim": 2 * HIDDEN,
            "max_position_embeddings": WINDOW,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "falcon": (
        "Falcon",
        {
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "max_position_embeddings": WINDOW,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "llama": ("Llama", LLAMA_LIKE),
    "mistral": ("Mistral", {**LLAMA_LIKE, "sliding_window": 8}),
    "qwen2": ("Qwen2", LLAMA_LIKE),
    "qwen3": ("Qwen3", {**LLAMA_LIKE, **HEAD_DIM}),
    "gemma": ("Gemma", {**LLAMA_LIKE, **HEAD_DIM, "pad_token_id": 0}),
    "t5": (
        "T5",
        {
            "d_model": HIDDEN,
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "d_kv": HIDDEN // HEADS,
            "d_ff": 2 * HIDDEN,
            "pad_token_id": 0,
            "eos_token_id": 3,
            "decoder_start_token_id": 0,
        },
    ),
}
DECODERS = ("gpt2", "opt", "falcon", "llama", "mistral", "qwen2", "qwen3", "gemma")


def save(shape: str, folder: Path) -> Path:
    """Random weights of a shape, with the toy tokenizer."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    made = toy.tokenizer(folder, decoder=shape in DECODERS)
    kind, sizes = SHAPES[shape]
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(made), **sizes)
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder
