/** The files of a checkpoint as forms: weights, their index, config, tokenizer, image processor, adapter. */
import { readFileSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { readAdapterConfig } from "../../../models/checkpoint/adapter-config.ts";
import { readBlip2Config } from "../../../models/checkpoint/config-file.ts";
import { ignoredSettings } from "../../../models/checkpoint/ignored-settings.ts";
import { readUtf8 } from "../../../models/checkpoint/json-section.ts";
import { FLOATS, readSafetensorsHeader, readTensor } from "../../../models/checkpoint/safetensors.ts";
import { readWeightFiles } from "../../../models/checkpoint/weight-files.ts";
import { readPixelSettings } from "../../../models/image/read-pixel-settings.ts";
import { CheckpointError } from "../../../models/model.ts";
import { loadTokenizer } from "../../../models/text/tokenizer.ts";
import { bundledCheckpoint } from "../changed-checkpoint.ts";
import { safetensorsBytes, temporaryFolder } from "../temporary-files.ts";
import { index, weights } from "../tiny-checkpoint.ts";
import type { Form } from "./form.ts";

const refusals = [CheckpointError];

/** A folder with links to the files of a bundled checkpoint, but for one, which is damaged. */
function folderWithout(checkpoint: string, name: string): { readonly folder: string; readonly file: string } {
  const source = bundledCheckpoint(checkpoint);
  const folder = temporaryFolder();
  for (const each of readdirSync(source)) {
    if (each !== name) symlinkSync(path.join(source, each), path.join(folder, each));
  }
  return { folder, file: path.join(folder, name) };
}

function bundled(checkpoint: string, name: string): Uint8Array {
  return readFileSync(path.join(bundledCheckpoint(checkpoint), name));
}

async function readConfig(folder: string): Promise<ReturnType<typeof readBlip2Config>> {
  const file = path.join(folder, "config.json");
  const config = readBlip2Config((await readUtf8(file)) ?? "", file);
  await ignoredSettings(folder);
  return config;
}

function safetensors(): Form {
  const file = path.join(temporaryFolder(), "model.safetensors");
  const header = {
    a: { dtype: "F16", shape: [2, 3], data_offsets: [0, 12] },
    b: { dtype: "F64", shape: [1], data_offsets: [12, 20] },
  };
  const metadata = { __metadata__: { format: "pt" } };
  return {
    name: "safetensors",
    originals: [safetensorsBytes({ ...metadata, ...header }, new Uint8Array(20)), weights({ a: [1, 2], b: [3] })],
    file,
    read: () => readAllTensors(file),
    refusals,
  };
}

/** A header whose values are damaged; its length in front is right. */
function safetensorsHeader(): Form {
  const file = path.join(temporaryFolder(), "model.safetensors");
  const header = {
    a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
    b: { dtype: "BF16", shape: [1, 2], data_offsets: [8, 12] },
  };
  return {
    name: "safetensors-header",
    originals: [Buffer.from(JSON.stringify(header))],
    text: "json",
    written: (damaged) => safetensorsBytes(damaged.toString("utf8"), new Uint8Array(12)),
    file,
    read: () => readAllTensors(file),
    refusals,
  };
}

async function readAllTensors(file: string): Promise<void> {
  for (const entry of (await readSafetensorsHeader(file)).values()) {
    if (FLOATS.includes(entry.dtype)) await readTensor(entry);
  }
}

function weightIndex(): Form {
  const folder = temporaryFolder({
    "model-00001-of-00002.safetensors": weights({ a: [1] }),
    "model-00002-of-00002.safetensors": weights({ b: [1], c: [2] }),
  });
  const [first, second] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  return {
    name: "weight-index",
    originals: [Buffer.from(index({ a: first, b: second, c: second }))],
    text: "json",
    file: path.join(folder, "model.safetensors.index.json"),
    read: () => readWeightFiles(folder),
    refusals,
  };
}

/** config.json, and what its numbers lead to in the tokenizer and the image processor. */
function config(checkpoint: string): Form {
  const { folder, file } = folderWithout(checkpoint, "config.json");
  return {
    name: `config-${checkpoint}`,
    originals: [bundled(checkpoint, "config.json")],
    text: "json",
    file,
    read: async () => {
      const read = await readConfig(folder);
      await readPixelSettings({ name: checkpoint, folder, config: read });
      await loadTokenizer(folder, read);
    },
    refusals,
  };
}

function ofTokenizer(checkpoint: string, name: string, original = bundled(checkpoint, name)): Form {
  const { folder, file } = folderWithout(checkpoint, name);
  return {
    name: `${name.replace(".json", "").replaceAll("_", "-")}-${checkpoint}`,
    originals: [original],
    text: "json",
    file,
    read: async () => {
      const tokenizer = await loadTokenizer(folder, await readConfig(folder));
      const ids = tokenizer.encodePrompt("Question: what colour is it? Answer:", { maxTokens: 32 });
      tokenizer.decode(ids);
      tokenizer.encodePrompt(null);
    },
    refusals,
  };
}

function ofImages(name: string): Form {
  const { folder, file } = folderWithout("shapes-itm", name);
  return {
    name: name.replace(".json", "").replaceAll("_", "-"),
    originals: [bundled("shapes-itm", name)],
    text: "json",
    file,
    read: async () => readPixelSettings({ name: "shapes-itm", folder, config: await readConfig(folder) }),
    refusals,
  };
}

function adapter(): Form {
  const folder = temporaryFolder();
  const written = {
    peft_type: "LORA",
    base_model_name_or_path: "org/base",
    r: 4,
    lora_alpha: 8,
    target_modules: ["q_proj"],
    alpha_pattern: { "layers.[0-9]+.q_proj": 16 },
    bias: "none",
  };
  return {
    name: "adapter-config",
    originals: [Buffer.from(JSON.stringify(written))],
    text: "json",
    file: path.join(folder, "adapter_config.json"),
    read: async () => (await readAdapterConfig(folder))?.scaling("model.layers.1.q_proj", 4),
    refusals,
  };
}

export const checkpointForms = (): readonly Form[] => [
  safetensors(),
  safetensorsHeader(),
  weightIndex(),
  config("shapes-opt-small"),
  config("shapes-t5-small"),
  config("shapes-itm"),
  ofTokenizer("shapes-opt-small", "tokenizer.json"),
  ofTokenizer("shapes-t5-small", "tokenizer.json"),
  ofTokenizer("shapes-itm", "tokenizer.json"),
  ofTokenizer("shapes-opt-small", "tokenizer_config.json"),
  ofTokenizer("shapes-itm", "special_tokens_map.json"),
  ofTokenizer("shapes-opt-small", "added_tokens.json", Buffer.from('{"<extra>": 7}')),
  ofImages("preprocessor_config.json"),
  ofImages("processor_config.json"),
  adapter(),
];
