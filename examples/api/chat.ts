/** A conversation, one answer of which is stopped: `node chat.js photo.jpg` */
import { loadCheckpoint } from "blip2-bench";

const [photo = "photo.jpg"] = process.argv.slice(2);
const checkpoint = await loadCheckpoint("shapes-opt-base");
if (checkpoint.kind !== "generation") throw new Error(`${checkpoint.name} generates no text`);

const chat = checkpoint.chat(photo, { maxNewTokens: 10 });
for (const question of ["what color is the square?", "and the cross?"]) {
  const { text, droppedTurns } = await chat.ask(question);
  console.log(`${question} ${text}${droppedTurns > 0 ? ` (without the first ${droppedTurns} turns)` : ""}`);
}
console.log(chat.prompt("where is it?"));

const stop = new AbortController();
try {
  await chat.ask("where is it?", {
    signal: stop.signal,
    onText: () => {
      stop.abort();
    },
  });
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log(`stopped; ${chat.turns.length} turns are kept`);
}
await checkpoint.release();
