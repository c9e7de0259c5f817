/** Real checkpoints behind `try`: what the reference says comes out of the server, whoever else asks. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalog } from "../../../harness/catalog/catalog.ts";
import type { AnswerEvent, Matches, Turn, Work } from "../../../harness/try/wire.ts";
import { bundledData } from "../../support/fakes.ts";
import { goldenJson } from "../../support/goldens.ts";
import { itgGoldens } from "../../support/goldens-itg.ts";
import { ItmGoldens } from "../../support/goldens-itm.ts";
import { allEvents, asking, endsOf, requestOf, startTry, upload } from "../../support/try-server.ts";
import type { Tried } from "../../support/try-server.ts";

const fileOf = (id: number): string => `COCO_val2014_${String(id).padStart(12, "0")}.jpg`;
const bytesOf = (name: string): Buffer => readFileSync(join(bundledData, "val2014", name));

describe("try with real checkpoints", () => {
  let tried: Tried;
  before(async () => {
    tried = await startTry({ maxUploadBytes: 20_000_000 }, catalog);
  });
  after(() => tried.stop());

  async function events(image: string, works: readonly Work[], checkpoint: string): Promise<readonly AnswerEvent[]> {
    const { id } = await upload(tried.url, bytesOf(image));
    return allEvents(tried.url, requestOf(id, works, { checkpoint }));
  }

  for (const checkpoint of ["shapes-opt-base", "shapes-t5-base"]) {
    it(`says what the reference says: ${checkpoint}`, async () => {
      const [caption] = goldenJson(checkpoint, "caption_results.json") as { image_id: number; caption: string }[];
      const prompted = goldenJson(checkpoint, "caption_prompted_results.json") as (typeof caption)[];
      const { image_id: image } = caption!;
      const words = prompted.find((one) => one?.image_id === image)?.caption;
      const works: Work[] = [
        { kind: "caption", prompt: "" },
        { kind: "caption", prompt: "a photo of" },
      ];
      const found = await events(fileOf(image), works, checkpoint);
      assert.deepEqual(endsOf(found), [caption?.caption, words]);
      for (const event of found) {
        if (event.kind !== "answer") continue;
        const last = found.findLast((one) => one.kind === "text" && one.lane === event.lane);
        assert.equal(last?.kind === "text" ? last.text : "", event.answer.text, "what was streamed");
      }

      const { questions } = JSON.parse(
        readFileSync(join(bundledData, "v2_OpenEnded_mscoco_val2014_questions.json"), "utf8"),
      ) as { questions: { question_id: number; image_id: number; question: string }[] };
      const asked = questions.filter(({ image_id }) => image_id === 108);
      const results = goldenJson(checkpoint, "vqa_results.json") as { question_id: number; answer: string }[];
      assert.deepEqual(
        endsOf(
          await events(
            fileOf(108),
            asked.map(({ question }) => asking(question)),
            checkpoint,
          ),
        ),
        asked.map(({ question_id }) => results.find((one) => one.question_id === question_id)?.answer.trim()),
      );
    });
  }

  it("matches as the reference does", async () => {
    const [pair] = goldenJson("shapes-itm", "pairs.json") as { image_file: string; raw: string }[];
    const goldens = await ItmGoldens.of("tensors");
    const [no = 0, yes = 0] = await goldens.floats("pair0.itm_logits");
    const [similarity = 0] = await goldens.floats("itc.logits_per_image");
    const work = { kind: "match", texts: [pair!.raw, "a blue star"] } as const;
    const found = await events(pair!.image_file, [work], "shapes-itm");
    const matches = found.flatMap((event): readonly Matches[] => (event.kind === "matches" ? [event.matches] : []));
    const [own, other] = matches[0]!.texts;
    // fp32 sums in another order: 1e-4, as in networks-itm.test.ts
    assert.ok(Math.abs(own!.matching - 1 / (1 + Math.exp(no - yes))) < 1e-4);
    assert.ok(Math.abs(own!.similarity - similarity) < 1e-4);
    assert.ok(other!.matching < own!.matching);
  });

  it("captions with a Q-Former as the reference does, and matches with it", async () => {
    const [first] = itgGoldens;
    const match = { kind: "match", texts: [first!.text, "a blue star"] } as const;
    const found = await events(first!.image, [{ kind: "caption", prompt: "" }, match], "shapes-itg");
    assert.deepEqual(endsOf(found), [first!.text, `${first!.text}, a blue star`]);
    const streamed = found.flatMap((event) => (event.kind === "text" ? event.text : []));
    assert.equal(streamed.at(-1), first!.text);
    const [answer] = found.flatMap((event) => (event.kind === "answer" ? [event.answer] : []));
    for (const { probability } of answer!.tokens) assert.ok(probability !== null && probability > 0 && probability < 1);
    assert.equal(
      answer!.tokens
        .map(({ text }) => text)
        .join("")
        .trim(),
      first!.text,
    );
  });

  it("goes on with a conversation as well where its process is another one by now", async () => {
    const { id } = await upload(tried.url, bytesOf(fileOf(108)));
    const turns: Turn[] = [];
    const say = async (conversation: string, question: string): Promise<AnswerEvent[]> => {
      const work = { kind: "chat", conversation, turns: [...turns], question } as const;
      return [...(await allEvents(tried.url, requestOf(id, [work], { checkpoint: "shapes-opt-base" })))];
    };
    for (const question of ["what is in the picture?", "what color is it?", "is it red?"]) {
      const [going, anew] = [await say("one", question), await say(`anew: ${question}`, question)];
      const [answer = ""] = endsOf(going);
      assert.notEqual(answer, "");
      assert.deepEqual(endsOf(anew), [answer]);
      turns.push({ question, answer });
    }
  });

  it("takes fewer new tokens than is usual, and says how likely they were", async () => {
    const { id } = await upload(tried.url, bytesOf(fileOf(108)));
    const request = JSON.parse(requestOf(id, [{ kind: "caption", prompt: "" }], { checkpoint: "shapes-t5-small" })) as {
      decoding: { maxNewTokens: number };
    };
    request.decoding.maxNewTokens = 3;
    const events = await allEvents(tried.url, JSON.stringify(request));
    const [answer] = events.flatMap((event) => (event.kind === "answer" ? [event.answer] : []));
    assert.ok(answer !== undefined, JSON.stringify(events));
    assert.equal(answer.tokens.length, 3);
    for (const { probability } of answer.tokens) assert.ok(probability !== null && probability > 0 && probability <= 1);
    assert.equal(
      answer.tokens
        .map(({ text }) => text)
        .join("")
        .trim(),
      answer.text,
    );
  });

  it("draws the same words for the same seed", async () => {
    const { id } = await upload(tried.url, bytesOf(fileOf(108)));
    const request = JSON.parse(
      requestOf(id, [{ kind: "caption", prompt: "" }], { checkpoint: "shapes-opt-small" }),
    ) as {
      decoding: { sampling: object };
    };
    const drawn = async (seed: number): Promise<string> => {
      request.decoding.sampling = { temperature: 2, topP: 0.95, seed };
      return endsOf(await allEvents(tried.url, JSON.stringify(request)))[0] ?? "";
    };
    const [first, again, other] = [await drawn(1), await drawn(1), await drawn(2)];
    assert.equal(first, again);
    assert.notEqual(first, other);
  });

  it("says why an image that has lost its end cannot be looked at", async () => {
    const whole = bytesOf(fileOf(108));
    const { id } = await upload(tried.url, whole.subarray(0, whole.length / 2));
    const found = await allEvents(tried.url, requestOf(id, [asking("a?")], { checkpoint: "shapes-opt-small" }));
    assert.match(endsOf(found)[0] ?? "", /^failed: .*the JPEG file of \d+ bytes is truncated or damaged/);
  });
});
