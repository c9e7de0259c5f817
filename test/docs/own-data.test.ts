/** The commands of docs/own-data.md, run one after the other on a folder of photos with a CSV. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { completeCode, failCode, inconclusiveCode } from "../../harness/cli/exit-code.ts";
import { wordsOf } from "../../harness/scripts/docs/console-blocks.ts";
import { inProcess } from "../support/command-process.ts";
import { bundledQuestions } from "../support/own-forms.ts";
import { projectRoot } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const page = readFileSync(join(projectRoot, "docs", "own-data.md"), "utf8");
const commands = [...page.matchAll(/^npx blip2-bench .+$/gm)].map(([command]) => command);

describe("docs/own-data.md", () => {
  it("goes from a folder of photos and a CSV to a gate", async () => {
    const folder = temporaryFolder();
    const photos = join(folder, "path", "to", "photos");
    mkdirSync(photos, { recursive: true });
    const rows = bundledQuestions(4).map(({ path, question = "", texts: [answer = ""] }) => {
      copyFileSync(path, join(photos, basename(path)));
      return `${basename(path)},"${question}","${answer}"\n`;
    });
    writeFileSync(join(photos, "metadata.csv"), `file_name,question,answer\n${rows.join("")}`);
    const [, task = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
    writeFileSync(join(folder, "path", "to", "my-task.yaml"), task);
    assert.ok(commands.length >= 7);
    for (const command of commands) {
      const { code, out, err } = await inProcess(folder, ...wordsOf(command));
      // four samples are too few for a verdict that is sure, and each verdict has a code of its own
      const ends = command.includes("blip2-bench gate") ? [completeCode, failCode, inconclusiveCode] : [completeCode];
      assert.ok(ends.includes(code ?? -1), `${command}: ${code}: ${err}`);
      if (command.includes("data check")) {
        assert.match(out, /an image folder with metadata; image: file_name, question: question, answers: answer/);
        assert.match(out, / {2}1: .*COCO_val2014_.*\.jpg {2}What color is the star in the picture\?/);
      }
    }
  });
});
