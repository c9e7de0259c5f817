/** Which text fits an image best: `node match.js photo.jpg "a red circle" "a blue star"` */
import { ImageError, loadCheckpoint } from "blip2-bench";

const [photo = "photo.jpg", ...texts] = process.argv.slice(2);
const checkpoint = await loadCheckpoint("shapes-itm");
if (checkpoint.kind !== "retrieval") throw new Error(`${checkpoint.name} matches no texts`);

try {
  const matches = await checkpoint.match(photo, texts);
  const [best] = [...matches].sort((a, b) => b.matching - a.matching);
  console.log(best?.text);
} catch (error) {
  if (!(error instanceof ImageError)) throw error;
  console.log(`no image to match: ${error.message}`);
} finally {
  await checkpoint.release();
}
