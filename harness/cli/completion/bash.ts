/** Completion for bash 3.2 and later. The script contains all names, so that pressing Tab starts no process. */
import type { CompletedCommand, CompletedOption } from "./completed-commands.ts";

export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name);
  return `# Completion of blip2-bench for bash. Written by: blip2-bench completion bash

_blip2_bench_add() { # what compgen finds, a line each
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@")
}

_blip2_bench_cached() { # names in the Hugging Face cache
  local hub=\${HF_HUB_CACHE:-\${HF_HOME:-$HOME/.cache/huggingface}/hub} folder name
  for folder in "$hub"/models--*; do
    name=\${folder##*/models--}
    [[ -d $folder ]] && printf '%s\\n' "\${name/--//}"
  done
}

_blip2_bench() {
  COMPREPLY=()
  local newline=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local flags= actions= choices= place= list= takes= words= before=
  # Where "=" parts words, --device=c is three of them.
  if [[ $cur == "=" ]]; then cur=; elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if ((COMP_CWORD == 1)); then
    _blip2_bench_add -W "${names.join(" ")} --help --version" -- "$cur"
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(commandCase).join("\n")}
  esac
  if [[ -n $takes ]]; then
    if [[ -n $list && $cur == *,* ]]; then before=\${cur%,*}, cur=\${cur##*,}; fi
    [[ $place == models ]] && choices="$choices$newline$(_blip2_bench_cached)"
    _blip2_bench_add -P "$before" -W "$choices" -- "$cur"
    [[ -n $before || -z $place ]] && return
    [[ $place == files ]] && _blip2_bench_add -f -- "$cur" || _blip2_bench_add -d -- "$cur"
    compopt -o filenames 2> /dev/null
  elif [[ $cur == -* ]]; then
    _blip2_bench_add -W "$flags" -- "$cur"
  elif ((COMP_CWORD == 2)) && [[ -n $actions ]]; then
    _blip2_bench_add -W "$actions" -- "$cur"
  elif [[ -n $words ]]; then
    _blip2_bench_add -f -- "$cur"
    compopt -o filenames 2> /dev/null
  fi
}

complete -F _blip2_bench blip2-bench`;
}

function commandCase({ name, actions, takesWords, options }: CompletedCommand): string {
  const flags = options.flatMap(({ names }) => names.filter((each) => each.startsWith("--")));
  return `    ${name})
      flags="${flags.join(" ")}" actions="${actions.join(" ")}" words=${takesWords ? "1" : ""}
      case $prev in
${options.flatMap(optionCase).join("\n")}
      esac
      ;;`;
}

function optionCase({ names, value }: CompletedOption): readonly string[] {
  if (value === null) return [];
  const { choices, place, isList } = value;
  const facts = ["takes=1", ...(choices.length > 0 ? [`choices="${choices.join(" ")}"`] : [])];
  if (place !== null) facts.push(`place=${place}`);
  if (isList) facts.push("list=1");
  return [`        ${names.join(" | ")}) ${facts.join(" ")} ;;`];
}
