/**
 * Packs the columns of a score sheet for a file in git: columns with few distinct values become small integers, rising
 * numbers become steps; then deflate (zlib) and base64. 214,354 questions take about half a megabyte.
 *
 *   integers   whole numbers, or texts of such: steps between neighbours, as varints with zigzag for negative ones
 *   choices    each distinct value once, as JSON; then for every sample the index of its value, as a varint
 *   doubles    numbers with many distinct values: the first bytes of all numbers, then all second bytes, and so on
 */
import { deflateSync, inflateSync } from "node:zlib";
import * as z from "zod";

export type PlainColumn = readonly (string | number)[];
export type ColumnsByName = Readonly<Record<string, PlainColumn>>;

const packedColumn = z.object({
  kind: z.enum(["integers", "choices", "doubles"]),
  /** Whether the values are texts. */
  isText: z.boolean(),
  length: z.int().nonnegative(),
  /** For choices: the distinct values as JSON, deflated, in base64. */
  values: z.string().exactOptional(),
  packed: z.string(),
});

export const packedColumnsSchema = z.record(z.string(), packedColumn);

type PackedColumn = z.infer<typeof packedColumn>;
export type PackedColumns = z.infer<typeof packedColumnsSchema>;

export function packColumns(columns: ColumnsByName): PackedColumns {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, packColumn(column)]));
}

/** Throws an Error that names the column that is broken. */
export function unpackColumns(columns: PackedColumns): ColumnsByName {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      try {
        return [name, unpackColumn(column)];
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`column "${name}" cannot be unpacked: ${reason}`, { cause });
      }
    }),
  );
}

const mostChoices = 0.5; // share of samples: with more distinct values, indices save no space

function packColumn(column: PlainColumn): PackedColumn {
  const isText = typeof column[0] === "string";
  const about = { isText, length: column.length };
  if (column.every(isWhole)) {
    let last = 0;
    const steps = column.map((value) => {
      const step = Number(value) - last;
      last = Number(value);
      return step >= 0 ? 2 * step : -2 * step - 1;
    });
    return { kind: "integers", ...about, packed: deflated(varints(steps)) };
  }
  const places = new Map<string | number, number>();
  for (const value of column) if (!places.has(value)) places.set(value, places.size);
  if (!isText && places.size > mostChoices * column.length) {
    return { kind: "doubles", ...about, packed: deflated(shuffled(Float64Array.from(column, Number))) };
  }
  const values = deflated(Buffer.from(JSON.stringify([...places.keys()])));
  return {
    kind: "choices",
    ...about,
    values,
    packed: deflated(varints(column.map((value) => places.get(value) ?? 0))),
  };
}

/**
 * Whether a value is a whole number, or text of one, that unpacking restores exactly. Zigzag doubles it, which is exact
 * up to 2 ** 53.
 */
function isWhole(value: string | number): boolean {
  const number = Number(value);
  return (
    Math.abs(number) < 2 ** 50 && Number.isInteger(number) && String(number) === String(value) && !Object.is(value, -0)
  );
}

function unpackColumn({ kind, isText, length, values, packed }: PackedColumn): PlainColumn {
  const bytes = inflated(packed);
  if (kind === "doubles") return [...unshuffled(bytes, length)];
  const numbers = readVarints(bytes, length);
  if (kind === "integers") {
    let last = 0;
    const sums = numbers.map((code) => (last += code % 2 === 0 ? code / 2 : -(code + 1) / 2));
    return isText ? sums.map(String) : sums;
  }
  const parsed: unknown = JSON.parse(inflated(values ?? "").toString("utf8"));
  const choices = z.array(isText ? z.string() : z.number()).parse(parsed);
  return numbers.map((place) => {
    const choice = choices[place];
    if (choice === undefined) throw new Error(`found value ${place}, expected one of ${choices.length}`);
    return choice;
  });
}

function deflated(bytes: Uint8Array): string {
  return deflateSync(bytes, { level: 9 }).toString("base64");
}

/** Far more than a column of the largest data set has; deflate can make a thousand bytes of one. */
const mostColumnBytes = 64e6;

function inflated(packed: string): Buffer {
  try {
    return inflateSync(Buffer.from(packed, "base64"), { maxOutputLength: mostColumnBytes });
  } catch (cause) {
    const isTooLong = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    throw new Error(isTooLong ? `it has more than ${mostColumnBytes} bytes` : "it is damaged", { cause });
  }
}

/** Varints: seven bits in each byte, the lowest first; the eighth bit says that more bytes follow. */
function varints(values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = value;
    while (rest >= 128) {
      bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

function readVarints(bytes: Uint8Array, length: number): number[] {
  const values: number[] = [];
  let [value, scale] = [0, 1];
  for (const byte of bytes) {
    value += (byte % 128) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    values.push(value);
    [value, scale] = [0, 1];
  }
  if (values.length !== length) throw new Error(`found ${values.length} values, expected ${length}`);
  return values;
}

/**
 * Reorders bytes: first all first bytes, then all second bytes. Those of similar numbers are alike, so they deflate
 * well. Little-endian on every machine.
 */
function shuffled(values: Float64Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (const [place, value] of values.entries()) view.setFloat64(8 * place, value, true);
  const bytes = new Uint8Array(view.buffer);
  return Uint8Array.from(bytes, (_, at) => bytes[8 * (at % values.length) + Math.floor(at / values.length)]!);
}

function unshuffled(bytes: Uint8Array, length: number): Float64Array {
  if (bytes.length !== 8 * length) throw new Error(`found ${bytes.length} bytes, expected ${8 * length}`);
  const view = new DataView(new ArrayBuffer(8 * length));
  for (const [at, byte] of bytes.entries()) view.setUint8(8 * (at % length) + Math.floor(at / length), byte);
  return Float64Array.from({ length }, (_, place) => view.getFloat64(8 * place, true));
}
