/** What the page of `try` needs of the library: conversations that begin with turns, and the stages of matching. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadCheckpoint, UsageError } from "../../../harness/library/api.ts";
import { bundledImage } from "../../support/try-server.ts";
import { cacheFolder } from "../../support/project.ts";

const options = { cacheFolder, hubCache: join(cacheFolder, "no-hub"), threads: 1 };
const questions = ["what is in the picture?", "what color is it?", "where is it?"];

describe("a conversation of the library that begins with turns", () => {
  it("goes on as one that has them from being asked, and takes them back as well", async () => {
    const checkpoint = await loadCheckpoint("shapes-opt-small", options);
    assert.ok(checkpoint.kind === "generation");
    const asked = checkpoint.chat(bundledImage);
    for (const question of questions) await asked.ask(question);
    const begun = checkpoint.chat(bundledImage, { turns: asked.turns });
    assert.deepEqual(begun.turns, asked.turns);
    assert.equal(begun.prompt("why?"), asked.prompt("why?"));
    assert.equal((await begun.ask("why?")).text, (await asked.ask("why?")).text);
    assert.equal(begun.undo()?.question, "why?");
    assert.equal(begun.undo()?.question, questions[2]);
    assert.equal(asked.turns.length, 4, "those it began with are its own");
    for (const turns of [[{ question: "why?" }], [null], "why?"]) {
      const wrong = Object.assign({}, { turns }) as { turns: [] };
      assert.throws(() => checkpoint.chat(bundledImage, wrong), {
        name: "UsageError",
        message: "turns: found something else, expected a list of questions with their answers.",
      });
    }
    await checkpoint.release();
  });
});

describe("matching by the library", () => {
  it("tells its stages where it is asked to, and knows no other option", async () => {
    const checkpoint = await loadCheckpoint("shapes-itm", options);
    assert.ok(checkpoint.kind === "retrieval");
    const told: Readonly<Record<string, number>>[] = [];
    const onLatency = (latencyMs: Readonly<Record<string, number>>): void => void told.push(latencyMs);
    await checkpoint.match(bundledImage, ["a red circle"], { onLatency });
    assert.equal(told.length, 1);
    for (const stage of ["vision", "qFormer", "matching"]) assert.ok((told[0]?.[stage] ?? 0) > 0, stage);
    const wrong = Object.assign({ onLatency }, { onLatancy: onLatency });
    await assert.rejects(checkpoint.match(bundledImage, ["a"], wrong), (error: Error) => {
      return error instanceof UsageError && /onLatancy: no such option\. Did you mean onLatency\?/.test(error.message);
    });
    await checkpoint.release();
  });
});
