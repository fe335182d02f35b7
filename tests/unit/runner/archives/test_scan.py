"""What passes from one side to the other, and what never does."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.runner.archives.ground import Ground
from roundel.runner.archives.headers import Broken
from roundel.runner.archives.scan import Scan, TooBig
from tests.unit.runner.archives.tars import (
    contents,
    file,
    folder,
    hard_link,
    member,
    names,
    refused,
    scanned,
    symlink,
    tar,
)

FORMATS = [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]
LONG = "/".join(["a-rather-long-folder-name"] * 8) + "/file.txt"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("cut", [1, 100, 512, 1000, 1 << 20])
def test_honest_archives_pass_whole_however_they_are_cut(form: int, cut: int) -> None:
    members = [folder("d"), file("d/a", b"1" * 700), file("d/b", b""), symlink("d/l", "a")]
    members += [hard_link("d/h", "d/a"), file("zö.txt", b"2" * 512), file(LONG, b"long")]
    archive = tar(*members, form=form)
    passed = scanned(archive, cut=cut)
    assert names(passed) == names(archive)
    assert contents(passed) == contents(archive)


def test_an_archive_in_need_of_nothing_is_passed_without_a_copy() -> None:
    archive = tar(*(file(f"f{number}", b"y" * 900) for number in range(50)))
    parts = Scan(Ground()).feed(archive)
    assert len(parts) == 1
    assert isinstance(parts[0], memoryview)
    assert parts[0].obj is archive


@pytest.mark.parametrize(
    "bad",
    [
        file("/etc/passwd"),
        file("../up"),
        file("d/../../up"),
        hard_link("h", "/etc/passwd"),
        hard_link("h", "../x"),
        hard_link("h", "not-in-the-archive"),
        member("dev", kind=tarfile.CHRTYPE),
        member("dev", kind=tarfile.BLKTYPE),
        member("pipe", kind=tarfile.FIFOTYPE),
        member("odd", kind=b"Q"),
    ],
    ids=lambda entry: f"{entry[0].type!r} {entry[0].name} {entry[0].linkname}",
)
def test_an_entry_that_reaches_outside_or_is_no_file_is_left_out(
    bad: tuple[tarfile.TarInfo, bytes],
) -> None:
    archive = tar(file("before", b"1"), bad, file("after", b"2"))
    ground = Ground()
    assert contents(scanned(archive, ground)) == {"before": b"1", "after": b"2"}
    assert names(scanned(archive)) == ["before", "after"]
    assert [refusal.path for refusal in ground.refused] == [bad[0].name]


@pytest.mark.parametrize(
    ("link", "through"),
    [("d", "d/x"), ("d", "d/e/f"), ("D", "d/x"), ("é", "e\u0301/x"), ("./d", "d//x")],
)
def test_nothing_is_unpacked_through_a_link_of_the_archive(link: str, through: str) -> None:
    archive = tar(symlink(link, "/etc"), file(through), file("fine"))
    assert refused(archive) == [through]


def test_a_folder_does_not_take_the_place_of_a_link() -> None:
    assert refused(tar(symlink("d", "/etc"), folder("d"), file("d/x"))) == ["d/", "d/x"]


def test_a_hard_link_to_a_link_is_left_out_as_well() -> None:
    assert refused(tar(symlink("s", "/etc"), hard_link("d", "s"), file("d/x"))) == ["d"]


def test_links_of_an_earlier_archive_count_in_the_same_place() -> None:
    ground = Ground()
    scanned(tar(symlink("d", "/etc")), ground)
    scanned(tar(file("d/passwd")), ground)
    assert [refusal.path for refusal in ground.refused] == ["d/passwd"]


def test_hard_links_do_not_reach_into_an_earlier_archive() -> None:
    ground = Ground()
    scanned(tar(file("a")), ground)
    scanned(tar(hard_link("b", "a")), ground)
    assert [refusal.path for refusal in ground.refused] == ["b"]


def test_a_file_may_take_the_place_of_a_link() -> None:
    assert refused(tar(symlink("a", "/etc/passwd"), file("a"), symlink("b", "x"))) == []


def test_links_may_point_anywhere_as_those_of_virtual_environments_do() -> None:
    archive = tar(symlink("venv/bin/python", "/usr/bin/python3"), symlink("up", "../x"))
    assert names(scanned(archive)) == ["venv/bin/python", "up"]


def test_setuid_and_setgid_are_taken_away() -> None:
    archive = tar(member("a", b"x", mode=0o6755), member("t", kind=tarfile.DIRTYPE, mode=0o1777))
    with tarfile.open(fileobj=io.BytesIO(scanned(archive))) as opened:
        assert [info.mode for info in opened.getmembers()] == [0o755, 0o1777]


def test_names_are_changed_on_the_way_where_that_is_asked_for() -> None:
    ground = Ground(rename=lambda path: b"very/" * 30 + path)
    archive = tar(file("a", b"1"), hard_link("b", "a"))
    passed = scanned(archive, ground)
    assert names(passed) == ["very/" * 30 + "a", "very/" * 30 + "b"]
    with tarfile.open(fileobj=io.BytesIO(passed)) as opened:
        assert opened.getmembers()[1].linkname == "very/" * 30 + "a"


def test_the_files_and_links_are_listed_where_that_is_asked_for() -> None:
    ground = Ground(list_paths=True)
    scanned(tar(folder("d"), file("./d/a"), symlink("l", "d"), hard_link("h", "d/a")), ground)
    assert ground.paths == ["d/a", "l", "h"]


def test_an_archive_that_breaks_off_is_broken() -> None:
    archive = tar(file("a", b"1" * 5000), file("b"))
    for length in (0, 100, 512, 3000, 5632, 6144, 6656):
        with pytest.raises(Broken, match="breaks off"):
            scanned(archive[:length])


def test_noise_is_broken() -> None:
    with pytest.raises(Broken, match="checksum"):
        scanned(b"noise" * 1000)


def test_what_follows_the_end_is_left_out() -> None:
    archive = tar(file("a"))
    assert names(scanned(archive + tar(file("b")))) == ["a"]
    assert b"junk" not in scanned(archive + b"junk")


def test_a_link_with_contents_is_broken_since_readers_differ_on_it() -> None:
    info, _ = symlink("l", "x")
    info.size = 512
    inside = tar(file("evil"))[:1024]
    with pytest.raises(Broken, match="contents"):
        scanned(info.tobuf() + inside + bytes(1024))


def test_a_name_in_the_place_of_a_prefix_cannot_be_read_in_two_ways() -> None:
    block = bytearray(file("name")[0].tobuf(tarfile.GNU_FORMAT))
    block[345:355] = b"../../etc\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    passed = scanned(bytes(block) + b"x" * 512 + bytes(1024))
    assert b"etc" not in passed


def test_more_entries_or_bytes_than_allowed_end_it() -> None:
    with pytest.raises(TooBig, match="more than 2 files"):
        scanned(tar(file("a"), file("b"), file("c")), Ground(max_entries=2))
    with pytest.raises(TooBig, match="more than 10 bytes"):
        scanned(tar(file("a", b"x" * 11)), Ground(max_bytes=10))


def test_pax_headers_cannot_smuggle_a_size_past_us() -> None:
    info, data = file("a", b"x" * 10)
    info.pax_headers = {"size": "1024", "comment": "c" * 2000}
    archive = tar((info, data), file("b"), form=tarfile.PAX_FORMAT)
    # The longer size swallows the next header: what is left no longer is an archive.
    with pytest.raises(Broken):
        scanned(archive)


def test_capabilities_and_sparse_maps_are_not_carried_over() -> None:
    info, data = file("a")
    info.pax_headers = {"SCHILY.xattr.security.capability": "\x01\x02"}
    assert b"SCHILY" not in scanned(tar((info, data), form=tarfile.PAX_FORMAT))
    info, data = file("GNUSparseFile.0/a")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "a"}
    assert refused(tar((info, data), form=tarfile.PAX_FORMAT)) == ["GNUSparseFile.0/a"]


# Names whose parts meet often, so that links and what leads through them do.
NAMES = st.lists(st.sampled_from(["a", "b", "A", "..", ".", "", "é"]), min_size=1, max_size=3).map(
    "/".join
)
KINDS = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
)
TARGETS = NAMES | st.just("OUTSIDE") | st.just("OUTSIDE/secret")


@pytest.mark.parametrize("program", ["tar", "busybox"])
@settings(max_examples=40, deadline=None)
@given(
    entries=st.lists(st.tuples(NAMES, KINDS, TARGETS), max_size=6), form=st.sampled_from(FORMATS)
)
def test_no_archive_touches_what_is_outside_when_a_real_tar_unpacks_it(
    program: str,
    entries: list[tuple[str, bytes, str]],
    form: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if shutil.which(program) is None:
        pytest.fail(f"{program} is needed for this test")
    place = tmp_path_factory.mktemp("ground")
    outside, inside = place / "outside", place / "x" / "inside"
    outside.mkdir()
    inside.mkdir(parents=True)
    (outside / "secret").write_text("untouched")
    members = [
        member(
            name or "a",
            b"changed" if kind == tarfile.REGTYPE and not name.endswith("/") else b"",
            kind=kind,
            link=to.replace("OUTSIDE", str(outside)),
        )
        for name, kind, to in entries
    ]
    passed = scanned(tar(*members, form=form))
    command = ["tar", "-xf", "-"] if program == "tar" else ["busybox", "tar", "-xf", "-"]
    subprocess.run(command, input=passed, cwd=inside, capture_output=True, check=False)
    assert _below(place) == {outside, outside / "secret", place / "x", inside}
    assert (outside / "secret").read_text() == "untouched"
    assert (outside / "secret").stat().st_nlink == 1
    shutil.rmtree(place)


def _below(place: Path) -> set[Path]:
    """Return all paths but those inside, where anything may be."""
    found: set[Path] = set()
    todo = [place]
    while todo:
        for path in todo.pop().iterdir():
            found.add(path)
            if path.is_dir() and not path.is_symlink() and path.name != "inside":
                todo.append(path)
    return found
