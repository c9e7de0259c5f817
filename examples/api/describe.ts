/** A Q-Former captions, and says how well its own caption and another text fit: `node describe.js photo.jpg` */
import { loadCheckpoint } from "blip2-bench";

const [photo = "photo.jpg", other = "a blue star"] = process.argv.slice(2);
const checkpoint = await loadCheckpoint("shapes-itg");
if (checkpoint.kind !== "retrieval" || !("caption" in checkpoint))
  throw new Error(`${checkpoint.name} does not do both`);

const { text } = await checkpoint.caption(photo);
const [own, another] = await checkpoint.match(photo, [text, other]);
console.log(text);
for (const match of [own, another]) console.log(`${((match?.matching ?? 0) * 100).toFixed(1)} %  ${match?.text ?? ""}`);
await checkpoint.release();
