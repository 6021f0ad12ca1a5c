"""The one place with the columns of tables that travel between processes or into the store."""

from __future__ import annotations

import pyarrow as pa

# What a pass returns: one row an hour, layout, subject and kind. The subject is a column's name; "" is the whole hour.
STATE_ROWS = pa.schema(
    [
        pa.field("hour", pa.string(), nullable=False),
        pa.field("layout", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("version", pa.int16(), nullable=False),
        pa.field("state", pa.binary(), nullable=False),
    ]
)

STATE_ROWS_DDL = (
    "hour string not null, layout string not null, subject string not null, position int not null, "
    "kind string not null, version smallint not null, state binary not null"
)

# Kinds of row that are no states: a line that was set aside, and a failure that ends the job.
BAD_LINE, FAULT = "bad_line", "fault"
