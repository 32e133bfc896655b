"""An encoder with a pooled representation and one logit for each model."""

from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, ModernBertConfig

from .tokens import TokenWindow, load_tokenizer, train_tokenizer, window_of

SMALL = "small"
# About 2 million parameters with a vocabulary of 4096.
SMALL_SHAPE = {"hidden": 192, "layers": 4, "heads": 4, "inner": 288, "vocabulary": 4096}
TINY_SHAPE = {"hidden": 16, "layers": 2, "heads": 2, "inner": 24, "vocabulary": 320}


class Router(nn.Module):
    """Logits from token numbers and mask. Padding has no part in the pooled representation."""

    def __init__(self, encoder: nn.Module, width: int, labels: int, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(width, labels)
        self.pooling = pooling

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.pooling == "cls":
            return self.head(hidden[:, 0])
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return self.head((hidden * weight).sum(dim=1) / weight.sum(dim=1))


def small_config(shape: dict[str, int], tokens_max: int) -> ModernBertConfig:
    return ModernBertConfig(
        vocab_size=shape["vocabulary"],
        hidden_size=shape["hidden"],
        intermediate_size=shape["inner"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        max_position_embeddings=max(tokens_max, 128),
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    )


class EncoderSource:
    """Where each training starts from: the same weights, or the same seed."""

    def __init__(self, encoder: str, texts: list[str], tokens_max: int, truncate: str) -> None:
        self.name = encoder if encoder == SMALL or not Path(encoder).exists() else Path(encoder).name
        self._path = None if encoder == SMALL else encoder
        self._shape = SMALL_SHAPE
        self._tokens_max = tokens_max
        if self._path is None:
            tokenizer = train_tokenizer(texts, self._shape["vocabulary"])
            self.window: TokenWindow = window_of(tokenizer, tokens_max, truncate, 0)
            return
        config = AutoConfig.from_pretrained(self._path)
        tokenizer = (
            load_tokenizer(self._path)
            if Path(self._path).exists()
            else AutoTokenizer.from_pretrained(self._path).backend_tokenizer
        )
        if tokens_max > config.max_position_embeddings:
            raise ValueError(f"the encoder reads {config.max_position_embeddings} tokens at most")
        self.window = window_of(tokenizer, tokens_max, truncate, config.pad_token_id or 0)

    def network(self, labels: int, pooling: str, seed: int) -> Router:
        """Attention is `eager`: the one that can be exported."""
        torch.manual_seed(seed)
        if self._path is None:
            config = small_config(self._shape, self._tokens_max)
            encoder = AutoModel.from_config(config, attn_implementation="eager")
        else:
            encoder = AutoModel.from_pretrained(self._path, attn_implementation="eager")
        return Router(encoder.float(), encoder.config.hidden_size, labels, pooling)
