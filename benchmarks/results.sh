#!/usr/bin/env bash
# The comparisons of docs/results.md, on the data sets in the folder that TUNEWELL_DATA names:
# the whole ladder, three trials a method, an hour or more each on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${TUNEWELL_DATA:?name the folder of data sets in TUNEWELL_DATA}
out=${1:-runs}

# Three epochs for everything that trains the body; the two that wrap another method wrap the
# cheapest that does.
epochs=()
for method in last_layers bitfit ia3 adapter prefix prompt_tuning p_tuning lora gradual full \
  from_scratch; do
  epochs+=("--$method.epochs" 3)
done
bases=(--augment.base-method last_layers --instructed.base-method last_layers)

.venv/bin/tunewell compare "$data/twitter_financial_news_topic/train.csv" \
  --test "$data/twitter_financial_news_topic/valid.csv" --rows 1000 --test-rows 2000 \
  --label-names benchmarks/finance_topics.json "${epochs[@]}" "${bases[@]}" --budget 10h \
  --out "$out/finance_topics"

# 500 rows and 128 tokens: on one core a film review takes as long as seven headlines.
.venv/bin/tunewell compare "$data/imdb/train.csv.gz" --test "$data/imdb/test.csv.gz" \
  --rows 500 --test-rows 1000 --max-length 128 --label-names 0=negative,1=positive \
  "${epochs[@]}" "${bases[@]}" --budget 10h --out "$out/imdb"

TUNEWELL_TASK_DATA=${TUNEWELL_TASK_DATA:-$out/data}
export TUNEWELL_TASK_DATA
benchmarks/tasks.sh "$out"
tasks=(go_emotions mrpc_pairs stsb_score stsb_similar squad_similar conll_tag squad_answer
  commonsenseqa_choose)
.venv/bin/python benchmarks/results_page.py "$out/finance_topics" "$out/imdb" \
  "${tasks[@]/#/$out/}" > docs/results.md
