/** A command whose stderr is a terminal of so many columns, and which may lose it. By Python, for Node has no such thing. */
import { spawnSync } from "node:child_process";
import { environment } from "./command-process.ts";
import { hangMs } from "./project.ts";

export interface OnTerminal {
  readonly command: string;
  readonly words: readonly string[];
  readonly columns: number;
  /** The terminal goes away as soon as it shows this; unset: it stays. */
  readonly goneAt?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface EndedOnTerminal {
  /** Below 0: the signal that ended it. */
  readonly code: number;
  /** All that was written to the terminal. */
  readonly shown: string;
}

const program = `
import fcntl, json, os, pty, select, struct, subprocess, sys, termios
asked = json.loads(sys.argv[1])
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, asked["columns"], 0, 0))
child = subprocess.Popen(asked["command"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, start_new_session=True)
os.close(slave)
shown = b""
while True:
    ready, _, _ = select.select([master], [], [], 0.1)
    if ready:
        try: piece = os.read(master, 65536)
        except OSError: break
        if not piece: break
        shown += piece
        if asked["goneAt"] and asked["goneAt"].encode() in shown:
            os.close(master)
            break
    elif child.poll() is not None: break
print(json.dumps({"code": child.wait(), "shown": shown.decode("utf-8", "replace")}))
`;

export function isPythonThere(): boolean {
  return spawnSync("python3", ["-c", "import pty"]).status === 0;
}

export function onTerminal(folder: string, { command, words, columns, goneAt, env = {} }: OnTerminal): EndedOnTerminal {
  const asked = { command: [process.execPath, command, ...words], columns, goneAt: goneAt ?? null };
  const { stdout, stderr } = spawnSync("python3", ["-c", program, JSON.stringify(asked)], {
    cwd: folder,
    encoding: "utf8",
    timeout: hangMs,
    env: environment(folder, { TERM: "xterm-256color", ...env }),
  });
  const ended: unknown = JSON.parse(stdout === "" ? JSON.stringify({ code: 999, shown: stderr }) : stdout);
  if (typeof ended === "object" && ended !== null && "code" in ended && "shown" in ended) {
    return { code: Number(ended.code), shown: String(ended.shown) };
  }
  throw new Error(stderr);
}
