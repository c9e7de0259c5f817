/**
 * The side of the model: answers the calls of the process that started this one, one after the other. Images of a batch that
 * waits its turn are read meanwhile.
 */
import { writeSync } from "node:fs";
import { DeviceLostError } from "../../models/device/device-error.ts";
import type { ImageTextScorer, VisionLanguageModel } from "../../models/model.ts";
import { readAhead } from "../evaluation/batches.ts";
import { scorerSide } from "./serve-scorer.ts";
import { isCall } from "./messages.ts";
import type { AnyResult, Call, LoadModel, Memory, ModelEvent, Reply } from "./messages.ts";
import { told } from "./told-error.ts";

/** Serves until it is released, or whoever asks is gone. */
export function serveModel(load: LoadModel): void {
  let model: VisionLanguageModel | null = null;
  let scorer: ImageTextScorer | null = null;
  const performScoring = scorerSide(() => scorer);
  let turn: Promise<unknown> = Promise.resolve();

  const loaded = (): VisionLanguageModel => {
    if (model === null) throw new Error("asked to generate before a model that does was loaded");
    return model;
  };
  const perform = async ({ id, work }: Call, onStep: () => void): Promise<AnyResult> => {
    switch (work.kind) {
      case "load": {
        const tell = (event: ModelEvent): void => {
          reply({ kind: "event", id, atNs: process.hrtime.bigint(), event });
        };
        const served = await load(work.place, {
          onPreparation: (event) => {
            tell({ kind: "preparation", event });
          },
          onPlacement: (placement) => {
            tell({ kind: "placement", placement });
          },
        });
        if ("generate" in served) model = served;
        else scorer = served;
        const { name, weightsBytes = null } = served;
        return { name, family: "family" in served ? served.family : "itm", weightsBytes };
      }
      case "readAhead":
        await loaded().readAhead(work.image);
        return null;
      case "generate":
        return await loaded().generate(work.requests, { ...work.options, onStep }, work.batching);
      case "release":
        await (model ?? scorer)?.release();
        return null;
      default:
        return await performScoring(work);
    }
  };
  const answer = async (call: Call, receivedNs: bigint): Promise<void> => {
    const startedNs = process.hrtime.bigint();
    const stepsNs: number[] = [];
    const onStep = (): void => {
      stepsNs.push(Number(process.hrtime.bigint() - startedNs));
    };
    try {
      const value = await perform(call, onStep);
      const stamps = { receivedNs, startedNs, finishedNs: process.hrtime.bigint(), stepsNs };
      reply({ kind: "answer", id: call.id, value, stamps, memory: memory() });
    } catch (error) {
      if (error instanceof DeviceLostError) endWith(error);
      reply({ kind: "error", id: call.id, error: told(error) });
    }
    if (call.work.kind === "release") process.disconnect();
  };

  process.on("message", (message) => {
    if (!isCall(message)) throw new Error("a message that is no call");
    const receivedNs = process.hrtime.bigint();
    const { work } = message;
    if (work.kind === "readAhead") {
      void answer(message, receivedNs);
      return;
    }
    if (work.kind === "generate" && model !== null) readAhead(model, [work.requests]);
    turn = turn.then(() => answer(message, receivedNs));
  });
  // Ctrl-C reaches every process of a terminal. Whoever asks decides what becomes of it.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => undefined);
  process.on("disconnect", () => process.exit());
}

function reply(message: Reply): void {
  if (process.connected) process.send?.(message);
}

function memory(): Memory {
  const kibibyte = 1024;
  return { residentBytes: process.memoryUsage.rss(), peakBytes: process.resourceUsage().maxRSS * kibibyte };
}

/** Nothing computes here any more; another process may find the device again. */
function endWith(error: DeviceLostError): never {
  writeSync(process.stderr.fd, `${error.message}\n`);
  process.exit(1);
}
