/** How text is made: as the paper does unless the fold says otherwise. */
import type { Decoding } from "../wire.ts";
import { element } from "./dom.ts";

export interface How {
  readonly decoding: () => Decoding;
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
    summary.textContent = describe(decoding());
  };
  const fold = element("how", HTMLDetailsElement);
  for (const input of [draw, ...Object.values(numbers)]) {
    input.addEventListener("input", show);
    input.addEventListener("invalid", () => {
      fold.open = true; // where the browser says what is wrong
    });
  }
  show();
  return { decoding };
}

/** null: empty, or no number that the field takes. */
function valueOf(input: HTMLInputElement): number | null {
  return input.value === "" || !input.validity.valid ? null : input.valueAsNumber;
}

function describe({ beams, maxNewTokens, sampling }: Decoding): string {
  const parts = [
    ...(beams === null ? [] : [beams === 1 ? "greedily" : `with ${beams} beams`]),
    ...(sampling === null
      ? []
      : [`by drawing, temperature ${sampling.temperature}, top p ${sampling.topP}, seed ${sampling.seed}`]),
    ...(maxNewTokens === null ? [] : [`at most ${maxNewTokens} tokens`]),
  ];
  return parts.length === 0 ? "as the paper does" : parts.join(", ");
}
