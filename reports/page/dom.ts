/** Finds and makes elements of the page. Text from data sets, models and files is always inserted as text. */

/** null where the page has no gallery. */
export function element<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind | null {
  const one = document.getElementById(id);
  return one instanceof kind ? one : null;
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

/** A list of names and texts. */
export function linesOf(lines: readonly (readonly [name: string, text: string])[]): HTMLElement {
  const list = create("dl");
  list.append(...lines.flatMap(([name, text]) => [create("dt", "", name), create("dd", "", text)]));
  return list;
}
