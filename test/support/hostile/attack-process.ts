/** Attacks the form that its first argument names, and tells its parent how far it is: watched-attack.ts. */
import { inspect } from "node:util";
import { attack } from "./form.ts";
import { hostileForms } from "./forms.ts";
import type { Said } from "./watched-attack.ts";

const [name, seed, files] = process.argv.slice(2);
const form = (await hostileForms()).find((each) => each.name === name);
if (form === undefined) throw new Error(`no form ${name}`);

const say = (said: Said): void => void process.send?.(said);
let number = 0;
let startBytes = 0;
const warm = 200; // files until what is loaded once is there
const onFile = (): void => {
  number += 1;
  if (number === warm) startBytes = process.resourceUsage().maxRSS * 1024;
  say({ what: "file", number });
};
try {
  await attack(form, { seed: Number(seed), files: Number(files), onFile });
  say({ what: "done", grownBytes: process.resourceUsage().maxRSS * 1024 - startBytes });
} catch (error) {
  say({ what: "failed", reason: inspect(error) });
}
process.disconnect();
