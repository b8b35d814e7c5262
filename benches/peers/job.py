"""What every peer is told on its command line, and where its exports are."""

import argparse
from pathlib import Path

REGIONS = Path(__file__).with_name("regions.csv")


def arguments(about, plans, forms=("merged", "daily", "parquet")):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("exports", type=Path, help="the folder of the exports")
    parser.add_argument("--form", choices=forms, required=True)
    parser.add_argument("--plan", choices=plans, default=plans[0])
    parser.add_argument("--out", type=Path, help="where the four tables go")
    parser.add_argument("--thresholds", default="100000000,250000000,500000000,1000000000,2000000000,3000000000")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scan-only", action="store_true", help="read the exports, and stop")
    job = parser.parse_args()
    job.thresholds = sorted(int(threshold) for threshold in job.thresholds.split(","))
    if not job.scan_only:
        if job.out is None:
            parser.error("--out is needed unless --scan-only is given")
        job.out.mkdir(parents=True, exist_ok=True)
    return job
