"""Train the digits LSTM and write `digits_lstm.onnx` and `digits_heldout.npz` beside this file.

An 8×8 image is a sequence of 8 rows of 8 pixels. Input `rows` [batch, 8, 8] float32 is raw / 16,
where raw pixels are 0..16; output `logits` [batch, 10].

The data are the 1797 images of scikit-learn's `load_digits` (BSD; UCI "Optical Recognition of
Handwritten Digits"). The split: `numpy.random.RandomState(0).permutation(1797)` (a frozen stream,
NEP 19); the first 360 indices are held out, in that order, and the others train. The former are in
`digits_heldout.npz` as `rows` [360, 8, 8] uint8, raw, and `labels` [360] uint8.

Noise and dropout were chosen among seven recipes by 4-fold cross-validation on the training images
(mean accuracy 0.980; 0.962 without both), never by the held-out ones. Those were scored twice: the
recipe without both had 0.9611, and the one here has what the file's metadata say.

Needs the extras `cpu` and `training`; takes about 20 s on one core: `python digits_lstm.py`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
HELD_OUT = 360
RAW_MAX = 16
EPOCHS = 40
BATCH = 64
NOISE = 0.1
DROPOUT = 0.3
SEED = 0


class DigitsLstm(torch.nn.Module):  # type: ignore[misc]
    """Two LSTM layers of 128 over the rows, then ten logits from the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(8, 128, num_layers=2, batch_first=True, dropout=DROPOUT)
        self.head = torch.nn.Linear(128, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return logits [batch, 10] of rows [batch, 8, 8]."""
        states, _ = self.lstm(rows)
        return self.head(states[:, -1])


def split() -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return raw images [n, 8, 8] and labels [n] of `train` and `heldout`."""
    data = load_digits()
    order = np.random.RandomState(SEED).permutation(len(data.target))
    images, labels = data.images.astype(np.uint8), data.target.astype(np.uint8)
    parts = {"heldout": order[:HELD_OUT], "train": order[HELD_OUT:]}
    return {name: (images[index], labels[index]) for name, index in parts.items()}


def scaled(raw: NDArray[np.uint8]) -> torch.Tensor:
    """Return what the model takes, 0..1, of raw pixels 0..16."""
    return torch.from_numpy(raw.astype(np.float32) / RAW_MAX)


def train(raw: NDArray[np.uint8], labels: NDArray[np.uint8]) -> DigitsLstm:
    """Return the trained model; the same on the same machine and torch."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model, x, y = DigitsLstm(), scaled(raw), torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            noisy = x[index] + NOISE * torch.randn_like(x[index])
            torch.nn.functional.cross_entropy(model(noisy), y[index]).backward()
            optimizer.step()
        schedule.step()
    model.eval()
    return model


def export(model: DigitsLstm) -> onnx.ModelProto:
    """Return the model as ONNX with a symbolic batch and a name on every output of a node."""
    buffer = io.BytesIO()
    torch.onnx.export(
        model,
        (torch.zeros(2, 8, 8),),
        buffer,
        dynamo=False,
        opset_version=17,
        input_names=["rows"],
        output_names=["logits"],
        dynamic_axes={"rows": {0: "batch"}, "logits": {0: "batch"}},
    )
    exported = onnx.load_from_string(buffer.getvalue())
    exported.graph.name = "digits-lstm"
    for node in exported.graph.node:
        for i, output in enumerate(node.output):
            node.output[i] = output or f"{node.name}_output_{i}"
    return exported


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Return the fraction of images whose largest logit is the label's."""
    return float((logits.argmax(axis=1) == labels).mean())


def check(exported: onnx.ModelProto, model: DigitsLstm, raw: NDArray[np.uint8]) -> None:
    """Stop where the dimensions, the checker or ONNX Runtime disagree with the torch model."""
    import onnxruntime

    onnx.checker.check_model(exported, full_check=True)
    found = {value.name: _dims(value) for value in (*exported.graph.input, *exported.graph.output)}
    wanted: dict[str, list[str | int]] = {"rows": ["batch", 8, 8], "logits": ["batch", 10]}
    if found != wanted:
        sys.exit(f"digits_lstm: expected dimensions {wanted}, got {found}")
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = scaled(raw)
    for batch in (1, len(x)):
        got = session.run(None, {"rows": x[:batch].numpy()})[0]
        np.testing.assert_allclose(got, model(x[:batch]).detach().numpy(), atol=1e-4)


def _dims(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def main() -> None:
    """Train, export, check, and write both files."""
    parts = split()
    raw, labels = parts["heldout"]
    model = train(*parts["train"])
    exported = export(model)
    check(exported, model, raw)
    score = accuracy(model(scaled(raw)).detach().numpy(), labels)
    facts: dict[str, Any] = {
        "accuracy": f"{score:.4f}",
        "accuracy_on": f"{HELD_OUT} held-out images of scikit-learn's load_digits",
        "input_scale": "raw pixels 0..16 divided by 16",
        "made_by": Path(__file__).name,
    }
    onnx.helper.set_model_props(exported, facts)
    onnx.save(exported, HERE / "digits_lstm.onnx")
    np.savez_compressed(HERE / "digits_heldout.npz", rows=raw, labels=labels)
    sys.stdout.write(f"accuracy on {HELD_OUT} held-out images: {score:.4f}\n")


if __name__ == "__main__":
    main()
