/** Single keys, outside of text fields; Esc everywhere. */

export interface Keys {
  readonly single: Readonly<Record<string, () => void>>;
  /** Whether there was something to end. */
  readonly onEscape: () => boolean;
}

export function listenToKeys({ single, onEscape }: Keys): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isInDialog()) return;
    if (event.key === "Escape") {
      if (onEscape()) event.preventDefault();
      else if (isField(event.target)) event.target.blur();
      return;
    }
    if (isField(event.target)) return;
    const action = Object.hasOwn(single, event.key) ? single[event.key] : undefined;
    if (action === undefined) return;
    event.preventDefault(); // the key itself is not typed into the field that gets the focus
    action();
  });
}

function isField(target: EventTarget | null): target is HTMLElement {
  if (target instanceof HTMLInputElement) return target.type !== "checkbox" && target.type !== "file";
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function isInDialog(): boolean {
  return document.querySelector("dialog[open]") !== null;
}
