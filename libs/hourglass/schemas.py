"""The one place with the columns of tables that travel between processes or into the store."""

from __future__ import annotations

import pyarrow as pa

# What the store keeps of an hour: one row a segment, layout, subject and kind of state. The segment "" is all rows; the
# subject is a column's name, and "" stands for the rows as a whole.
STORED_ROWS = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("layout", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("version", pa.int16(), nullable=False),
        pa.field("state", pa.binary(), nullable=False),
    ]
)

# What a pass returns: the same of many hours, and of each of an hour's parts.
STATE_ROWS = pa.schema([pa.field("partition", pa.string(), nullable=False), *STORED_ROWS])

STATE_ROWS_DDL = (
    "partition string not null, segment string not null, layout string not null, subject string not null, "
    "position int not null, kind string not null, version smallint not null, state binary not null"
)

# Kinds of row that are no states: a line that was set aside, and a failure that ends the job.
BAD_LINE, FAULT = "bad_line", "fault"

# What the join reads from captures and labels. A capture's `scope` is the number of its partition and its `place` the
# number of its part with the byte there; a label's are its hour and the number of its file with the byte there.
KEY_ROWS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("scope", pa.int32(), nullable=False),
        pa.field("event", pa.string()),
        pa.field("stamp", pa.int64(), nullable=False),
        pa.field("place", pa.int64(), nullable=False),
        pa.field("time", pa.int64()),
        pa.field("payload", pa.string()),
    ]
)
KEY_ROWS_DDL = (
    "key string not null, kind tinyint not null, scope int not null, event string, stamp bigint not null, "
    "place bigint not null, time bigint, payload string"
)
KEY_ROWS_ORDER = ("key", "kind", "scope", "event", "stamp", "place")
LABEL, CAPTURE, NOTE = 0, 1, 2  # kinds of row, in the order in which a key's rows come; a note is for the driver

# A captured line with its label. `target` says which task writes it; the place of a note is -1.
MATCH_ROWS = pa.schema(
    [
        pa.field("target", pa.int32(), nullable=False),
        pa.field("place", pa.int64(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("delay", pa.float64(), nullable=False),
        pa.field("timed", pa.bool_(), nullable=False),
    ]
)
MATCH_ROWS_DDL = "target int not null, place bigint not null, payload string not null, delay double not null, timed boolean not null"
