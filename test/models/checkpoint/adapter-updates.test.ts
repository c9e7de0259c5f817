/** What becomes of a matrix by a LoRA adapter of a few numbers, and adapters that are refused. */
import assert from "node:assert/strict";
import { renameSync, rmSync } from "node:fs";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { readTensor } from "../../../models/checkpoint/safetensors.ts";
import { cacheFolder } from "../../support/project.ts";
import { assertRefused, safetensorsBytes, temporaryFolder } from "../../support/temporary-files.ts";
import { config, weights } from "../../support/tiny-checkpoint.ts";

/** A matrix [2, 3] with a tiny adapter of rank 1: W + scaling · B·A. */
const A = { "base_model.model.a.lora_A.weight": [[1, 2, 3]] };
const B = { "base_model.model.a.lora_B.weight": [[10], [-1]] };

function matrices(tensors: Readonly<Record<string, readonly (readonly number[])[]>>): Uint8Array {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, rows]): [string, object] => {
    const shape = [rows.length, rows[0]!.length];
    const begin = end;
    end += 4 * shape[0]! * shape[1]!;
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
  });
  const numbers = Float32Array.from(Object.values(tensors).flat(2));
  return safetensorsBytes(Object.fromEntries(entries), new Uint8Array(numbers.buffer));
}

const W = [
  [1, 2, 3],
  [4, 5, 6],
];

function tiny(own: object, adapterFile: Uint8Array | null, base: Uint8Array = matrices({ "a.weight": W })): string {
  return temporaryFolder({
    "config.json": config,
    "model.safetensors": base,
    "adapter_config.json": JSON.stringify({ peft_type: "LORA", r: 1, lora_alpha: 2, ...own }),
    ...(adapterFile !== null && { "adapter_model.safetensors": adapterFile }),
  });
}

