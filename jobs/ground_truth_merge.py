r"""The ground-truth merge for spark-submit: the same flags, environment and YAML as `hourglass merge`.

spark-submit jobs/ground_truth_merge.py \
    --dataset-source s3://bucket/capture --ground-truth-source s3://bucket/labels --output-path s3://bucket/merged
"""

from __future__ import annotations

import sys

from hourglass.cli import main

if __name__ == "__main__":
    main(["merge", *sys.argv[1:]])
