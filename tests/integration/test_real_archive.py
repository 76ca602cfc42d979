"""The whole real linux-ext4 archive, opt-in: PATCHBOT_TEST_EPOCH names its public-inbox epoch."""

import collections
import os
import random
import time
from pathlib import Path

import pytest

from patchbot.mail.message import parse_mail
from patchbot.mail.series import build_series, select_series, series_message_ids
from patchbot.mail.thread import Mails
from tests.support.epoch import read_epoch


@pytest.fixture(scope="module")
def archive():
    epoch = os.environ.get("PATCHBOT_TEST_EPOCH", "")
    if not epoch:
        pytest.skip("opt-in: set PATCHBOT_TEST_EPOCH to a bare public-inbox epoch (git/0.git)")
    start = time.perf_counter()
    mails = [parse_mail(raw, keep_raw=False) for raw in read_epoch(Path(epoch))]
    return mails, time.perf_counter() - start


@pytest.fixture(scope="module")
def built(archive):
    start = time.perf_counter()
    mails = Mails(archive[0])
    return mails, build_series(mails), time.perf_counter() - start


@pytest.mark.slow
def test_every_mail_goes_through(archive, built, capsys):
    mails, parse_s = archive
    known, series, build_s = built
    revisions = [revision for each in series for revision in each.revisions]
    with capsys.disabled():
        print(
            f"\n{len(mails)} mails, {len(mails) / parse_s:.0f} mails/s parsed, "
            f"{len(mails) / build_s:.0f} mails/s threaded and built ({build_s:.1f} s); "
            f"{len(series)} series, {len(revisions)} revisions"
        )
    assert len(known) > 0.99 * len(mails)
    assert len(mails) / 60 < len(series) < len(mails) / 4
    assert len(series) <= len(revisions) < 3 * len(series)
    assert sum(1 for r in revisions if r.missing) < len(revisions) / 5


@pytest.mark.slow
def test_no_patch_is_in_two_series(built):
    _, series, _ = built
    owners = collections.Counter(
        patch.message_id
        for each in series
        for patch in {p.message_id: p for r in each.revisions for p in r.patches}.values()
    )
    assert [message_id for message_id, count in owners.items() if count > 1] == []


@pytest.mark.slow
def test_labels_and_slugs_are_unique(built):
    _, series, _ = built
    for each in series:
        names = [revision.label for revision in each.revisions]
        assert len(names) == len(set(names)), each.slug


@pytest.mark.slow
def test_every_patch_selects_its_series(built):
    mails, series, _ = built
    for each in random.Random(2).sample(series, 40):
        for message_id in each.revisions[0].message_ids[:2]:
            found = select_series(series, mails, message_id)
            assert message_id in series_message_ids(found)


@pytest.mark.slow
def test_the_order_of_the_mails_changes_nothing(built):
    mails, series, _ = built
    shuffled = list(mails)
    random.Random(3).shuffle(shuffled)
    assert build_series(Mails(shuffled)) == series
