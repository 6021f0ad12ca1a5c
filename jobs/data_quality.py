"""The data-quality job for spark-submit: the same flags, environment and YAML as `hourglass data-quality`.

spark-submit jobs/data_quality.py --dataset-source s3://bucket/capture --output-path s3://bucket/reports
"""

from __future__ import annotations

import sys

from hourglass.cli import main

if __name__ == "__main__":
    main(["data-quality", *sys.argv[1:]])
