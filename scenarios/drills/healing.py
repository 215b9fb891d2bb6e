"""Ends what a drill on a database began, whoever began it, by the note that it left: as often as it is asked to.

The untouched original comes first: nothing is lost with it. Only where it was harmed, a backup is restored. Whatever
fails on the way, something is served in the end, and the note stays for the next who asks.
"""

from __future__ import annotations

from pathlib import Path

from fixtures.platforms.backups import NotRestored
from fixtures.platforms.postgres.backups import Recovery
from scenarios.drills import doors, tables
from scenarios.drills.comeback import newest_sound
from scenarios.drills.ground import Ground, Ledger, Note, fresh


def heal(ground: Ground, ledger: Ledger) -> str:
    """What was done, in words, "" where there was nothing. Raises whatever keeps it from being done."""
    note = ledger.note()
    if note is None:
        return ""
    named = [Path(one) for one in (note.original, note.aside, note.restored) if one]
    if named and ground.is_serving() and not any(one.exists() for one in named):
        ledger.settle()
        return "the server that it was held on is no more, and another one serves"
    done = _served(ground, ledger, note) if note.original else "nothing had been done yet"
    note = ledger.note() or note
    doors.opened(ground, note.limits)
    serves, restored = ground.data(), Path(note.restored)
    if note.restored and serves != restored and restored.exists():
        ground.abandon(restored)
    left = ", ".join(map(str, note.lying(serves)))
    ledger.settle()
    return f"{done}; what was served before lies in {left}" if left else done


def _served(ground: Ground, ledger: Ledger, note: Note) -> str:
    original, aside, restored = Path(note.original), Path(note.aside), Path(note.restored)
    refused = ""
    if note.restored and ground.data() == restored:
        try:
            ground.serve(restored)
        except NotRestored as error:
            refused = f"; what had been restored does not serve: {error}"
        else:
            return "the restored data serve"
    if note.aside and aside.exists() and not original.exists():
        aside.rename(original)
        ground.serve(original)
        return f"the original was put back{refused}"
    if note.is_harmed and not _is_spared(ground, note):
        return f"restored from {_restored_anew(ground, ledger, note)}{refused}"
    ground.serve(original)
    return f"the original serves{refused}"


def _is_spared(ground: Ground, note: Note) -> bool:
    """Whether the harm that was noted had not been done when the drill was killed, or was put right by then."""
    if not note.table:
        return False
    if not ground.is_serving():
        ground.serve(Path(note.original))
    database, _, table = note.table.partition(" ")
    with ground.connect(database) as link:
        return link.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)


def _restored_anew(ground: Ground, ledger: Ledger, note: Note) -> str:
    """The name of the backup. Where that fails, the harmed original is served again: some of it is better than none."""
    original = Path(note.original)
    if note.restored and Path(note.restored).exists():
        ground.abandon(Path(note.restored))
    try:
        backup, _ = newest_sound(ground.backups, note.until_s)
        into = fresh(original)
        ledger.update(restored=str(into))
        if not note.table:
            ground.hold()
        ground.backups.restore(backup, into, Recovery(note.until_s, original / "pg_wal"))
        with ground.beside(into, archives=not note.table) as server:
            if note.table:
                tables.copied(ground, server, note.table, into)
        if not note.table:
            ground.serve(into)
    except BaseException:
        ground.serve(original)
        raise
    return backup.id
