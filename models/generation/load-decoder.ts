/** A decoder's session and the caches that go with it: in this memory, or on the device that computes, where that is possible. */
import type { Graph } from "../graph/graph-writer.ts";
import { keepsOnDevice } from "../device/device.ts";
import { Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { outputNames } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";
import { DeviceCaches } from "./device-kv-cache.ts";
import { KvMemory, memoryCaches } from "./kv-cache.ts";
import type { CacheLayout } from "../networks/cache-rows.ts";
import type { CacheShape } from "./sequence-cache.ts";

export interface LoadedDecoder extends Pick<Decoder, "shape" | "outputs" | "caches" | "memory" | "session"> {
  /** Whether new sequences can join a batch that has decoded some tokens: not on a device, where all fill the same places. */
  readonly isRefilled: boolean;
  readonly release: () => Promise<void>;
}

/** `build`: the decoder's graph over a cache that lies in this memory place by place, or joined on a device. */
export async function loadDecoder(
  build: (cache: CacheLayout) => Graph,
  shape: CacheShape,
  runtime: RuntimeOptions,
): Promise<LoadedDecoder> {
  const outputs = outputNames(shape);
  const memory = new KvMemory();
  if (!keepsOnDevice(runtime.device)) {
    const session = await Session.load(build("places"), runtime);
    const release = (): Promise<void> => session.release();
    return { shape, outputs, memory, session, caches: memoryCaches(shape, memory), isRefilled: true, release };
  }
  const onDevice = [...outputs.keys, ...outputs.values];
  const session = await Session.load(build("joined"), runtime, { onDevice });
  const caches = await DeviceCaches.load(shape, runtime);
  const release = async (): Promise<void> => {
    await caches.release();
    await session.release();
  };
  return { shape, outputs, memory, session, caches, isRefilled: false, release };
}
