#!/usr/bin/env bash
# Models that write, on public sets of texts: every task compares what the small decoder that comes
# with Tunewell can do as it stands with what it learns.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${TUNEWELL_DATA:?name the folder of data sets in TUNEWELL_DATA}
out=${1:-runs}
prepared=${TUNEWELL_TASK_DATA:-$out/data}
.venv/bin/python -m benchmarks.text_rows "$data" "$prepared"

common=(--backbone tunewell/tiny-decoder --max-length 256 --trials 1 --budget 1h
  --lora.epochs 3 --last_layers.epochs 3 --full.epochs 3)
run() { .venv/bin/tunewell compare "${@:2}" "${common[@]}" --out "$out/$1"; }
ladder=majority,zero_shot,few_shot,prompt_tuning,last_layers,lora,full

run quotes_complete "$prepared/quotes.jsonl" --task complete --rows 600 --test-rows 200 \
  --methods "$ladder"
run alpaca_instruct "$prepared/alpaca_short.jsonl" --task instruct --rows 400 --test-rows 150 \
  --methods "$ladder"
run contracts_summarise "$prepared/contracts.jsonl" --task summarise --rows 240 --test-rows 80 \
  --methods "$ladder"
run dialogsum_summarise "$data/dialogsum/dialogsum.dev.jsonl" --task summarise --rows 240 \
  --test-rows 80 --methods "$ladder"
run captions_translate "$prepared/captions_train.jsonl" --test "$prepared/captions_test.jsonl" \
  --task translate --rows 600 --test-rows 150 --methods "$ladder"

mixed="$out/mix_of_two"
mkdir -p "$mixed"
printf 'data: %s\ntask: instruct\nrows: 400\ntest_rows: 150\n' "$prepared/alpaca_short.jsonl" \
  > "$mixed/instructions.yaml"
printf 'data: %s\ntest: %s\ntask: translate\nrows: 400\ntest_rows: 150\n' \
  "$prepared/captions_train.jsonl" "$prepared/captions_test.jsonl" > "$mixed/captions.yaml"
cat > "$mixed/mix.yaml" <<END
sets: [$mixed/instructions.yaml, $mixed/captions.yaml]
out: $mixed/runs
backbone: [tunewell/tiny-decoder]
methods: [lora, full]
trials: 1
max_length: 256
lora:
  epochs: 3
full:
  epochs: 3
END
.venv/bin/tunewell mix "$mixed/mix.yaml" | tee "$mixed/told.txt"
.venv/bin/python -m benchmarks.texts_page "$out" > docs/results_texts.md
