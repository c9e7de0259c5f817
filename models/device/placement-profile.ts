/**
 * Which nodes of a graph a device takes, and which ONNX Runtime computes on the CPU instead, without a message: seen in the
 * profile of a session's first run. Its file goes as soon as it is read.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";

/** Nodes as ONNX Runtime runs them, fused ones and copies between devices included. */
export interface NodePlacement {
  readonly nodes: number;
  /** On the device that was asked for. */
  readonly onDevice: number;
  /** By operator: those that ran on the CPU. */
  readonly onCpu: Readonly<Record<string, number>>;
}

export interface GraphPlacement extends NodePlacement {
  readonly graph: string;
}

const profileSchema = z.array(
  z.object({
    cat: z.string().optional(),
    name: z.string().optional(),
    args: z.object({ provider: z.string().optional(), op_name: z.string().optional() }).optional(),
  }),
);

const cpuProvider = "CPUExecutionProvider";

/** Of one session. */
export class PlacementProfile {
  readonly #graph: string;
  readonly #folder: string;
  readonly #onPlacement: (placement: GraphPlacement) => void;

  private constructor(graph: string, folder: string, onPlacement: (placement: GraphPlacement) => void) {
    this.#graph = graph;
    this.#folder = folder;
    this.#onPlacement = onPlacement;
  }

  static async begin(graph: string, onPlacement: (placement: GraphPlacement) => void): Promise<PlacementProfile> {
    return new PlacementProfile(graph, await mkdtemp(join(tmpdir(), "blip2-bench-profile-")), onPlacement);
  }

  get sessionOptions(): { readonly enableProfiling: true; readonly profileFilePrefix: string } {
    return { enableProfiling: true, profileFilePrefix: join(this.#folder, "run") };
  }

  /** Tells what the session's profile says; to be called when the session has ended it. */
  async end(): Promise<void> {
    const [name] = await readdir(this.#folder);
    const text = name === undefined ? "[]" : await readFile(join(this.#folder, name), "utf8");
    await this.abandon();
    this.#onPlacement({ graph: this.#graph, ...placementIn(text) });
  }

  /** Nothing is told. */
  async abandon(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** From a profile of ONNX Runtime, JSON. A node in a loop counts once. */
export function placementIn(profile: string): NodePlacement {
  const events = profileSchema.parse(JSON.parse(profile));
  const nodes = new Map<string, { readonly operator: string; readonly isOnCpu: boolean }>();
  for (const { cat, name = "", args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time") || args?.provider === undefined) continue;
    nodes.set(name, { operator: args.op_name ?? "unknown", isOnCpu: args.provider === cpuProvider });
  }
  const onCpu: Record<string, number> = {};
  for (const { operator, isOnCpu } of nodes.values()) {
    if (isOnCpu) onCpu[operator] = (onCpu[operator] ?? 0) + 1;
  }
  return { nodes: nodes.size, onDevice: nodes.size - sumOf(onCpu), onCpu };
}

/** Of several graphs together. */
export function placementOf(placements: readonly NodePlacement[]): NodePlacement {
  const onCpu: Record<string, number> = {};
  for (const placement of placements) {
    for (const [operator, count] of Object.entries(placement.onCpu)) onCpu[operator] = (onCpu[operator] ?? 0) + count;
  }
  const nodes = placements.reduce((sum, placement) => sum + placement.nodes, 0);
  return { nodes, onDevice: nodes - sumOf(onCpu), onCpu };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
