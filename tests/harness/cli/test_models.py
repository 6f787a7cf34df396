import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.fetch import FetchError, fetched_path
from suites.errors import SuiteError
from suites.models.packages import packages

SWIFT = packages()["swift-f0"]
(MODEL,) = SWIFT.files.values()


@pytest.fixture
def dyno(tmp_path):
    def call(*arguments):
        return CliRunner().invoke(app, [*arguments, "--store", str(tmp_path)])

    return call


@pytest.fixture
def fetched(monkeypatch):
    """The packages that were fetched; nothing is downloaded."""
    calls = []
    monkeypatch.setattr("harness.fetch.fetch", lambda package, _: calls.append(package.name))
    return calls


def put(store, content):
    path = fetched_path(store, MODEL)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def test_the_list_has_built_ins_with_parameters_and_packages_with_their_state(dyno, tmp_path):
    put(tmp_path, b"damaged")

    told = dyno("models")

    assert told.exit_code == 0
    assert "\nlstm  " in told.stdout
    assert "\n    hidden: default 256 - " in told.stdout
    assert told.stdout.endswith(
        "\nbasic-pitch 0.4.0  Apache-2.0\n"
        "    nmp.onnx: not fetched - notes in 2 s of music at 22.05 kHz, CNN on a constant-Q "
        "transform\n"
        "swift-f0 0.3.0  MIT\n"
        "    model.onnx: damaged - pitch of a voice at 16 kHz between two bounds in Hz, CNN; "
        "batch 1 only\n"
    )


def test_fetching_says_what_came(dyno, fetched):
    told = dyno("models", "fetch", "swift-f0")

    assert (told.exit_code, told.stderr, fetched) == (
        0,
        "swift-f0 0.3.0: fetching\n",
        ["swift-f0"],
    )
    assert told.stdout == "swift-f0 0.3.0: fetched, 1 model, 0.1 MB\n"


def test_a_damaged_model_is_fetched_again_with_a_note(dyno, fetched, tmp_path):
    put(tmp_path, b"damaged")

    told = dyno("models", "fetch", "swift-f0")

    assert told.stderr == "swift-f0 0.3.0: model.onnx is damaged, fetching it again\n"
    assert fetched == ["swift-f0"]


def test_what_is_there_whole_is_not_fetched_again(dyno, fetched, monkeypatch):
    monkeypatch.setattr("harness.fetch.fetched_state", lambda _store, _file: "fetched")

    told = dyno("models", "fetch", "swift-f0")

    assert (told.exit_code, told.stdout, fetched) == (0, "swift-f0 0.3.0: already fetched\n", [])


def test_all_means_every_package_and_one_that_fails_does_not_stop_the_others(dyno, monkeypatch):
    def fetch(package, _store):
        if package.name == "basic-pitch":
            raise FetchError("basic-pitch 0.4.0: no.")

    monkeypatch.setattr("harness.fetch.fetch", fetch)

    told = dyno("models", "fetch", "all")

    assert told.exit_code == 2
    assert told.stderr.splitlines()[2:] == [
        "basic-pitch 0.4.0: fetching",
        "basic-pitch 0.4.0: no.",
        "swift-f0 0.3.0: fetching",
    ]
    assert told.stdout.splitlines() == [
        "silero-vad 6.2.3: fetched, 3 models, 6.4 MB",
        "rapidocr-onnxruntime 1.4.4: fetched, 3 models, 16.2 MB",
        "swift-f0 0.3.0: fetched, 1 model, 0.1 MB",
    ]


def test_an_unknown_package_suggests_one(dyno):
    told = dyno("models", "fetch", "silero")

    assert isinstance(told.exception, SuiteError)
    assert str(told.exception) == (
        "models fetch: expected one of silero-vad, rapidocr-onnxruntime, basic-pitch, swift-f0, "
        "all, got 'silero'. Did you mean 'silero-vad'?"
    )


def test_the_store_may_be_named_before_fetch(monkeypatch, tmp_path):
    stores = []
    monkeypatch.setattr("harness.fetch.fetch", lambda _, store: stores.append(store))

    CliRunner().invoke(app, ["models", "--store", str(tmp_path), "fetch", "swift-f0"])

    assert stores == [tmp_path]
