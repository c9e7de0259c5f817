/** `blip2-bench completion`: prints a script with which a shell completes commands, options and their values. */
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { bashScript } from "../completion/bash.ts";
import { completedCommands } from "../completion/completed-commands.ts";
import { zshScript } from "../completion/zsh.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode } from "../exit-code.ts";

const scripts = { bash: bashScript, zsh: zshScript } as const;
const shells = Object.keys(scripts) as (keyof typeof scripts)[]; // Object.keys loses the type of the keys

/** Gives the exit code. */
export function completion(
  _values: object,
  [word]: readonly string[],
  { catalog, commands, terminal }: Surroundings,
): Promise<number> {
  if (word === undefined) throw new UsageError("completion: found no shell, expected bash or zsh.");
  const shell = shells.find((one) => one === word);
  if (shell === undefined) throw unknownName(`completion ${word}`, "shell", { name: word, names: shells });
  terminal.result(scripts[shell](completedCommands(commands, catalog)));
  return Promise.resolve(completeCode);
}
