"""Every comparison: what a person does without us, and the same with Tunewell."""

from __future__ import annotations

from benchmarks.speed.compared import Comparison
from benchmarks.speed.sides import LADDER, LENGTH, answers, fit, own, script, trainer, tunewell

FULL = trainer("full", "plain full")
HEAD = trainer("head", "plain head")
LAST = trainer("last_layers", "plain last two layers")
LORA = trainer("lora", "plain LoRA")
ENCODE = script("encode and regress", "encode.py {rows} --model {model}")
ENCODE_AGAIN = script("encode and regress again", "encode.py {rows} --model {model}")
PLAIN = (ENCODE, HEAD, LAST, LORA, FULL)

LONG = {"rows": "{rows}/long", "length": 512, "part": "long/train"}
FULL_512 = trainer("full", "plain full, 512 tokens", **LONG)
BEST = trainer("full", "best full", "--best")
STOCK_FULL = fit("full", "tunewell fit full, stock head", "--backbone {stock}")
OUR_LAST = fit("last_layers")
STOCK_LAST = fit("last_layers", "tunewell fit last_layers, stock head", "--backbone {stock}")
SETTINGS = own(
    "sixteen settings of head",
    f"head_settings {{rows}} {{out}} --epochs {{epochs}} --max-length {LENGTH}",
)
NEIGHBOURS = own("two neighbours", "neighbours {rows}", alone=True, once=True)
COMPARE = tunewell("compare", LADDER, "tunewell compare", "--trials 1")
STOCK_MODEL = "{runs}/" + STOCK_FULL.folder + "/trials/full-0/model"

