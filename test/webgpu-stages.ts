/** A program: stages of the bundled checkpoints it is given, on WebGPU; prints the largest difference from the reference, by stage. */
import { qFormer } from "../models/networks/q-former.ts";
import { visionTransformer } from "../models/networks/vision-transformer.ts";
import { float32Tensor, floats, Session } from "../models/runtime.ts";
import { bundled, GoldenTensors, largestDifference } from "./goldens.ts";

const runtime = { threads: 1, device: { provider: "webgpu", id: 0 } } as const;
const differences: Record<string, number> = {};
for (const name of process.argv.slice(2)) {
  const goldens = await GoldenTensors.of(name);
  const { checkpoint, weights } = await bundled(name);
  const tensor = async (of: string) => float32Tensor(await goldens.floats(of), goldens.shape(of));
  const seen = "vision.last_hidden_state";
  const vision = await Session.load(visionTransformer(weights.at("vision_model"), checkpoint.config.vision), runtime);
  const { image_tokens } = await vision.run({ pixels: await tensor("pixel_values") }, ["image_tokens"]);
  differences[`${name} vision`] = largestDifference(floats(image_tokens), await goldens.floats(seen));
  await vision.release();
  if (name === "shapes-itm") continue;
  const queries = await Session.load(qFormer(weights, checkpoint.config.qFormer), runtime);
  const { query_output } = await queries.run({ image_tokens: await tensor(seen) }, ["query_output"]);
  const expected = await goldens.floats("qformer.last_hidden_state");
  differences[`${name} Q-Former`] = largestDifference(floats(query_output), expected);
  await queries.release();
}
process.stdout.write(JSON.stringify(differences));
