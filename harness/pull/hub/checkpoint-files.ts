/** Chooses the files of a repository that a checkpoint needs: weights as safetensors, and their configuration. */
import { PullError } from "../network/pull-error.ts";
import type { FileChoice, HubFile } from "./list-files.ts";

const single = "model.safetensors";
/** Names of weight files: the shards of a checkpoint in several files, and an adapter. */
const shard = /^model-\d+-of-\d+\.safetensors$/;
const adapter = "adapter_model.safetensors";
/** Config, tokenizer and processor: tokenizer.json, merges.txt, spiece.model, chat_template.jinja and others. */
const settings = /^[\w][\w.+-]*\.(json|txt|model|jinja)$/;
/**
 * Files that match the settings pattern but are not needed: indexes of other weight formats, and Python requirements.
 */
const otherSettings = /^(pytorch_model|tf_model|flax_model|requirements)\b/;
const otherWeights = /\.(bin|pt|pth|ckpt|h5|msgpack)$/;

/**
 * The files of a checkpoint. Many repositories hold the weights as Python pickles, too; those are never read and therefore
 * not fetched.
 */
export const checkpointFiles: FileChoice = { of: chooseFiles, areAll };

function chooseFiles(name: string, files: readonly HubFile[]): readonly HubFile[] {
  const paths = files.map(({ path }) => path);
  const isSingle = paths.includes(single);
  const isWeights = (path: string): boolean => path === adapter || (isSingle ? path === single : shard.test(path));
  if (!paths.some(isWeights)) {
    const pickled = paths.filter((path) => otherWeights.test(path));
    const there = pickled.length > 0 ? `only ${pickled.slice(0, 3).join(", ")}` : "none";
    throw new PullError(
      `${name}: no weights as safetensors (${single}, or shards of it), found ${there}. ` +
        "Load the checkpoint in transformers and call save_pretrained, which writes safetensors.",
    );
  }
  const isIndex = (path: string): boolean => path.endsWith(".safetensors.index.json");
  const isSettings = (path: string): boolean =>
    settings.test(path) && !otherSettings.test(path) && !(isSingle && isIndex(path));
  return files.filter(({ path }) => isWeights(path) || isSettings(path));
}

/** Whether they include a config and every shard of the weights. */
function areAll(paths: readonly string[]): boolean {
  const weights = paths.filter((path) => path.endsWith(".safetensors") && !path.includes("/"));
  const [, shards] = /-of-(\d+)\.safetensors$/.exec(weights.find((path) => path.startsWith("model-")) ?? "") ?? [];
  const isWhole = shards === undefined ? weights.length > 0 : weights.length >= Number(shards);
  return isWhole && paths.some((path) => /^(adapter_)?config\.json$/.test(path));
}
