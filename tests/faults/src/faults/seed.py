"""Fills a database of ours with rows that ended long ago. Arguments: file, rows of each kind."""
import os, sqlite3, sys, time

path, count = sys.argv[1], int(sys.argv[2])
if count == 0:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    names = ("sessions", "revocations", "spent", "grants")
    ended = int(time.time()) - 5 * 86400
    ends = {"grants": "idle_until", "sessions": "expires_at", "revocations": "expires_at", "spent": "expires_at"}
    print(sum(db.execute(f"SELECT count(*) FROM {n} WHERE {ends[n]} < ?", (ended,)).fetchone()[0] for n in names))
    sys.exit()
db = sqlite3.connect(path, timeout=60, isolation_level=None)
ended = int(time.time()) - 10 * 86400


def rows(table, fresh):
    """Copies of one row, with what must be its own and what has ended."""
    cursor = db.execute(f"SELECT * FROM {table} LIMIT 1")
    columns, model = [c[0] for c in cursor.description], cursor.fetchone()
    for _ in range(count):
        own = fresh()
        yield [own.get(name, value) for name, value in zip(columns, model)]


def fill(table, fresh):
    marks = ",".join("?" * len(db.execute(f"SELECT * FROM {table} LIMIT 1").description))
    db.execute("BEGIN")
    for n, row in enumerate(rows(table, fresh)):
        db.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        if n % 20000 == 19999:
            db.execute("COMMIT")
            db.execute("BEGIN")
    db.execute("COMMIT")


r = os.urandom
fill("sessions", lambda: {"id": r(16), "token": r(32), "expires_at": ended})
fill("grants", lambda: {"id": r(16), "created_at": ended, "last_used_at": ended, "idle_until": ended,
                        "expires_at": ended, "access_until": ended, "revoked_at": None})
fill("revocations", lambda: {"key": r(16), "expires_at": ended})
db.execute("BEGIN")
for _ in range(count):
    db.execute("INSERT INTO spent (key, expires_at) VALUES (?, ?)", (r(32), ended))
db.execute("COMMIT")
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
