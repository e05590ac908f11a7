#!/usr/bin/env bash
# The comparisons of docs/results.md, on the data sets in the folder that TUNEWELL_DATA names.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${TUNEWELL_DATA:?name the folder of data sets in TUNEWELL_DATA}
out=${1:-runs}

.venv/bin/tunewell compare "$data/twitter_financial_news_topic/train.csv" \
  --test "$data/twitter_financial_news_topic/valid.csv" --rows 2000 \
  --label-names benchmarks/finance_topics.json --budget 2h --out "$out/finance_topics"

.venv/bin/tunewell compare "$data/imdb/train.csv.gz" --test "$data/imdb/test.csv.gz" \
  --rows 500 --test-rows 2000 --max-length 256 --label-names 0=negative,1=positive \
  --budget 2h --out "$out/imdb"
