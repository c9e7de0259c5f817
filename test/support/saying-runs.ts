/** Runs by a model whose texts a test chooses, on the bundled data or on a folder of the test's own. */
import assert from "node:assert/strict";
import type { Catalog } from "../../harness/catalog/catalog.ts";
import type { GenerationRequest, VisionLanguageModel } from "../../models/model.ts";
import { cocoCaption } from "../../tasks/coco-caption.ts";
import { gqa } from "../../tasks/gqa.ts";
import { nocaps } from "../../tasks/nocaps.ts";
import { vqav2 } from "../../tasks/vqav2.ts";
import { callCommand } from "./command-process.ts";
import type { Ended } from "./command-process.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";

/** `textOf`: what the model says; null: the sample fails. */
export function sayingCatalog(textOf: (request: GenerationRequest, index: number) => string | null): Catalog {
  let asked = 0;
  const model: VisionLanguageModel = {
    ...fakeModel(),
    generate: (requests) =>
      Promise.resolve(
        requests.map((request) => {
          const text = textOf(request, (asked += 1) - 1);
          if (text === null) return { status: "failed", error: "cannot be read" } as const;
          return { status: "predicted", text, tokens: [7, 8], score: -0.5, latencyMs: { decode: 1.5 } } as const;
        }),
      ),
  };
  return { ...fakeCatalog(() => Promise.resolve(model)), tasks: [vqav2, gqa, cocoCaption, nocaps] };
}

/** Runs the task and gives the run's folder in `folder`. `code`: the exit code that is expected. */
export async function runSaying(
  folder: string,
  textOf: (request: GenerationRequest, index: number) => string | null,
  { words, output = "run", code = 0 }: { words: readonly string[]; output?: string; code?: number },
): Promise<string> {
  const all = ["run", "--model", "fake", "--no-report", "--output", output, ...words];
  const ended = await callCommand(folder, { words: all, offered: sayingCatalog(textOf) });
  assert.equal(ended.code, code, ended.err);
  return output;
}

/** A command on such runs, which asks no model. */
export function onRuns(folder: string, ...words: string[]): Promise<Ended> {
  return callCommand(folder, { words, offered: sayingCatalog(() => null) });
}
