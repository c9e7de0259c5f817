/** Keyboard shortcuts: single keys outside of text fields, and Esc everywhere. */

export interface Keys {
  readonly single: Readonly<Record<string, () => void>>;
  /** Cancels the running question; returns whether there was one. */
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
    event.preventDefault(); // otherwise the key would be typed into the field that gets the focus
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
