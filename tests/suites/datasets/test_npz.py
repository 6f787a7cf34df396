import io
import zipfile

import numpy as np


def test_a_key_that_is_not_there_suggests_one(data, images):
    data.save(image=images, other=images)

    assert data.error() == (
        ".inputs.x: expected one of image, other, got 'images'. Did you mean 'image'?"
    )


def test_labels_that_are_not_there_suggest_a_key(data, images):
    data.save(images=images, labels=np.zeros(5, int))

    assert data.error(labels="label", task="classification") == (
        ".labels: expected one of images, labels, got 'label'. Did you mean 'labels'?"
    )


def test_an_empty_file_has_no_arrays(data):
    data.save()

    assert data.error() == ".inputs.x: expected a file with arrays, got 'images'."


def test_a_file_that_is_gone_is_explained(data):
    assert data.error() == (
        ".npz: expected a .npz file as numpy saves it, got 'val.npz': No such file or directory. "
        "Save it again with numpy.savez."
    )


def test_a_file_of_one_array_has_no_names(data, images):
    with (data.folder / "val.npz").open("wb") as stream:
        np.save(stream, images)

    assert data.error() == (
        ".npz: expected a .npz file as numpy saves it, got 'val.npz': it holds one array and no "
        "names. Save it again with numpy.savez."
    )


def test_other_bytes_are_no_data_set(data):
    (data.folder / "val.npz").write_bytes(b"anything")

    error = data.error()

    assert error.startswith(".npz: expected a .npz file as numpy saves it, got 'val.npz': ")
    assert "pickle" in error
    assert error.endswith(". Save it again with numpy.savez.")


def test_a_truncated_file_is_damaged(data, images):
    data.save(images=images)
    path = data.folder / "val.npz"
    path.write_bytes(path.read_bytes()[:-30])

    error = data.error()

    assert error.startswith(".npz: expected a .npz file as numpy saves it, got 'val.npz': ")
    assert "not a zip file" in error


def test_a_flipped_byte_is_damage_of_its_array(data, images):
    data.save(images=images)
    path = data.folder / "val.npz"
    whole = bytearray(path.read_bytes())
    whole[whole.index(images.tobytes())] ^= 1
    path.write_bytes(whole)

    error = data.error()

    assert error.startswith(".inputs.x: expected an array of numbers, got 'images': ")
    assert "Bad CRC-32" in error


def test_objects_are_never_unpickled(data):
    data.save(images=np.array([{}, []], dtype=object))

    assert data.error() == (
        ".inputs.x: expected an array of numbers, got 'images': "
        "Object arrays cannot be loaded when allow_pickle=False. Save it again."
    )


def test_an_array_beyond_the_memory_is_explained(data):
    header = io.BytesIO()
    claimed = {"descr": "<f4", "fortran_order": False, "shape": (1 << 50, 2, 2)}
    np.lib.format.write_array_header_1_0(header, claimed)
    with zipfile.ZipFile(data.folder / "val.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue())

    error = data.error()

    assert error.startswith(
        ".inputs.x: expected an array that fits into memory, got 'images': Unable to allocate "
    )
    assert error.endswith(". Save fewer samples.")
