/** A caption, word by word as it comes: `node caption.js photo.jpg`. */
import { loadCheckpoint } from "blip2-bench";

const [photo = "photo.jpg"] = process.argv.slice(2);
const checkpoint = await loadCheckpoint("shapes-opt-base");
if (checkpoint.kind !== "generation") throw new Error(`${checkpoint.name} generates no text`);
const { text } = await checkpoint.caption(photo, { onText: (piece) => process.stdout.write(piece) });
console.log(`\n${text.length} characters`);
await checkpoint.release();
