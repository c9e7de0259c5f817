/** How help looks: 80 columns, short and long names in columns of their own, examples below. */
import type { Command } from "commander";

const columns = 80;

/** `examples`: command lines without the program's name. */
export function describeHelp(command: Command, examples: readonly string[] = []): void {
  command.configureHelp({
    helpWidth: columns,
    optionTerm: ({ flags }) => (flags.startsWith("--") ? `    ${flags}` : flags),
    subcommandTerm: (subcommand) => subcommand.name(),
  });
  const lines = examples.map((example) => folded(`npx blip2-bench ${example}`));
  if (lines.length > 0) command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** On one line where it fits, else broken before its flags as a shell takes it. */
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
