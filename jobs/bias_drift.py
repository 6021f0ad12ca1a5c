"""The bias-drift job for spark-submit: the same flags, environment and YAML as `hourglass bias`.

spark-submit jobs/bias_drift.py --dataset-source s3://bucket/merge --output-path s3://bucket/reports
"""

from __future__ import annotations

import sys

from hourglass.cli import main

if __name__ == "__main__":
    main(["bias", *sys.argv[1:]])
