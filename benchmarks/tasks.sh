#!/usr/bin/env bash
# A comparison of each task on a data set of its own: subsets of rows and mostly one trial a
# method, about an hour on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${TUNEWELL_DATA:?name the folder of data sets in TUNEWELL_DATA}
out=${1:-runs}
prepared=${TUNEWELL_TASK_DATA:-$out/data}
.venv/bin/python benchmarks/task_rows.py "$data" "$prepared"

run() { .venv/bin/tunewell compare "${@:2}" --out "$out/$1"; }

wide=(--lora.epochs 3 --full.epochs 3 --trials 1 --budget 2h)
body=(--last_layers.epochs 3 "${wide[@]}")
ladder=features,head,last_layers,lora,full

run go_emotions "$prepared/go_train.tsv" --validation "$prepared/go_dev.tsv" \
  --test "$prepared/go_test.tsv" --rows 1000 --test-rows 1000 \
  --methods "majority,bag_of_words,$ladder" --head.epochs 20 --last_layers.epochs 8 \
  --lora.epochs 8 --full.epochs 8 --trials 1 --budget 2h
run mrpc_pairs "$prepared/mrpc_train.jsonl" --test "$prepared/mrpc_test.jsonl" \
  --input sentence1,sentence2 --target label --rows 400 --test-rows 400 \
  --methods "majority,bag_of_words,$ladder" "${body[@]}"
run stsb_score "$prepared/stsb_train.jsonl" --test "$prepared/stsb_test.jsonl" --task score \
  --rows 600 --test-rows 500 --methods "majority,cosine,$ladder" "${body[@]}" --trials 2
run stsb_similar "$prepared/stsb_train.jsonl" --test "$prepared/stsb_test.jsonl" --task similar \
  --rows 600 --test-rows 500 --methods majority,cosine,features,head,lora,full \
  --lora.epochs 2 --full.epochs 2 --trials 1
run squad_similar "$data/squad_dev/dev-v1.1.rebuilt.json" --task similar --rows 200 \
  --test-rows 200 --methods bm25,cosine,head --trials 1
run conll_tag "$data/conll2003/eng.train" --test "$data/conll2003/eng.testa" --task tag \
  --rows 600 --test-rows 400 \
  --methods majority,dictionary,nearest_words,head,last_layers,lora,full "${body[@]}"
run squad_answer "$data/squad_dev/dev-v1.1.rebuilt.json" --task answer --rows 300 \
  --test-rows 200 --methods majority,best_sentence,head,lora,full "${wide[@]}"
run commonsenseqa_choose "$prepared/commonsenseqa_train.jsonl" \
  --test "$prepared/commonsenseqa_dev.jsonl" --task choose --rows 300 --test-rows 400 \
  --methods majority,likeliest_choice,head,lora,full "${wide[@]}"
