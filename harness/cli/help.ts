/** The layout of help: 80 columns, short and long names in separate columns, examples at the end. */
import type { Command } from "commander";

const columns = 80;

/** Sets the layout of a command's help. `examples`: command lines without the program's name. */
export function describeHelp(command: Command, examples: readonly string[] = []): void {
  command.configureHelp({
    helpWidth: columns,
    optionTerm: ({ flags }) => (flags.startsWith("--") ? `    ${flags}` : flags),
    subcommandTerm: (subcommand) => subcommand.name(),
  });
  const lines = examples.map((example) => folded(`npx blip2-bench ${example}`));
  if (lines.length > 0) command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** An example on one line if it fits; otherwise broken before its flags with backslashes, as a shell accepts it. */
function folded(example: string): string {
  const lines: string[] = [];
  for (const part of example.split(/ (?=-)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length + " ".length < columns - " \\".length)
      lines.push(`${lines.pop() ?? ""} ${part}`);
    else lines.push(`${last === undefined ? "  " : "      "}${part}`);
  }
  return lines.join(" \\\n");
}
