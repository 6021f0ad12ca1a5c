"""The attribution-drift job for spark-submit: the same flags, environment and YAML as `hourglass attribution`.

spark-submit jobs/attribution_drift.py --dataset-source s3://bucket/capture --output-path s3://bucket/reports
"""

from __future__ import annotations

import sys

from hourglass.cli import main

if __name__ == "__main__":
    main(["attribution", *sys.argv[1:]])
