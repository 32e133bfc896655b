"""The rules that the gateway relies on; everything runs on the CPU with random weights."""

import json
from pathlib import Path

import numpy as np
import torch

from chimera_training.calibration import average_precision, calibrated, fit_calibration, fit_platt
from chimera_training.exporting import difference, onnx_logits
from chimera_training.fitting import Recipe, epoch_batches, fit, masked_loss, predict_logits
from chimera_training.fixture import TEXTS, write_fixture
from chimera_training.folder import checksum, quantise_folder
from chimera_training.network import EncoderSource
from chimera_training.recordings import Labelled, read_labelled, split_problems, units_cut
from chimera_training.tokens import load_tokenizer, padded, train_tokenizer, window_of

ROOT = Path(__file__).resolve().parents[2]


def test_runs_become_rows_with_masked_labels(tmp_path: Path) -> None:
    def run(task: str, model: str, reward: float, part: str) -> dict:
        stages = [{"model": model}, {"model": "critic"}]
        return {"task_id": task, "task_key": task, "template": "t", "reward": reward, "part": part, "stages": stages}

    runs = [run("a", "m", 1, "train"), run("a", "m", 0, "train"), run("b", "n", 1, "train"), run("a", "n", 1, "valid")]
    for name, lines in {
        "runs": runs,
        "tasks": [{"task_id": "a", "prompt": "A"}, {"task_id": "b", "prompt": "B"}],
        "templates": [{"template": "t", "text": " Solve {TASK} \n"}],
    }.items():
        (tmp_path / name).write_text("\n".join(map(json.dumps, lines)))
    data = read_labelled(
        [str(tmp_path / "runs")], [str(tmp_path / "tasks")], str(tmp_path / "templates"), ["train"]
    )
    assert data.texts == ["Solve A", "Solve B"]
    assert data.models == ["m", "n"]
    np.testing.assert_equal(data.labels, [[0.5, np.nan], [np.nan, 1.0]])


def test_text_is_cut_in_utf16_units_and_never_within_a_character() -> None:
    assert units_cut("ab😀", 3, "right") == "ab"
    assert units_cut("😀ab", 3, "left") == "ab"
    assert units_cut("abc", 9, "left") == "abc"


def test_window_keeps_the_end_or_the_beginning() -> None:
    tokenizer = train_tokenizer(["a b c d e f g h"], 300)
    left = window_of(tokenizer, 5, "left", 0).read("a b c d e f g h")
    right = window_of(tokenizer, 5, "right", 0).read("a b c d e f g h")
    whole = tokenizer.encode("a b c d e f g h").ids
    assert len(whole) > 5
    assert left == [2, *whole[-4:-1], 3]
    assert right == [2, *whole[1:4], 3]


def test_unknown_labels_have_no_part_in_the_loss() -> None:
    logits = torch.tensor([[0.3, -2.0]], requires_grad=True)
    masked_loss(logits, torch.tensor([[1.0, float("nan")]])).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert logits.grad[0, 0] != 0


def test_problems_stay_together_and_batches_hold_each_row_once() -> None:
    problems = [f"p{row % 7}" for row in range(30)]
    folds = split_problems(problems, 3, 1)
    assert sorted(row for fold in folds for row in fold) == list(range(30))
    assert all(len({at for at, fold in enumerate(folds) if row in fold}) == 1 for row in range(30))
    names = [{problems[row] for row in fold} for fold in folds]
    assert not names[0] & names[1]
    batches = epoch_batches(list(range(30)), 4, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(30))


def test_platt_finds_the_map_that_made_the_labels() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(size=20_000)
    labels = (random.random(20_000) < 1 / (1 + np.exp(-(0.5 * scores - 1)))).astype(float)
    slope, intercept = fit_platt(scores, labels)
    assert abs(slope - 0.5) < 0.05
    assert abs(intercept + 1) < 0.05


def test_a_label_without_outcomes_has_the_shared_map() -> None:
    logits = np.array([[1.0, 1.0], [-1.0, 1.0], [2.0, 0.0], [0.5, 0.0]])
    labels = np.array([[1.0, np.nan], [0.0, np.nan], [0.0, np.nan], [1.0, np.nan]])
    maps = fit_calibration(logits, labels)
    assert maps[0]["slope"] == maps[1]["slope"]
    assert np.isfinite(calibrated(logits, maps)).all()


def test_average_precision_with_and_without_ties() -> None:
    truths = np.array([1.0, 0.0, 1.0, 0.0])
    assert average_precision(truths, np.array([4.0, 3.0, 2.0, 1.0])) == (1 + 2 / 3) / 2
    assert average_precision(truths, np.zeros(4)) == 0.5
    assert average_precision(np.zeros(4), truths) is None


def test_a_fit_learns_what_can_be_learned() -> None:
    texts = [f"{'easy' if row % 2 else 'hard'} task {row}" for row in range(64)]
    labels = np.array([[float(row % 2), np.nan if row % 3 else 1.0 - row % 2] for row in range(64)])
    data = Labelled(texts, texts, ["m", "n"], labels, 64)
    source = EncoderSource("small", texts, 16, "left")
    network = source.network(2, "mean", 1)
    fit(network, source.window, data, Recipe(epochs=6, learning_rate=1e-3, batch=8))
    logits = predict_logits(network, source.window, texts)
    assert ((logits[:, 0] > 0) == (labels[:, 0] > 0.5)).mean() > 0.95


def test_exported_folder_agrees_with_torch_and_padding_changes_nothing(tmp_path: Path) -> None:
    write_fixture(tmp_path)
    about = json.loads((tmp_path / "chimera.json").read_text())
    checks = json.loads((tmp_path / "checks.json").read_text())["cases"]
    assert about["training"]["exportDifference"] < 1e-4
    assert about["model"]["sha256"] == checksum(tmp_path / "model.onnx")
    window = window_of(load_tokenizer(str(tmp_path)), about["input"]["tokensMax"], "left", 0)
    expected = np.array([case["logits"] for case in checks])
    assert difference(onnx_logits(tmp_path / "model.onnx", window, TEXTS, batch=1), expected) < 1e-4
    assert difference(onnx_logits(tmp_path / "model.onnx", window, TEXTS, batch=6), expected) < 1e-4
    ids, mask = padded([window.read(text) for text in TEXTS], window.pad)
    assert mask.sum() < ids.size


def test_int8_is_another_folder_that_says_what_it_lost(tmp_path: Path) -> None:
    write_fixture(tmp_path / "whole")
    loss = quantise_folder(tmp_path / "whole", tmp_path / "int8")
    about = json.loads((tmp_path / "int8" / "chimera.json").read_text())
    assert about["model"]["precision"] == "int8"
    assert about["model"]["loss"] == loss
    assert about["model"]["sha256"] == checksum(tmp_path / "int8" / "model.onnx")
    assert loss["cosine"] > 0.9
    assert loss["differenceMax"] > 0
