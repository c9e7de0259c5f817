/** What check:gpu found, as tables for people: in Markdown for the report file, in aligned columns for a terminal. */
import { left, tableOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { describeChosen } from "./check-gpu-record.ts";
import type { CheckRecord, Section } from "./check-gpu-record.ts";
import { bandwidth } from "./check-gpu-speed.ts";

interface Part {
  readonly title: string;
  readonly titles: readonly string[];
  readonly cells: readonly (readonly string[])[];
  /** Sentences below the table. */
  readonly notes: readonly string[];
}

export function checkToText(record: CheckRecord): string {
  const blocks = partsOf(record).map(({ title, titles, cells, notes }) =>
    [
      title,
      ...(cells.length === 0
        ? []
        : [
            "",
            tableToText(
              tableOf(
                titles.map((heading, place) => left(heading, (row: readonly string[]) => row[place] ?? "")),
                cells,
              ),
            ),
          ]),
      ...notes,
    ].join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

export function checkToMarkdown(record: CheckRecord): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const blocks = partsOf(record).map(({ title, titles, cells, notes }) => {
    const table = [row(titles), row(titles.map(() => "---")), ...cells.map(row)];
    return [`## ${title}`, ...(cells.length === 0 ? [] : ["", ...table]), ...notes.flatMap((note) => ["", note])];
  });
  return `${["# check:gpu", ...blocks.flatMap((lines) => ["", ...lines])].join("\n")}\n`;
}

function partsOf(record: CheckRecord): readonly Part[] {
  return [deviceOf(record), parityOf(record), speedOf(record), ceilingsOf(record)];
}

function deviceOf(record: CheckRecord): Part {
  const { device, processor, packages, code } = record;
  const devices = device.found?.devices ?? [];
  return {
    title: `Device: ${describeChosen(record)}`,
    titles: ["what", "found"],
    cells: [
      ["made", record.made],
      ["blip2-bench", `${code.version}, commit ${code.commit ?? "unknown"}${code.dirty === true ? ", changed" : ""}`],
      ["onnxruntime-node", packages["onnxruntime-node"] ?? "missing"],
      ["Node", `${processor.node}, ${processor.platform}`],
      ["processor", `${processor.model}, ${processor.cores} cores, ${processor.threads} threads`],
      ["NVIDIA GPUs", device.found?.nvidia?.join("; ") ?? "none that nvidia-smi finds"],
      ["Vulkan drivers", device.found?.vulkan.join(", ") || "none"],
      ...devices.map(({ device, status, difference, reason, adapter, precisions }) => [
        device,
        status === "works"
          ? `works, ${difference?.toExponential(1) ?? "?"} off the CPU; ${precisions.join(", ")}${adapter === null ? "" : `; ${adapter.name}`}`
          : `${status}: ${reason ?? "no reason"}`,
      ]),
    ],
    notes: endOf(device),
  };
}

/** A hint for NVIDIA devices: TF32 is a common reason for differences in fp32. */
const tf32Note =
  "CUDA may multiply fp32 in TF32, which has 10 bits behind the point: NVIDIA_TF32_OVERRIDE=0 in the environment turns that off.";

function parityOf({ parity, device }: CheckRecord): Part {
  const verdict = parity.found?.verdict;
  const told = verdict === undefined ? "not told" : verdict.holds ? "holds in fp32" : "does not hold";
  return {
    title: `Parity with the CPU: ${told}`,
    titles: ["checkpoint", "precision", "generation", "same", "largest differences"],
    cells: (parity.found?.rows ?? []).map((row) => [
      row.checkpoint,
      row.precision,
      row.generation ?? "ranks",
      `${row.same} of ${row.compared}`,
      Object.entries(row.differences)
        .map(([what, difference]) => `${what} ${difference.toExponential(1)}`)
        .join(", "),
    ]),
    notes: [
      ...(device.found?.chosen?.kind === "cpu" ? ["The device is the CPU: it was compared with itself."] : []),
      ...(verdict?.reasons ?? []),
      ...(verdict?.holds === false && device.found?.chosen?.provider === "cuda" ? [tf32Note] : []),
      ...endOf(parity),
    ],
  };
}

const webgpuNote =
  "What stays on the device may be computed after its stage: the first whose output comes out waits for those before it.";

function speedOf({ speed, flags, device }: CheckRecord): Part {
  const found = speed.found?.speed;
  const how = found === undefined ? "" : `, ${found.precision}, ${found.generation}`;
  return {
    title: `Speed: random weights in the shape ${flags["shape"] ?? "?"}${how}`,
    titles: ["work", "batch", "images/s", "questions/s", "tokens/s", "ms a question by stage"],
    cells: (found?.works ?? []).map((work) => [
      work.work,
      String(work.batch),
      work.imagesPerSecond.toFixed(2),
      work.questionsPerSecond.toFixed(2),
      work.tokensPerSecond.toFixed(1),
      Object.entries(work.msPerQuestionByStage)
        .map(([stage, ms]) => `${stage} ${ms.toFixed(2)}`)
        .join(", "),
    ]),
    notes: [
      ...(found === undefined
        ? []
        : [
            `First token of one image's caption after ${found.firstTokenMs.toFixed(1)} ms. Loaded in ` +
              `${(found.loadMs / 1000).toFixed(1)} s; peak memory of the process ${found.peakMemoryMiB} MiB.`,
          ]),
      ...(device.found?.chosen?.provider === "webgpu" && found !== undefined ? [webgpuNote] : []),
      ...(speed.found?.notes ?? []),
      ...endOf(speed),
    ],
  };
}

function ceilingsOf({ ceilings, speed }: CheckRecord): Part {
  const found = ceilings.found?.ceilings;
  const shares = ceilings.found?.shares ?? null;
  const cell = (name: string, value: number | null | undefined, unit: string): (readonly string[])[] =>
    typeof value === "number" ? [[name, `${(value / 1e9).toFixed(1)} ${unit}`]] : [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const step = speed.found?.speed.step;
  return {
    title: "Ceilings of the device, and what is reached",
    titles: ["what", "found"],
    cells: [
      ...cell("matrix rate, fp32", found?.fp32, "Gflop/s"),
      ...cell("matrix rate, fp16", found?.fp16, "Gflop/s"),
      ...cell("matrix rate, int8", found?.int8, "Gop/s"),
      ...cell("one row, fp32", found?.oneRowFp32, "GB/s"),
      ...cell("one row, fp16", found?.oneRowFp16, "GB/s"),
      ...cell("one row, int4", found?.oneRowInt4, "GB/s"),
      ...cell("memory", found === undefined ? null : bandwidth(found), "GB/s"),
      ...(typeof shares?.visionOfMatrixRate === "number"
        ? [["image encoder, of the matrix rate", percent(shares.visionOfMatrixRate)]]
        : []),
      ...(shares === null ? [] : [["decode step of one row, of the memory's rate", percent(shares.stepOfBandwidth)]]),
      ...(step === undefined ? [] : [["decode step of one row", `${step.ms.toFixed(2)} ms`]]),
    ],
    notes: endOf(ceilings),
  };
}

function endOf({ status, reason }: Section<unknown>): readonly string[] {
  switch (status) {
    case "done":
      return [];
    case "failed":
      return [`Failed: ${reason ?? "no reason"}`];
    case "begun":
      return ["Begun, and not finished."];
    case "not run":
      return ["Not run."];
  }
}
