#!/usr/bin/env python3
"""Writes digits.bin beside itself, from scikit-learn. README.md has the format."""

import hashlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

OUT = Path(__file__).resolve().with_name("digits.bin")
LABEL_COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
TRAIN = 1437


def main():
    pixels, labels = load_digits(return_X_y=True)
    assert pixels.shape == (1797, 64) and labels.shape == (1797,)
    assert np.array_equal(pixels, np.rint(pixels)) and pixels.min() == 0 and pixels.max() == 16
    assert np.bincount(labels).tolist() == LABEL_COUNTS
    assert len(np.bincount(labels[TRAIN:])) == 10, "each digit must be in the test part"

    records = np.column_stack([pixels, labels]).astype(np.uint8)
    data = records.tobytes()
    assert len(data) == 1797 * 65
    OUT.write_bytes(data)
    print(f"{OUT.name}: {len(records)} records, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
