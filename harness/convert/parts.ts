/** Which checkpoints the parts that a file of LAVIS lacks are from: image encoder, language model, tokenizer. */
import { stat } from "node:fs/promises";
import type { CheckpointOptions } from "../../models/checkpoint/checkpoint.ts";
import { findInHuggingFaceCache, parseHubName } from "../../models/checkpoint/hugging-face-cache.ts";
import { CheckpointError } from "../../models/model.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { lavisKinds } from "./config-json.ts";
import type { LavisKind } from "./config-json.ts";
import { openSource } from "./sources.ts";
import type { Source } from "./sources.ts";

export interface ConversionRequest {
  /** A file of LAVIS. */
  readonly file: string;
  /** null: told by the names in the file. */
  readonly kind: LavisKind | null;
  /** Files of PyTorch, folders, or names in the Hugging Face cache; null: the published checkpoint, where the file lacks the part. */
  readonly vision: string | null;
  readonly language: string | null;
  readonly tokenizer: string | null;
}

export interface Parts {
  readonly kind: LavisKind;
  /** null: the file has its own. */
  readonly vision: Source | null;
  /** null: the Q-Former reads and writes texts itself. */
  readonly language: Source | null;
  /** A folder with tokenizer.json. */
  readonly tokenizer: string;
}

/** Every image encoder has it. */
const CLASS_TOKEN = "vision_model.embeddings.class_embedding";
/** The published checkpoint whose frozen language model a projection of this width was trained for. */
const LANGUAGE_BY_WIDTH: Readonly<Record<"opt" | "t5", Readonly<Record<number, string>>>> = {
  opt: { 2560: "Salesforce/blip2-opt-2.7b", 4096: "Salesforce/blip2-opt-6.7b" },
  t5: { 2048: "Salesforce/blip2-flan-t5-xl", 4096: "Salesforce/blip2-flan-t5-xxl" },
};
/** Its tokenizer and, as all of ViT-g, its frozen image encoder. */
const STAGE_ONE = "Salesforce/blip2-itm-vit-g";

export async function openParts(own: Source, request: ConversionRequest, options: CheckpointOptions): Promise<Parts> {
  const kind = kindOf(own, request);
  const language = await openLanguage(own, kind, { request, options });
  const vision = await openVision(own, language, { request, options });
  return { kind, language, vision, tokenizer: await tokenizerFolder({ language, vision }, { request, options }) };
}

/** Told by the tensors that only one kind has. */
function kindOf({ label, storedNames, tensors }: Source, { file, kind }: ConversionRequest): LavisKind {
  const found = lavisKinds.filter((each) =>
    storedNames.has(each === "itm" ? "itm_head.weight" : `${each}_proj.weight`),
  );
  const [first] = found;
  if (!tensors.has("query_tokens") || first === undefined) {
    throw new CheckpointError(
      `${file}: no file of LAVIS's BLIP-2: it lacks query_tokens, or one of itm_head.weight, opt_proj.weight and ` +
        "t5_proj.weight. An image encoder alone goes behind --vision.",
    );
  }
  if (kind === null || kind === first) return first;
  throw new UsageError(`--kind ${kind}: ${label} is of kind ${first}.`);
}

interface Asked {
  readonly request: ConversionRequest;
  readonly options: CheckpointOptions;
}

async function openLanguage(own: Source, kind: LavisKind, { request, options }: Asked): Promise<Source | null> {
  const { language } = request;
  if (kind === "itm") {
    if (language === null) return null;
    throw new UsageError(`--language ${language}: ${own.label} is of the first stage, which has no language model.`);
  }
  const width = own.tensors.get("language_projection.weight")?.shape[0] ?? 0;
  const where = language ?? LANGUAGE_BY_WIDTH[kind][width] ?? null;
  if (where === null) {
    throw new UsageError(
      `convert ${request.file}: its projection is ${width} numbers wide, as no published language model is. ` +
        "Give the checkpoint that has it with --language.",
    );
  }
  const source = await openSource(where, options);
  const family = source.checkpoint?.config.text?.family;
  if (family === kind) return source;
  throw new UsageError(
    `--language ${where}: found ${family ?? "no language model"}, expected a checkpoint of BLIP-2 with ${kind}.`,
  );
}

async function openVision(own: Source, language: Source | null, { request, options }: Asked): Promise<Source | null> {
  const { vision } = request;
  if (own.tensors.has(CLASS_TOKEN)) {
    if (vision === null) return null;
    throw new UsageError(`--vision ${vision}: ${own.label} has an image encoder of its own, finetuned with the rest.`);
  }
  const source = vision === null && language !== null ? language : await openSource(vision ?? STAGE_ONE, options);
  if (!source.tensors.has(CLASS_TOKEN)) {
    throw new UsageError(
      `--vision ${source.label}: found no image encoder, expected EVA's or CLIP's file or a checkpoint of BLIP-2.`,
    );
  }
  checkWidth(own, source);
  return source;
}

/** The Q-Former was trained on image tokens of one width: 1408 of EVA's ViT-g, 1024 of CLIP's ViT-L. */
function checkWidth(own: Source, vision: Source): void {
  const expected = own.tensors.get("qformer.encoder.layer.0.crossattention.attention.key.weight")?.shape[1];
  const found = vision.tensors.get(CLASS_TOKEN)?.shape.at(-1);
  if (expected === undefined || expected === found) return;
  throw new UsageError(
    `--vision ${vision.label}: its image tokens are ${found} numbers wide, those that ${own.label} reads ${expected}. ` +
      "Give another image encoder with --vision: eva_vit_g.pth has 1408, clip_vit_L.pth 1024.",
  );
}

async function tokenizerFolder(
  { language, vision }: Pick<Parts, "language" | "vision">,
  { request, options }: Asked,
): Promise<string> {
  const { tokenizer } = request;
  if (tokenizer === null) {
    if (language?.checkpoint) return language.checkpoint.folder;
    if (vision?.checkpoint?.config.kind === "retrieval") return vision.checkpoint.folder;
  }
  const where = tokenizer ?? STAGE_ONE;
  if ((await stat(where).catch(() => null))?.isDirectory() === true) return where;
  const name = parseHubName(where);
  if (name === null)
    throw new UsageError(`--tokenizer ${where}: no such folder, and no name in the Hugging Face cache.`);
  return (await findInHuggingFaceCache(name, options)).folder;
}