COMPARISONS = (
    Comparison(
        "exact",
        "rows end to end against rows alone, float32: states and gradients, every shape",
        (),
        (own("rows end to end and alone", "exactness {out}", once=True),),
        goal=1e-5,
        at_most=True,
        figure="apart",
    ),
    Comparison(
        "control",
        "A/A: the same script on both sides",
        (ENCODE,),
        (ENCODE_AGAIN,),
    ),
    Comparison(
        "full",
        "`full` at 256 tokens against the plain Trainer script",
        (FULL,),
        (fit("full"),),
        goal=2.7,
    ),
    Comparison(
        "full_stock_head",
        "`full` at 256 tokens, where the head reads one position",
        (FULL,),
        (STOCK_FULL,),
        goal=3.4,
        limit="The training alone falls a little short as well; the rest is start-up, planning,"
        " timing the answers and the report.",
    ),
    Comparison(
        "full_512",
        "`full` at 512 tokens against the plain Trainer script",
        (FULL_512,),
        (fit("full", "tunewell fit full, 512 tokens", **LONG),),
        goal=3.6,
    ),
    Comparison(
        "full_512_stock_head",
        "`full` at 512 tokens, where the head reads one position",
        (FULL_512,),
        (fit("full", "tunewell fit full, 512 tokens, stock head", "--backbone {stock}", **LONG),),
        goal=4.4,
    ),
    Comparison(
        "best",
        "`full` against the best stock setting of the Trainer (grouped by length, bf16)",
        (BEST,),
        (fit("full"),),
        goal=1.5,
    ),
    Comparison(
        "best_stock_head",
        "`full` against the best stock setting, where the head reads one position",
        (BEST,),
        (STOCK_FULL,),
        goal=1.8,
    ),
    Comparison(
        "best_no_dropout",
        "`full` against that with attention dropout off as well",
        (trainer("full", "best full, no attention dropout", "--best --no-attention-dropout"),),
        (fit("full"),),
    ),
    Comparison(
        "lora",
        "`lora` against the Trainer script with PEFT",
        (LORA,),
        (fit("lora"),),
        goal=2.6,
    ),
    Comparison(
        "last_layers",
        "`last_layers` (two) against the plain script, what is kept included",
        (LAST,),
        (OUR_LAST,),
        goal=4.5,
    ),
    Comparison(
        "last_layers_later",
        "a later setting of `last_layers` against the plain script",
        (LAST,),
        (
            fit(
                "last_layers",
                "tunewell fit last_layers, later",
                "--last_layers.learning_rate 1e-4",
                out="{runs}/" + OUR_LAST.folder,
                needs=(OUR_LAST,),
            ),
        ),
        goal=4.7,
        limit="A later setting is spared the pass through the frozen layers and nothing else:"
        " start-up, answering the test rows and timing are most of its process.",
    ),
    Comparison(
        "last_layers_stock_head",
        "`last_layers` where the head reads one position, what is kept included",
        (LAST,),
        (STOCK_LAST,),
        goal=5.0,
    ),
    Comparison(
        "last_layers_stock_head_later",
        "a later setting of `last_layers`, where the head reads one position",
        (LAST,),
        (
            fit(
                "last_layers",
                "tunewell fit last_layers, stock head, later",
                "--backbone {stock} --last_layers.learning_rate 1e-4",
                out="{runs}/" + STOCK_LAST.folder,
                needs=(STOCK_LAST,),
            ),
        ),
        goal=7.0,
        limit="As for a later setting of our own head.",
    ),
    Comparison(
        "head",
        "`head`, 16 settings in one process, against one plain head-only script",
        (HEAD,),
        (SETTINGS,),
        goal=12,
    ),
    Comparison(
        "head_passes",
        "`head`, 16 settings, in forward passes over the data",
        (),
        (SETTINGS,),
        goal=1.05,
        at_most=True,
        figure="passes",
        limit="All settings are trained at once, in a tenth of a pass; loading the model twice"
        " and trying it takes the rest, and a pass over so few rows does not outweigh it.",
    ),
    Comparison(
        "features",
        "`features` against sentence-transformers' encode and scikit-learn",
        (ENCODE,),
        (fit("features"),),
        goal=1.7,
    ),
    Comparison(
        "few",
        "few rows: `features` against SetFit",
        (script("SetFit", "setfit_few.py {rows}/few {out} --model {model}", part="few/train"),),
        (fit("features", "tunewell fit features, few rows", rows="{rows}/few", part="few/train"),),
    ),
    Comparison(
        "predict",
        "`predict` against a pipeline with batch_size 32, the same model",
        (
            script(
                "pipeline",
                f"pipeline.py {STOCK_MODEL} {{rows}}/answered.csv",
                needs=(STOCK_FULL,),
                part="answered",
            ),
        ),
        (answers("tunewell predict", STOCK_MODEL, (STOCK_FULL,)),),
        goal=3.0,
        limit="Reviews fill most of the cut, so a pipeline that takes them in order pads"
        " little; what is left is bfloat16 against float32, and start-up on both sides.",
    ),
    Comparison(
        "whole",
        "the whole comparison of `features`, `head`, `last_layers`, `lora`, `full` against five"
        " plain scripts",
        PLAIN,
        (COMPARE,),
        goal=5.5,
        limit="`full` and `lora` are most of what is trained, with the same epochs on both"
        " sides: the ratio of the whole can hardly pass theirs.",
    ),
    Comparison(
        "memory",
        "peak memory of the whole comparison, of one plain full script's",
        (FULL,),
        (COMPARE,),
        goal=0.6,
        at_most=True,
        figure="peak_bytes",
        limit="Five methods in one process leave some memory behind that is not given back, and"
        " the step of `full` itself takes over half of what the script's takes.",
    ),
    Comparison(
        "ladder",
        "the whole comparison with three trials of each method, against one plain script each",
        PLAIN,
        (tunewell("compare", LADDER, "tunewell compare, three trials", "--trials 3", once=True),),
        goal=2.5,
        limit="Each of three settings of `full` and `lora` is trained from the start, as long"
        " as the first; only frozen layers are shared by settings.",
    ),
    Comparison(
        "quiet",
        "the speed with the threads that are chosen, of the best setting's",
        (),
        (NEIGHBOURS,),
        goal=0.97,
        figure="quiet",
    ),
    Comparison(
        "busy",
        "the same speed beside two busy neighbours on the two cores",
        (),
        (NEIGHBOURS,),
        goal=0.85,
        figure="busy",
    ),
)
