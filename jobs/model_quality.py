"""The model-quality job for spark-submit: the same flags, environment and YAML as `hourglass model-quality`.

spark-submit jobs/model_quality.py --dataset-source s3://bucket/merge --output-path s3://bucket/reports
"""

from __future__ import annotations

import sys

from hourglass.cli import main

if __name__ == "__main__":
    main(["model-quality", *sys.argv[1:]])
