/**
 * Completion for zsh, which shows the help of each option. The script contains all names, so that pressing Tab starts
 * no process.
 */
import type { CompletedCommand, CompletedOption, CompletedValue } from "./completed-commands.ts";

export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef blip2-bench
# Completion of blip2-bench for zsh. Written by: blip2-bench completion zsh

_blip2_bench_models() { # bundled ones, those in the Hugging Face cache, and folders
  local hub=\${HF_HUB_CACHE:-\${HF_HOME:-$HOME/.cache/huggingface}/hub}
  local -a cached
  cached=("$hub"/models--*(N:t))
  _alternative "names:name:($* \${\${cached#models--}/--//})" "folders:folder:_files -/"
}

_blip2_bench() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${escaped(summary)}`)}`).join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(commandCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _blip2_bench ]]; then _blip2_bench "$@"; else compdef _blip2_bench blip2-bench; fi`;
}

function commandCase({ name, actions, takesWords, options }: CompletedCommand): string {
  const specs = [
    ...options.flatMap(optionSpecs),
    ...(actions.length > 0 ? [`1:action:(${actions.join(" ")})`] : []),
    ...(takesWords ? ["*:file:_files"] : []),
  ];
  return `    ${name})
      _arguments \\
${specs.map((spec) => `        ${quoted(spec)}`).join(" \\\n")}
      ;;`;
}

/** A specification for each name of an option. A name excludes the others, unless the option may be repeated. */
function optionSpecs({ names, help, value }: CompletedOption): readonly string[] {
  const before = value?.isList === true ? "*" : `(${names.join(" ")})`;
  return names.map((name) => {
    if (value === null) return `${before}${name}[${escaped(help)}]`;
    const takes = `${name}${name.startsWith("--") ? "=" : "+"}`; // --device=cpu and --device cpu; -mfolder and -m folder
    return `${before}${takes}[${escaped(help)}]:${escaped(value.placeholder)}:${actionOf(value)}`;
  });
}

function actionOf({ choices, place, isList }: CompletedValue): string {
  if (place === "models") return ` _blip2_bench_models ${choices.join(" ")}`;
  if (place !== null) return place === "files" ? "_files" : "_files -/";
  if (choices.length === 0) return " ";
  return isList ? `_sequence compadd - ${choices.join(" ")}` : `(${choices.join(" ")})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, String.raw`\$&`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
