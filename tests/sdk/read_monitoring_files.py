"""Runs in .venv-sdk: loads a directory's files with the SageMaker SDK's own classes and prints what they hold as JSON.

Nothing is stubbed: `from_file_path` puts the file into the session's bucket and reads it back, as it does for a user.
"""

import json
import sys
from pathlib import Path

from sagemaker.model_monitor import Constraints, ConstraintViolations, Statistics
from sagemaker.session import Session

KINDS = {"statistics": Statistics, "constraints": Constraints, "constraint_violations": ConstraintViolations}


def load(directory, session):
    """The files that are there, by name without `.json`; on S3 all of them have to be."""
    if directory.startswith("s3://"):
        return {name: kind.from_s3_uri(f"{directory}/{name}.json", sagemaker_session=session) for name, kind in KINDS.items()}
    paths = {name: Path(directory, f"{name}.json") for name in KINDS}
    return {name: KINDS[name].from_file_path(str(path), sagemaker_session=session) for name, path in paths.items() if path.exists()}


def switch_off(constraints):
    """What the SDK's own editing makes of a data-quality baseline: monitoring off as a whole, and off for each feature."""
    constraints.set_monitoring(enable_monitoring=False)
    for feature in constraints.body_dict["features"]:
        constraints.set_monitoring(enable_monitoring=False, feature_name=feature["name"])
    return constraints.body_dict


def main():
    """`read_monitoring_files.py DIRECTORY BUCKET`."""
    directory, bucket = sys.argv[1:]
    loaded = load(directory, Session(default_bucket=bucket))
    read = {name: json.loads(json.dumps(file.body_dict)) for name, file in loaded.items()}
    if "features" in read.get("constraints", {}):
        read["constraints_switched_off"] = switch_off(loaded["constraints"])
    json.dump(read, sys.stdout)


if __name__ == "__main__":
    main()
