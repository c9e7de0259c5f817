/** A model in a process of its own: answers, errors and ends. The model is a fake, and once a bundled one. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { GeneratorProcess } from "../../../harness/processes/generator-process.ts";
import type { ModelPlace } from "../../../harness/processes/model-service.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type { DecodingOptions, GenerationRequest } from "../../../models/model.ts";
import { fakeModel } from "../../support/fakes.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";

const entry = path.join(projectRoot, "dist", "test", "support", "fake-model-process.js");
const greedy: DecodingOptions = {
  beams: 1,
  newTokens: { min: 1, max: 5 },
  lengthPenalty: 1,
  repetitionPenalty: 1,
  earlyStopping: false,
};

const place = (where: string): ModelPlace => ({ where, threads: 1, cacheFolder, hubCache: "" });
const request = (id: string): GenerationRequest => ({ image: { id, path: `${id}.jpg` }, prompt: `about ${id}` });
const requests = ["1", "2", "3"].map(request);

describe("a model in a process of its own", () => {
  let model: GeneratorProcess;
  beforeEach(async () => (model = await GeneratorProcess.start(place("fake"), { entry })));
  afterEach(() => model.kill());

  it("answers as it does here, and says when it worked, how long it loaded and what memory it takes", async () => {
    assert.deepEqual([model.name, model.family], ["fake", "opt"]);
    const before = process.hrtime.bigint();
    const { value, stamps } = await model.generateTimed(requests, greedy);
    const after = process.hrtime.bigint();
    const texts = (await fakeModel().generate(requests, greedy)).map((answer) => "text" in answer && answer.text);
    assert.deepEqual(
      value.map((answer) => "text" in answer && answer.text),
      texts,
    );
    const order = [before, stamps.receivedNs, stamps.startedNs, stamps.finishedNs, after];
    assert.deepEqual(
      order,
      order.toSorted((a, b) => (a < b ? -1 : 1)),
    );
    assert.ok(model.loadMs > 0);
    assert.ok(model.memory.residentBytes > 1e6 && model.memory.peakBytes >= model.memory.residentBytes);
    await model.readAhead(requests[0]!.image);
  });

  it("ends when it is released, after what was asked", async () => {
    const answers = model.generate(requests, greedy);
    await model.release();
    assert.equal((await answers).length, 3);
    await assert.rejects(model.generate(requests, greedy), /fake: its process \(pid \d+\) was released/);
    await model.release();
  });

  it("passes an error on, and goes on", async () => {
    await assert.rejects(model.generate([request("wrong")], greedy), {
      name: "Error",
      message: "the fake model broke",
    });
    assert.equal((await model.generate(requests, greedy)).length, 3);
  });

  it("says what ended it and what was asked, and refuses everything after", async () => {
    const first = model.generate([request("crash")], greedy);
    const second = model.generate(requests, greedy);
    const expected = {
      name: "ModelProcessError",
      message:
        `fake: its process (pid ${model.pid ?? 0}) was ended by SIGKILL while asked for answers to 1 requests, from image ` +
        "crash on. Memory may have run out: give it fewer --workers, a smaller --batch-size or another --precision.\n" +
        "Its last words: terminate called",
    };
    await assert.rejects(first, expected);
    await assert.rejects(second, expected);
    await assert.rejects(model.generate(requests, greedy), expected);
  });

  it("refuses what was asked when it is killed", async () => {
    const answers = assert.rejects(model.generate([request("stall")], greedy), /was ended by SIGKILL/);
    await model.kill();
    await answers;
  });
});

describe("a model that cannot be loaded in a process", () => {
  it("is the error it would be here", async () => {
    const error = { name: "CheckpointError", message: "fake broken: no config.json in it." };
    await assert.rejects(GeneratorProcess.start(place("fake broken"), { entry }), error);
    const real = { name: "CheckpointError", message: /\/nowhere: no such folder/ };
    await assert.rejects(GeneratorProcess.start(place("/nowhere")), real);
  });

  it("says so when the process ends over it", async () => {
    await assert.rejects(GeneratorProcess.start(place("fake heavy"), { entry, label: "worker 2" }), {
      name: "ModelProcessError",
      message:
        /^a model: its process \(worker 2, pid \d+\) was ended by SIGKILL while asked for the model in fake heavy\./,
    });
  });

  it("is refused where its file is not there", async () => {
    await assert.rejects(GeneratorProcess.start(place("fake"), { entry: "/nowhere.js" }), {
      name: "ModelProcessError",
      message: /ended with exit code 1 while asked for the model in fake\.\nIts last words: [^]*Cannot find module/,
    });
  });
});

describe("a process whose asker is gone", () => {
  it("ends", async () => {
    const child = fork(entry, { serialization: "advanced" });
    await once(child, "spawn");
    child.disconnect(); // what the system does for one that died
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});

describe("a bundled checkpoint in a process", () => {
  it("answers as it does here", async () => {
    const where = path.join(projectRoot, "models", "bundled", "shapes-opt-small");
    const file = path.join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000000108.jpg");
    const asked = [{ image: { id: "108", path: file }, prompt: "a photo of" }];
    const here = await loadBlip2(where, place(where));
    const there = await GeneratorProcess.start(place(where));
    const plain = (answers: readonly object[]): readonly object[] =>
      answers.map((each) => ({ ...each, latencyMs: {} }));
    assert.deepEqual(plain(await there.generate(asked, greedy)), plain(await here.generate(asked, greedy)));
    await here.release();
    await there.release();
  });
});
