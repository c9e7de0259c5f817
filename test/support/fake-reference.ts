/** Stands in for Python with reference.py: says what it is, then answers each line with its prompts in capitals, in two seconds. */
import { createInterface } from "node:readline";

const facts = {
  torch: "2",
  transformers: "5",
  blas: "OpenBLAS",
  instructions: "AVX2",
  dtype: "bfloat16",
  threads: 1,
  oneRowBytesPerSecond: 9e9,
  loadSeconds: 1,
};
if (process.argv.includes("/nowhere")) throw new Error("no such checkpoint");
process.stdout.write(`${JSON.stringify(facts)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const asked: unknown = JSON.parse(line);
  if (typeof asked !== "object" || asked === null || !("prompts" in asked) || !Array.isArray(asked.prompts)) continue;
  const texts = asked.prompts.map((prompt) => String(prompt).toUpperCase());
  process.stdout.write(`${JSON.stringify({ seconds: 2, texts })}\n`);
}
