/**
 * The calls that a program makes of Node's file system, each passed by an observer before it is made: the observer may let it
 * be, end the process, or throw. Calls that write are two moments: before, and when half of the bytes are written.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

export type FileCall =
  "open" | "read" | "list" | "look" | "make" | "write" | "copy" | "sync" | "rename" | "remove" | "truncate";

export interface Moment {
  readonly call: FileCall;
  readonly path: string;
  /** Half of the bytes are written. */
  readonly isHalf: boolean;
  /** It is a call of an open file, whose errors name no path. */
  readonly isOpen?: boolean;
}

/** null: the call goes on. Otherwise what ends it, by an error that it throws, or by the end of the process. */
export type Observer = (moment: Moment) => (() => never) | null;

/** How many bytes of those asked for one read gives, or one write takes; unset: as many as the system does. */
export interface Portions {
  readonly read?: (asked: number) => number;
  readonly write?: (given: number) => number;
}

/** One read gives and one write takes about half of the bytes asked. */
export const halves: Portions = { read: halfOf, write: halfOf };

function halfOf(bytes: number): number {
  return Math.max(1, bytes >> 1);
}

const promised: Readonly<Record<string, FileCall>> = {
  readFile: "read",
  readdir: "list",
  opendir: "list",
  stat: "look",
  lstat: "look",
  access: "look",
  realpath: "look",
  readlink: "look",
  statfs: "look",
  mkdir: "make",
  mkdtemp: "make",
  symlink: "make",
  link: "make",
  rename: "rename",
  rm: "remove",
  rmdir: "remove",
  unlink: "remove",
};
/** Calls whose second word is the path that is made. */
const namesTwo: ReadonlySet<string> = new Set(["rename", "symlink", "link"]);
const synchronous: Readonly<Record<string, FileCall>> = { readFileSync: "read", openSync: "open", mkdirSync: "make" };
const ofHandles: Readonly<Record<string, FileCall>> = {
  readFile: "read",
  stat: "look",
  sync: "sync",
  datasync: "sync",
  truncate: "truncate",
};

