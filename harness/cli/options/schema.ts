/** JSON Schema of config files, for editors: the options of all commands, by their long names. */
import * as z from "zod";
import { configurable } from "../config-file.ts";
import type { Options } from "./option.ts";

interface Found {
  readonly schemas: z.ZodType[];
  readonly helps: Set<string>;
}

/** `all`: the options of each command. An option that two commands parse differently accepts both forms. */
export function optionsSchema(all: readonly Options[]): z.ZodType {
  const found = new Map<string, Found>();
  for (const options of all) {
    for (const [name, { option }] of configurable(options)) {
      const { schemas, helps } = found.get(name) ?? { schemas: [], helps: new Set() };
      found.set(name, { schemas, helps });
      const schema = option.kind?.schema ?? z.boolean();
      if (!schemas.some((one) => textOf(one) === textOf(schema))) schemas.push(schema);
      helps.add(option.help);
    }
  }
  const shape = [...found].map(([name, { schemas, helps }]) => {
    const [first = z.unknown(), ...others] = schemas;
    const schema = others.length === 0 ? first : z.union([first, ...others]);
    return [name, schema.describe([...helps].join("; or: ")).optional()] as const;
  });
  return z.strictObject(Object.fromEntries(shape));
}

/** A schema as text without its description, so that equal schemas can be recognised. */
function textOf(schema: z.ZodType): string {
  return JSON.stringify({ ...z.toJSONSchema(schema), description: "" });
}
