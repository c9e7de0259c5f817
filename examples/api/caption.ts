/** A caption, shown as it comes: `node caption.js photo.jpg` */
import { loadCheckpoint } from "blip2-bench";

const [photo = "photo.jpg"] = process.argv.slice(2);
const checkpoint = await loadCheckpoint("shapes-opt-base");
if (checkpoint.kind !== "generation") throw new Error(`${checkpoint.name} generates no text`);

await checkpoint.caption(photo, { beams: 1, onText: (piece) => process.stdout.write(piece) });
console.log();
await checkpoint.release();
