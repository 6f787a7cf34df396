import pytest

from suites.document import read_yaml
from suites.errors import SuiteError
from suites.load import parse_suite
from suites.models import builtin
from suites.vocabulary import OptionWord, Vocabulary

VOCABULARY = Vocabulary(
    backends=("fake", "onnxruntime-cpu"),
    options=(
        OptionWord(name="threads", kind=int, backends=("onnxruntime-cpu",), minimum=1),
        OptionWord(
            name="spinning", kind=bool, backends=("onnxruntime-cpu",), choices=(False, True)
        ),
        OptionWord(
            name="graph_optimization",
            kind=str,
            backends=("onnxruntime-cpu",),
            choices=("disabled", "all"),
        ),
        OptionWord(name="speed", kind=float, backends=("fake",), minimum=0.5),
        OptionWord(name="label", kind=str, backends=("fake",)),
    ),
)


@pytest.fixture
def vocabulary():
    return VOCABULARY


@pytest.fixture
def gpu_vocabulary():
    """The words that the shipped suites need: the backends of a GPU and their options as well."""
    gpu = ("onnxruntime-cuda", "tensorrt", "tensorrt-rtx")
    return Vocabulary(
        backends=(*VOCABULARY.backends, *gpu),
        options=(
            *VOCABULARY.options,
            OptionWord(name="cuda_graph", kind=bool, backends=gpu, choices=(False, True)),
            OptionWord(name="streams", kind=int, backends=gpu, minimum=1),
            OptionWord(name="queue_depth", kind=int, backends=gpu, minimum=1),
        ),
    )


@pytest.fixture
def parse(tmp_path):
    """Parse the text of a suite's file that lies in tmp_path and is called rnn.yaml."""

    def parse_text(text):
        return parse_suite(
            read_yaml(text.encode(), "rnn.yaml"),
            where="rnn.yaml",
            base=tmp_path,
            sha256="0" * 64,
            path=tmp_path / "rnn.yaml",
            vocabulary=VOCABULARY,
        )

    return parse_text


@pytest.fixture
def problems(parse):
    """Return the lines of the error that a suite's text gives."""

    def lines(text):
        with pytest.raises(SuiteError) as caught:
            parse(text)
        return str(caught.value).split("\n")

    return lines


@pytest.fixture
def builtin_signatures():
    """Return the signatures of a suite whose models are all built in."""

    def signatures(suite):
        found = {}
        for model in suite.models:
            source = builtin.get(model.source.name)
            found[model.name] = source.signature(builtin.resolve(source, dict(model.source.params)))
        return found

    return signatures
