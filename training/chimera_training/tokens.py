"""Texts as token numbers, by the rule that the gateway follows too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from .recordings import units_cut

# Text is cut before it is tokenised: work is bounded whatever is sent.
CHARACTERS_PER_TOKEN_MAX = 16
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


@dataclass(frozen=True)
class TokenWindow:
    """What an encoder reads of a text: `prefix`, a window of the text's tokens, `suffix`.

    `truncate` names the side that is left off. "left" keeps the end, where a template puts the task.
    """

    tokenizer: Tokenizer
    tokens_max: int
    truncate: str
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int

    @property
    def characters_max(self) -> int:
        return CHARACTERS_PER_TOKEN_MAX * self.tokens_max

    def read(self, text: str) -> list[int]:
        cut = units_cut(text, self.characters_max, self.truncate)
        ids = self.tokenizer.encode(cut, add_special_tokens=False).ids
        room = self.tokens_max - len(self.prefix) - len(self.suffix)
        kept = ids[max(0, len(ids) - room) :] if self.truncate == "left" else ids[:room]
        return [*self.prefix, *kept, *self.suffix]


def window_of(tokenizer: Tokenizer, tokens_max: int, truncate: str, pad: int) -> TokenWindow:
    """Finds what the tokenizer puts around a text, and takes away its own cutting and padding."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a").ids
    start = next(at for at in range(len(whole)) if whole[at : at + len(bare)] == bare)
    prefix, suffix = tuple(whole[:start]), tuple(whole[start + len(bare) :])
    return TokenWindow(tokenizer, tokens_max, truncate, prefix, suffix, pad)


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[np.ndarray, np.ndarray]:
    """Token numbers and mask, padded on the right to the longest row."""
    length = max(map(len, rows))
    ids = np.full((len(rows), length), pad, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE of its own, for an encoder that starts from nothing."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def load_tokenizer(folder: str) -> Tokenizer:
    return Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
