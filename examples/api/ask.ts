/** An answer, how likely each of its tokens was, and what took how long: `node ask.js photo.jpg "what color is the star?"` */
import { readFile } from "node:fs/promises";
import { loadCheckpoint } from "blip2-bench";

const [photo = "photo.jpg", question = "what is it?"] = process.argv.slice(2);
const checkpoint = await loadCheckpoint("shapes-t5-base", { precision: "fp32", threads: 2 });
if (checkpoint.kind !== "generation") throw new Error(`${checkpoint.name} generates no text`);

const bytes = await readFile(photo); // a path would do
const { text, tokens, latencyMs } = await checkpoint.ask(bytes, question, { tokenProbabilities: true });
console.log(text);
for (const token of tokens ?? [])
  console.log(`${(token.probability * 100).toFixed(1)} %  ${JSON.stringify(token.text)}`);
console.log(`stages: ${Object.keys(latencyMs).join(", ")}`);
await checkpoint.release();
