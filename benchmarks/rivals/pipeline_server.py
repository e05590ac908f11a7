"""A text classifier behind FastAPI as tutorials write it: one pipeline, one request at a time.

    python benchmarks/rivals/pipeline_server.py FOLDER PORT

FOLDER holds a model that transformers' `pipeline` opens.
"""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline


class Asked(BaseModel):
    inputs: list[str]


app = FastAPI()
classify = pipeline("text-classification", model=sys.argv[1])


@app.post("/v1/predict")
def predict(asked: Asked):
    return {"answers": classify(asked.inputs)}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