describe("an adapter's update", () => {
  const merged = async (folder: string, name = "a.weight"): Promise<readonly number[]> => {
    const { tensors } = await openCheckpoint(folder, { hubCache: "", cacheFolder: temporaryFolder() });
    return [...(await readTensor(tensors.get(name)!))];
  };

  it("is alpha / rank times B·A", async () => {
    assert.deepEqual(await merged(tiny({}, matrices({ ...A, ...B }))), [21, 42, 63, 2, 1, 0]);
  });

  it("is alpha / √rank times B·A where the rank is stabilised", async () => {
    const two = {
      "base_model.model.a.lora_A.weight": [...A["base_model.model.a.lora_A.weight"], [0, 0, 0]],
      "base_model.model.a.lora_B.weight": B["base_model.model.a.lora_B.weight"].map((row) => [...row, 7]),
    };
    const folder = tiny({ r: 2, lora_alpha: Math.SQRT2, use_rslora: true }, matrices(two));
    assert.deepEqual(await merged(folder), [11, 22, 33, 3, 3, 3]);
  });

  it("has an alpha of its own where a pattern is the end of the module's path", async () => {
    const both = matrices({ ...A, ...B });
    assert.deepEqual(await merged(tiny({ alpha_pattern: { b: 9, a: 1 } }, both)), [11, 22, 33, 3, 3, 3]);
    assert.deepEqual(await merged(tiny({ alpha_pattern: { "x.a": 1, "aa*": 0 } }, both)), W.flat());
  });

  it("takes the place of a tensor that is stored whole", async () => {
    const base = weights({ "a.bias": [1, 2] });
    const file = weights({ "base_model.model.a.base_layer.bias": [3, 4] });
    assert.deepEqual(await merged(tiny({}, file, base), "a.bias"), [3, 4]);
  });

  it("is written into the cache once", async () => {
    const folder = tiny({}, matrices({ ...A, ...B }));
    const written: string[] = [];
    const own = { hubCache: "", cacheFolder: temporaryFolder() };
    for (let time = 0; time < 2; time += 1) {
      await openCheckpoint(folder, { ...own, onPreparation: (event) => void written.push(event.kind) });
    }
    assert.deepEqual(written, ["written"]);
  });

  const merge = "Call merge_and_unload in PEFT, and save the whole model.";
  const other = "Was the adapter trained on another model?";
  const file = "FOLDER/adapter_model.safetensors";
  const table = "language_model.model.decoder.embed_tokens.weight";
  const refused: readonly (readonly [string, string, string])[] = [
    [
      "of another kind",
      tiny({ peft_type: "IA3" }, matrices(A)),
      'FOLDER/adapter_config.json: peft_type is "IA3", expected "LORA".',
    ],
    [
      "with magnitudes of its own",
      tiny({ use_dora: true }, matrices(A)),
      "FOLDER/adapter_config.json: use_dora is true, expected none: only a plain LoRA can be merged. Call merge_and_unload in PEFT, and save the whole model.",
    ],
    [
      "with a pattern that is none",
      tiny({ alpha_pattern: { "(": 1 } }, matrices(A)),
      'FOLDER/adapter_config.json: alpha_pattern is {"(":1}, expected regular expressions of module names.',
    ],
    [
      "with a pattern that may take for ever",
      tiny({ alpha_pattern: { "(a+)+": 1 } }, matrices({ ...A, ...B })),
      'FOLDER/adapter_config.json: alpha_pattern is {"(a+)+":1}, expected regular expressions of module names that end soon; one ' +
        "with what stands before it repeats a group with a choice or a repeat in it.",
    ],
    [
      "without half of it",
      tiny({}, matrices(A)),
      `${file}: tensor "${Object.keys(A)[0]}" has no lora_B. Is the download complete?`,
    ],
    [
      "for a matrix that the base does not have",
      tiny({}, matrices({ "base_model.model.b.lora_A.weight": [[1]], "base_model.model.b.lora_B.weight": [[1]] })),
      `${file}: tensor "base_model.model.b.lora_A.weight" changes "b.weight", which the base does not have. ${other}`,
    ],
    [
      "for a wider matrix",
      tiny({}, matrices({ "base_model.model.a.lora_A.weight": [[1, 2]], ...B })),
      `${file}: tensor "base_model.model.a.lora_A.weight" has shape [1, 2], expected [rank, 3]. ${other}`,
    ],
    [
      "for a taller matrix",
      tiny({}, matrices({ ...A, "base_model.model.a.lora_B.weight": [[1]] })),
      `${file}: tensor "base_model.model.a.lora_B.weight" has shape [1, 1], expected [2, 1]. ${other}`,
    ],
    [
      "of embeddings",
      tiny({}, matrices({ ...A, ...B, "base_model.model.a.lora_embedding_A": [[1]] })),
      `${file}: tensor "base_model.model.a.lora_embedding_A" is no update of a linear layer, expected lora_A and lora_B only. ${merge}`,
    ],
    [
      "with other embeddings",
      tiny({}, matrices({ [`base_model.model.${table}`]: [[2]] }), matrices({ [table]: [[1]] })),
      `${file}: tensor "base_model.model.${table}" has other word embeddings than the base, which more than one layer uses. ${merge}`,
    ],
    [
      "with a tensor of another shape",
      tiny({}, weights({ "base_model.model.a.bias": [1] }), weights({ "a.bias": [1, 2] })),
      `${file}: tensor "base_model.model.a.bias" has shape [1], expected [2], the base's. ${other}`,
    ],
    [
      "without weights",
      tiny({}, null),
      `${file}: no such file. An adapter's weights are read as safetensors only: save_pretrained in PEFT writes them.`,
    ],
  ];
  for (const [what, folder, message] of refused) {
    it(`is refused ${what}`, async () => {
      await assertRefused(() => merged(folder), message, folder);
    });
  }

  it("may leave embeddings as they were, as PEFT stores them beside an output matrix", async () => {
    const same = { [`base_model.model.${table}`]: [[1]] };
    assert.deepEqual(await merged(tiny({}, matrices(same), matrices({ [table]: [[1]] })), table), [1]);
  });

  const alone = (own: object): string => {
    const folder = tiny(own, matrices(A));
    for (const name of ["config.json", "model.safetensors"]) rmSync(path.join(folder, name));
    return folder;
  };

  it("is refused without its base: not here, not named, or adapted itself", async () => {
    const gone = alone({ base_model_name_or_path: "Salesforce/blip2-opt-2.7b" });
    await assertRefused(
      () => openCheckpoint(gone, { hubCache: "/cache", cacheFolder }),
      "FOLDER/adapter_config.json: an adapter alone, whose base_model_name_or_path is not here. Salesforce/blip2-opt-2.7b: " +
        "not in the Hugging Face cache; looked for /cache/models--Salesforce--blip2-opt-2.7b. Get it with: npx blip2-bench pull Salesforce/blip2-opt-2.7b",
      gone,
    );
    const unnamed = alone({ base_model_name_or_path: null });
    await assertRefused(
      () => merged(unnamed),
      "FOLDER/adapter_config.json: an adapter alone, and base_model_name_or_path does not say of which model.",
      unnamed,
    );
    const below = alone({ base_model_name_or_path: tiny({}, matrices({ ...A, ...B })) });
    await assertRefused(
      () => merged(below),
      /^FOLDER\/adapter_config\.json: the base, .*, has an adapter itself\. Call merge_and_unload in PEFT/,
      below,
    );
  });

  it("is not looked for where no adapter_config.json is", async () => {
    const folder = tiny({}, matrices({ ...A, ...B }));
    renameSync(path.join(folder, "adapter_config.json"), path.join(folder, "other.json"));
    assert.deepEqual(await merged(folder), W.flat());
  });
});
