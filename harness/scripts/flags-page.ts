/** Makes docs/flags.md: the options of every command, as its help prints them. */
import { commands } from "../cli/command.ts";
import { helpOf } from "../cli/command-line.ts";
import { commandGroups } from "../cli/declared-command.ts";

const beginning = `# Commands and flags

Made from the commands' own help by \`npm run docs:flags\`; do not edit. \`blip2-bench <command> --help\` says the same.

- **Spelling.** \`--batch-size 4\`, \`--batch-size=4\` and \`--batch_size 4\` are one. A list is given with commas, or with its flag
  several times.
- **Options in a file.** \`--config eval.yaml\` reads options from YAML, for git: a line for each, by its long name without the
  hyphens before it. What is typed wins over the file, and of two files the later one. Switches are \`true\` or \`false\`;
  \`--no-report\` is \`report: false\`, and \`--report\` or \`--no-quiet\` on the command line wins over a file's. **Paths in a file are relative to the folder the command runs in**, as typed ones are: a file
  is flags that are written down. What stands behind a command's name (images, folders) is no option and is typed.
  \`--print-config\` writes such a file of what is given. Editors that know JSON Schema check it by
  [schemas/options.schema.json](schemas/options.schema.json).
- **The gate's margins.** \`gate --config margins.json\` names its margins, as always; a file whose name ends in \`.yaml\` or \`.yml\`
  holds options there, too, and names the margins as \`config: margins.json\`.
- **Completion.** \`blip2-bench completion bash\` and \`completion zsh\` print a script. Write it where
  they look for one, \`~/.local/share/bash-completion/completions/blip2-bench\` or \`_blip2-bench\` in a folder of zsh's \`fpath\`,
  or have a shell read it at its start: \`eval "$(blip2-bench completion bash)"\`. It knows commands, options, tasks, checkpoints (those in the Hugging Face cache as well), precisions, splits and devices, and
  starts no program when a key is pressed; write it anew after an update.
`;

const example = `An example of a file, \`eval.yaml\` for \`blip2-bench run --config eval.yaml\`:

\`\`\`yaml
# yaml-language-server: $schema=node_modules/blip2-bench/docs/schemas/options.schema.json
model: [shapes-opt-small, shapes-opt-base]
tasks: vqav2
precision: [fp32, "language=int4,vision=int8"]
limit: 100
report: false
\`\`\`
`;

/** The text of the whole page. */
export function flagsPage(): string {
  const helps = commandGroups.flatMap((group) => [
    `## ${group}`,
    ...commands
      .filter((command) => command.group === group)
      .map((command) => `### ${command.name}\n\n\`\`\`text\n${helpOf(command, { commands, version: "" })}\`\`\``),
  ]);
  const all = `\`\`\`text\n${helpOf(null, { commands, version: "" })}\`\`\``;
  return `${[beginning.trimEnd(), example.trimEnd(), all, ...helps].join("\n\n")}\n`;
}
