/** Code that lies in a checkpoint's folder or in its settings, as the hub's "custom code" has it. None of it is run. */
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { abilitiesOf, openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { decodingOptions } from "../../support/goldens.ts";
import { bundledQuestions } from "../../support/own-forms.ts";
import { cacheFolder } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const options = { threads: 1, cacheFolder, hubCache: "" };

/** A bundled checkpoint with such code at every place where transformers, Node or npm would look for it. */
function withCode(mark: string): string {
  const folder = temporaryFolder();
  cpSync(bundledCheckpoint("shapes-opt-small"), folder, { recursive: true });
  const script = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "run")`;
  const module = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(mark)}, "run");\n`;
  const python = `open(${JSON.stringify(mark)}, "w").write("run")\n`;
  const own = {
    "modeling_blip2.py": python,
    "configuration_blip2.py": python,
    "__init__.py": python,
    "index.js": module,
    "index.cjs": script,
    "config.js": module,
    "tokenizer.js": module,
    "package.json": JSON.stringify({
      main: "index.cjs",
      scripts: { install: `node index.cjs`, postinstall: "node index.cjs" },
    }),
    "chat_template.jinja": `{{ "".__class__.__mro__[1].__subclasses__() }}{{ range.constructor('${script}')() }}`,
  };
  for (const [name, text] of Object.entries(own)) writeFileSync(path.join(folder, name), text);
  const custom = {
    trust_remote_code: true,
    custom_code: true,
    auto_map: {
      AutoConfig: "configuration_blip2.Blip2Config",
      AutoModel: "modeling_blip2.Blip2Model",
      AutoTokenizer: ["tokenizer.js", null],
      AutoProcessor: "index.js",
    },
    custom_pipelines: { "visual-question-answering": { impl: "modeling_blip2.Pipe", pt: ["AutoModel"] } },
    chat_template: own["chat_template.jinja"],
    processor_class: "./index.js",
    image_processor_class: "./index.js",
    _name_or_path: path.join(folder, "index.js"),
  };
  for (const name of ["config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json"]) {
    const file = path.join(folder, name);
    const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as object) : {};
    writeFileSync(file, JSON.stringify({ ...before, ...custom }));
  }
  return folder;
}

describe("a checkpoint with code in it", () => {
  it("answers as it does without, and nothing of the code is run", async () => {
    const mark = path.join(temporaryFolder(), "mark");
    const [{ path: photo } = assert.fail()] = bundledQuestions(1);
    const answerOf = async (folder: string): Promise<unknown> => {
      assert.equal((await abilitiesOf(folder, options)).kind, "generation");
      const model = await loadGenerationCheckpoint(await openCheckpoint(folder, options), options);
      const settings = { num_beams: 1, max_new_tokens: 4, min_new_tokens: 1 };
      const request = { image: { id: "a", path: photo }, prompt: "Question: What? Answer:" };
      const [answer] = await model.generate(
        [request],
        decodingOptions(settings, () => 0),
      );
      await model.release();
      assert.ok(answer?.status === "predicted");
      return answer.tokens;
    };
    const folder = withCode(mark);
    assert.deepEqual(await answerOf(folder), await answerOf(bundledCheckpoint("shapes-opt-small")));
    assert.ok(!existsSync(mark), "the code was run");
    await import(path.join(folder, "index.cjs"));
    assert.ok(existsSync(mark), "the code would leave a mark");
  });
});
