"""The reference of bench:reference: transformers' BLIP-2 on a checkpoint folder, asked by reference-process.ts.

Answers a JSON object a line on standard output: once what it is and what its products reach here, then what each line of
standard input took. A line has images (their files, base64), prompts and decoding; preprocessing is part of the time, as it
is on the other side. Weights are converted to --dtype as they are read.
"""
import argparse
import base64
import io
import json
import sys
import time

import torch
import transformers
from PIL import Image


def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("--checkpoint", required=True)
    flags.add_argument("--dtype", choices=["float32", "bfloat16"], required=True)
    flags.add_argument("--threads", type=int, required=True)
    given = flags.parse_args()
    torch.set_num_threads(given.threads)
    dtype = getattr(torch, given.dtype)
    one_row = one_row_rate(dtype)
    start = time.perf_counter()
    model = transformers.Blip2ForConditionalGeneration.from_pretrained(given.checkpoint, dtype=dtype).eval()
    processor = load_processor(given.checkpoint, model.config)
    say(
        torch=torch.__version__,
        transformers=transformers.__version__,
        blas=loaded_blas(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        dtype=str(next(model.language_model.parameters()).dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        oneRowBytesPerSecond=one_row,
        loadSeconds=time.perf_counter() - start,
    )
    for line in sys.stdin:
        say(**answer(model, processor, dtype, json.loads(line)))


def say(**values):
    print(json.dumps(values), flush=True)


def one_row_rate(dtype):
    """Bytes of weights a second that a product of one row reads: 16,384 x 8,192 numbers, more than caches hold."""
    weight = torch.randn(16384, 8192).to(dtype)
    row = torch.randn(1, 8192).to(dtype)
    least = float("inf")
    with torch.inference_mode():
        for _ in range(7):
            start = time.perf_counter()
            torch.nn.functional.linear(row, weight)
            least = min(least, time.perf_counter() - start)
    return weight.numel() * weight.element_size() / least


def loaded_blas():
    """The library that products in fp32 run in, as the system tells what this process has mapped; null: not known."""
    try:
        with open("/proc/self/maps") as maps:
            files = {line.split()[-1] for line in maps if "/" in line}
    except OSError:
        files = set()
    for name, mark in [("MKL", "mkl_core"), ("OpenBLAS", "openblas"), ("BLIS", "libblis"), ("reference BLAS", "libblas.so")]:
        if any(mark in file.lower() for file in files):
            return name
    return "MKL" if torch.backends.mkl.is_available() else None


def load_processor(folder, config):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    is_decoder = config.text_config.model_type == "opt"
    tokenizer.padding_side = "left" if is_decoder else "right"
    images = transformers.AutoImageProcessor.from_pretrained(folder)
    return transformers.Blip2Processor(images, tokenizer, num_query_tokens=config.num_query_tokens)


@torch.inference_mode()
def answer(model, processor, dtype, asked):
    settings = dict(
        num_beams=asked["beams"],
        min_new_tokens=asked["minNewTokens"],
        max_new_tokens=asked["maxNewTokens"],
        length_penalty=asked["lengthPenalty"],
        do_sample=False,
    )
    files = [base64.b64decode(image) for image in asked["images"]]
    texts = []
    start = time.perf_counter()
    for first in range(0, len(files), asked["batch"]):
        part = slice(first, first + asked["batch"])
        images = [Image.open(io.BytesIO(file)).convert("RGB") for file in files[part]]
        batch = processor(images=images, text=asked["prompts"][part], padding=True, return_tensors="pt")
        batch["pixel_values"] = batch["pixel_values"].to(dtype)
        tokens = model.generate(**batch, **settings)
        if model.config.text_config.model_type == "opt":
            tokens = tokens[:, batch["input_ids"].shape[1] :]
        texts += processor.batch_decode(tokens, skip_special_tokens=True)
    return {"seconds": time.perf_counter() - start, "texts": texts}


main()