/** Wraps the calls of this thread; the function returned takes the wrapping off. */
export async function watchFileCalls(observe: Observer, { read, write }: Portions = {}): Promise<() => void> {
  const undo: (() => void)[] = [];
  const wrap = (owner: object, name: string, around: (call: PlainCall, given: unknown[]) => unknown): void => {
    const plain: unknown = Reflect.get(owner, name);
    if (typeof plain !== "function") throw new Error(`no call ${name}`);
    const wrapped = function (this: object, ...given: unknown[]): unknown {
      const make = (...changed: unknown[]): unknown => Reflect.apply(plain, this, changed);
      return around({ make, self: this }, given);
    };
    Reflect.set(owner, name, wrapped);
    undo.push(() => void Reflect.set(owner, name, plain));
  };
  const pathOf = new WeakMap<object, string>();
  const handles = await handlePrototype();

  for (const [name, call] of Object.entries(promised)) {
    wrap(fs.promises, name, async ({ make }, given) => {
      observe({ call, path: String(given[namesTwo.has(name) ? 1 : 0]), isHalf: false })?.();
      return await make(...given);
    });
  }
  for (const [name, call] of Object.entries(synchronous)) {
    wrap(fs, name, ({ make }, given) => {
      observe({ call, path: String(given[0]), isHalf: false })?.();
      return make(...given);
    });
  }
  wrap(fs.promises, "open", async ({ make }, given) => {
    observe({ call: "open", path: String(given[0]), isHalf: false })?.();
    const handle = await make(...given);
    if (typeof handle === "object" && handle !== null) pathOf.set(handle, String(given[0]));
    return handle;
  });
  for (const name of ["writeFile", "appendFile"]) {
    wrap(fs.promises, name, async ({ make }, [path, content, ...options]) => {
      const whole = bytesOf(content);
      observe({ call: "write", path: String(path), isHalf: false })?.();
      const end = observe({ call: "write", path: String(path), isHalf: true });
      if (end !== null) {
        await make(path, whole.subarray(0, whole.length >> 1), ...options);
        end();
      }
      return await make(path, content, ...options);
    });
    wrap(handles, name, async ({ make, self }, [content, ...options]) => {
      const path = pathOf.get(self) ?? "";
      const whole = bytesOf(content);
      observe({ call: "write", path, isHalf: false, isOpen: true })?.();
      const end = observe({ call: "write", path, isHalf: true, isOpen: true });
      if (end !== null) {
        await make(whole.subarray(0, whole.length >> 1), ...options);
        end();
      }
      return await make(content, ...options);
    });
  }
  wrap(fs.promises, "copyFile", async ({ make }, [from, to, ...options]) => {
    observe({ call: "copy", path: String(to), isHalf: false })?.();
    const end = observe({ call: "copy", path: String(to), isHalf: true });
    if (end !== null) {
      await make(from, to, ...options);
      fs.truncateSync(String(to), fs.statSync(String(to)).size >> 1);
      end();
    }
    return await make(from, to, ...options);
  });
  for (const [name, call] of Object.entries(ofHandles)) {
    wrap(handles, name, async ({ make, self }, given) => {
      observe({ call, path: pathOf.get(self) ?? "", isHalf: false, isOpen: true })?.();
      return await make(...given);
    });
  }
  wrap(handles, "write", async ({ make, self }, given) => {
    const path = pathOf.get(self) ?? "";
    const [buffer, offset = 0, length, position] = given;
    observe({ call: "write", path, isHalf: false, isOpen: true })?.();
    if (!ArrayBuffer.isView(buffer) || typeof offset !== "number") return await make(...given);
    const size = typeof length === "number" ? length : buffer.byteLength - offset;
    const end = observe({ call: "write", path, isHalf: true, isOpen: true });
    if (end !== null) {
      await make(buffer, offset, size >> 1, position);
      end();
    }
    return await make(buffer, offset, write?.(size) ?? size, position);
  });
  wrap(handles, "read", async ({ make, self }, given) => {
    observe({ call: "read", path: pathOf.get(self) ?? "", isHalf: false, isOpen: true })?.();
    const [buffer, offset, length, position] = given;
    if (read === undefined || typeof length !== "number" || length === 0) return await make(...given);
    return await make(buffer, offset, read(length), position);
  });
  // Streams read by it, and give what it throws to their reader.
  wrap(fs, "read", ({ make }, given) => {
    const [descriptor, buffer, offset, length, position, callback] = given;
    if (typeof callback !== "function" || typeof length !== "number") return make(...given);
    try {
      observe({ call: "read", path: streamPath(descriptor), isHalf: false, isOpen: true })?.();
    } catch (error) {
      process.nextTick(callback, error);
      return undefined;
    }
    return make(descriptor, buffer, offset, length === 0 ? 0 : (read?.(length) ?? length), position, callback);
  });
  wrap(fs, "open", ({ make }, given) => {
    const callback = given.at(-1);
    try {
      observe({ call: "open", path: String(given[0]), isHalf: false })?.();
    } catch (error) {
      if (typeof callback !== "function") throw error;
      process.nextTick(callback, error);
      return undefined;
    }
    return make(...given);
  });
  syncBuiltinESMExports();
  return () => {
    for (const each of undo) each();
    syncBuiltinESMExports();
  };
}

interface PlainCall {
  readonly make: (...given: unknown[]) => unknown;
  readonly self: object;
}

async function handlePrototype(): Promise<object> {
  const handle = await fs.promises.open(process.execPath);
  const prototype: unknown = Object.getPrototypeOf(handle);
  await handle.close();
  if (typeof prototype !== "object" || prototype === null) throw new Error("handles have no prototype");
  return prototype;
}

function bytesOf(content: unknown): Uint8Array {
  if (typeof content === "string") return Buffer.from(content);
  if (ArrayBuffer.isView(content)) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  throw new Error("written content that is neither a text nor bytes");
}

function streamPath(descriptor: unknown): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${String(descriptor)}`);
  } catch {
    return ""; // there is no /proc
  }
}
