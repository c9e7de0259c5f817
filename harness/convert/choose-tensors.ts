/** Which tensor of which source goes into a conversion: each is used once, or left out for a reason that is named. */
import type { Blip2Config } from "../../models/checkpoint/config.ts";
import { TEXT_HEAD, knownUnusedTensors } from "../../models/checkpoint/unused-tensors.ts";
import type { StoredTensor } from "../../models/pytorch/torch-file.ts";
import type { Source, SourceTensor } from "./sources.ts";

export interface LeftOut {
  readonly name: string;
  readonly from: string;
  readonly reason: string;
}

export interface ChosenTensors {
  /** In the order in which they are written. */
  readonly tensors: readonly SourceTensor[];
  readonly leftOut: readonly LeftOut[];
}

/** A source and what it is for: tensors whose names match. Others of it are left out for `otherwise`. */
export interface Role {
  readonly source: Source;
  readonly gives: RegExp;
  readonly otherwise: string;
}

/** The roles come in order: what an earlier one gives, a later one does not. */
export function chooseTensors(roles: readonly Role[], config: Blip2Config): ChosenTensors {
  const known = knownUnusedTensors(config);
  const tensors = new Map<string, SourceTensor>();
  const views = new Map<string, string>();
  const leftOut: LeftOut[] = [];
  for (const { source, gives, otherwise } of roles) {
    for (const tensor of source.tensors.values()) {
      const { name } = tensor;
      const leave = (reason: string): void => void leftOut.push({ name, from: source.label, reason });
      const isKeptHead = config.kind === "retrieval" && TEXT_HEAD.test(name);
      const unused = isKeptHead ? undefined : known.find(({ names }) => names.test(name));
      const view = viewOf(tensor);
      const twin = view === null ? undefined : views.get(view);
      if (!gives.test(name)) leave(otherwise);
      else if (tensors.has(name)) leave("another source gives it");
      else if (unused !== undefined) leave(unused.reason);
      else if (isBehindLastBlock(name, config)) leave("behind the last block that BLIP-2 uses (section 3.1)");
      else if (twin !== undefined) leave(`one with ${twin}`);
      else {
        tensors.set(name, tensor);
        if (view !== null) views.set(view, name);
      }
    }
  }
  return { tensors: [...tensors.values()], leftOut };
}

/**
 * EVA's file has the block, norm and classifier that BLIP-2 cuts off (eva_vit.py:434-449), CLIP's the block, norm and
 * projection (clip_vit.py:114-184).
 */
function isBehindLastBlock(name: string, { vision }: Blip2Config): boolean {
  const layer = /^vision_model\.encoder\.layers\.(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return Number(layer) >= vision.layers;
  return /^visual_encoder\.(?:(?:norm|fc_norm|head|ln_post)\.|proj$)/.test(name);
}

/** Which numbers these are: two tensors of which it is equal are one and the same. null: made of several parts. */
function viewOf({ dtype, shape, parts }: SourceTensor): string | null {
  const [only] = parts;
  return parts.length === 1 && only ? JSON.stringify([dtype, shape, placeOf(only)]) : null;
}

function placeOf({ storage, firstElement, strides }: StoredTensor): readonly unknown[] {
  return [storage.file, storage.offset, firstElement, strides];
}
