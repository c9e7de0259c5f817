/** docs/flags.md and the schema of config files, against what commands are declared with. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { commands } from "../../../harness/cli/command.ts";
import { optionsOf } from "../../../harness/cli/command-line.ts";
import { configurable } from "../../../harness/cli/config-file.ts";
import { optionsSchema } from "../../../harness/cli/options/schema.ts";
import { flagsPage } from "../../../harness/scripts/flags-page.ts";
import { projectRoot } from "../../support/project.ts";

describe("docs/flags.md", () => {
  it("is what the commands' help says today; npm run docs:flags writes it anew", () => {
    assert.equal(readFileSync(join(projectRoot, "docs", "flags.md"), "utf8"), flagsPage());
  });

  it("has every option of every command", () => {
    const page = flagsPage();
    for (const command of commands) {
      const own = page.slice(page.indexOf(`\n### ${command.name}\n`)).split("\n### ")[1] ?? "";
      for (const { flags } of Object.values(optionsOf(command)))
        assert.ok(own.includes(flags), `${command.name} ${flags}`);
    }
  });
});

describe("the schema of config files", () => {
  const schema = optionsSchema(commands.map(optionsOf));
  const takes = (options: unknown): boolean => schema.safeParse(options).success;

  it("has every option by its name, with its help", () => {
    const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
    for (const command of commands) {
      for (const [name, { option }] of configurable(optionsOf(command))) {
        const property = properties[name];
        assert.ok(typeof property === "object" && property.description?.includes(option.help) === true, name);
      }
    }
  });

  it("takes what files may have, and nothing else", () => {
    assert.ok(takes({ beams: 5, "early-stopping": "never", model: ["a", "b"], report: false, "batch-size": "auto" }));
    assert.ok(takes({ threads: [1, 2], "min-duration": "10s", margin: "accuracy=0.5" }));
    assert.ok(!takes({ beams: 0 }));
    assert.ok(!takes({ baems: 5 }));
    assert.ok(!takes({ report: "no" }));
    assert.ok(!takes({ protocol: "papr" }));
  });
});
