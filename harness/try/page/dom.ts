/**
 * Helpers that find and make elements of the page. Text from users, models and files is always inserted as text, never
 * as markup.
 */

/** An element that index.html is known to contain. */
export function element<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind {
  const one = document.getElementById(id);
  if (one instanceof kind) return one;
  throw new Error(`#${id}: not in the page, or another element`);
}

export function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = "",
  text = "",
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

export function button(text: string, onClick: () => void, label = ""): HTMLButtonElement {
  const made = create("button", "", text);
  made.type = "button";
  if (label !== "") made.ariaLabel = label;
  made.addEventListener("click", onClick);
  return made;
}
