/**
 * The settings of text generation, in a part of the page that unfolds. Unset: the paper's, and for chat those of the
 * authors' example.
 */
import type { Decoding, WorkKind } from "../wire.ts";
import { element } from "./dom.ts";

export interface How {
  readonly decoding: () => Decoding;
  readonly showMode: (mode: WorkKind) => void;
}

export function makeHow(): How {
  const summary = element("how-words", HTMLElement);
  const draw = element("draw", HTMLInputElement);
  const numbers = {
    beams: element("beams", HTMLInputElement),
    tokens: element("tokens", HTMLInputElement),
    temperature: element("temperature", HTMLInputElement),
    topP: element("top-p", HTMLInputElement),
    seed: element("seed", HTMLInputElement),
  };
  let usual = "";
  const decoding = (): Decoding => ({
    beams: draw.checked ? null : valueOf(numbers.beams),
    maxNewTokens: valueOf(numbers.tokens),
    sampling: draw.checked
      ? {
          temperature: valueOf(numbers.temperature) ?? 1,
          topP: valueOf(numbers.topP) ?? 1,
          seed: valueOf(numbers.seed) ?? 0,
        }
      : null,
  });
  const show = (): void => {
    numbers.beams.disabled = draw.checked;
    for (const input of [numbers.temperature, numbers.topP, numbers.seed]) input.disabled = !draw.checked;
    summary.textContent = describe(decoding()) ?? usual;
  };
  const fold = element("how", HTMLDetailsElement);
  for (const input of [draw, ...Object.values(numbers)]) {
    input.addEventListener("input", show);
    input.addEventListener("invalid", () => {
      fold.open = true; // so that the browser's message about an invalid field is visible
    });
  }
  const showMode = (mode: WorkKind): void => {
    const isChat = mode === "chat";
    usual = isChat ? "greedily, word after word" : "as the paper does";
    // A caption takes 5 beams of a language model, 3 of a Q-Former that writes: both may be asked side by side.
    numbers.beams.placeholder = isChat ? "1, greedy" : mode === "ask" ? "5, as the paper" : "as the paper";
    numbers.tokens.placeholder = isChat ? "30" : "as the paper";
    show();
  };
  return { decoding, showMode };
}

/** The number in a field; null: it is empty or invalid. */
function valueOf(input: HTMLInputElement): number | null {
  return input.value === "" || !input.validity.valid ? null : input.valueAsNumber;
}

/** The settings in words; null: all are at their defaults. */
function describe({ beams, maxNewTokens, sampling }: Decoding): string | null {
  const parts = [
    ...(beams === null ? [] : [beams === 1 ? "greedily" : `with ${beams} beams`]),
    ...(sampling === null
      ? []
      : [`by drawing, temperature ${sampling.temperature}, top p ${sampling.topP}, seed ${sampling.seed}`]),
    ...(maxNewTokens === null ? [] : [`at most ${maxNewTokens} tokens`]),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}
