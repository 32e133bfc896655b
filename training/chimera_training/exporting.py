"""The network as ONNX, compared with torch, and its int8 form."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from .network import Router
from .tokens import TokenWindow, padded

OPSET = 17
DIFFERENCE_MAX = 1e-4


def export_onnx(network: Router, file: Path) -> None:
    """Batch and length are free; head and pooling are in the graph. The network must be on the CPU."""
    network.eval()
    ids = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 5, 3, 0, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
    free = {0: "batch", 1: "length"}
    torch.onnx.export(
        network,
        (ids, mask),
        str(file),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": free, "attention_mask": free, "logits": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )


def onnx_logits(
    file: Path, window: TokenWindow, texts: Sequence[str], batch: int = 8
) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    parts = []
    for at in range(0, len(texts), batch):
        ids, mask = padded([window.read(text) for text in texts[at : at + batch]], window.pad)
        parts.append(session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0])
    return np.concatenate(parts)


def difference(logits: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(logits - expected).max())


def cosine(logits: np.ndarray, expected: np.ndarray) -> float:
    """Mean over the rows."""
    lengths = np.linalg.norm(logits, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((logits * expected).sum(axis=1) / np.maximum(lengths, 1e-12)).mean())


def order_kept(logits: np.ndarray, expected: np.ndarray) -> float:
    """Share of the pairs of labels, in all rows, that stand in the same order."""
    columns = np.triu_indices(expected.shape[1], 1)
    first = np.sign(logits[:, columns[0]] - logits[:, columns[1]])
    second = np.sign(expected[:, columns[0]] - expected[:, columns[1]])
    return float((first == second).mean()) if first.size else 1.0


def quantise(source: Path, target: Path) -> None:
    """Weights as int8, activations quantised while running. Lossy."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8)
