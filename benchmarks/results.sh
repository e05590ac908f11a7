#!/usr/bin/env bash
# The comparisons of docs/results.md, on the data sets in the folder that TUNEWELL_DATA names.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${TUNEWELL_DATA:?name the folder of data sets in TUNEWELL_DATA}
out=${1:-runs}

methods=majority,bag_of_words,zero_shot,few_shot,features,head,lora,full

.venv/bin/tunewell compare "$data/twitter_financial_news_topic/train.csv" \
  --test "$data/twitter_financial_news_topic/valid.csv" --rows 2000 --methods $methods \
  --label-names benchmarks/finance_topics.json --budget 2h --out "$out/finance_topics"

# Three epochs instead of eight for the two that train the body: 210 tokens a review are slow here.
.venv/bin/tunewell compare "$data/imdb/train.csv.gz" --test "$data/imdb/test.csv.gz" \
  --rows 500 --test-rows 2000 --max-length 256 --label-names 0=negative,1=positive \
  --methods $methods --full.epochs 3 --lora.epochs 3 --budget 2h --out "$out/imdb"

.venv/bin/python benchmarks/results_page.py "$out/finance_topics" "$out/imdb" > docs/results.md
