import json
from dataclasses import replace

from harness.baseline.pinned import inputs_of, prepared_of


def test_a_case_comes_back_from_what_is_stored_as_it_was(made, keep, shelf, tmp_path):
    model = made.beside(tmp_path / "own", location="a.bin")
    inputs = made.inputs(tmp_path)

    pinned = keep(model, inputs)

    assert (pinned.position, pinned.case, pinned.options) == (0, made.planned.case, {"threads": 1})
    stored = {
        name: json.loads(json.dumps(getattr(pinned, name), sort_keys=True))
        for name in ("model", "inputs")
    }
    assert stored == {"model": pinned.model, "inputs": pinned.inputs}
    kept = replace(pinned, **stored)
    own_file = shelf.model_folder(model.sha256) / "model.onnx"
    assert prepared_of(kept, shelf) == replace(model, path=own_file)
    assert inputs_of(kept, shelf) == replace(inputs, path=shelf.inputs_file(inputs.sha256))
