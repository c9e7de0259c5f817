/** The commands that can be typed in a conversation; they begin with a slash. */
import { writeFile } from "node:fs/promises";
import type { Conversation } from "../../library/types.ts";
import type { Terminal } from "../terminal.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { checkImage } from "../../own-images/image-files.ts";

const commands: Readonly<Record<string, string>> = {
  "/image": "/image FILE  goes on with another image, and forgets the turns about this one",
  "/reset": "/reset       forgets all turns",
  "/undo": "/undo        takes the last turn back",
  "/save": "/save FILE   writes the turns to a file, as JSON",
  "/help": "/help        lists these",
  "/quit": "/quit        ends; so does the end of input, Ctrl-D",
};

export class ChatCommands {
  readonly #conversation: Conversation;
  readonly #terminal: Terminal;
  readonly #maxPixels: number | null;
  /** Files that this conversation has saved and may overwrite. */
  readonly #saved = new Set<string>();
  image: string;
  isOver = false;
  /** Number of dropped turns that the user was told about. */
  droppedTurns = 0;

  constructor(
    conversation: Conversation,
    { image, terminal, maxPixels }: { image: string; terminal: Terminal; maxPixels: number | null },
  ) {
    this.#conversation = conversation;
    this.#terminal = terminal;
    this.#maxPixels = maxPixels;
    this.image = image;
  }

  /** Throws a UsageError. */
  async perform(line: string): Promise<void> {
    const [command = "", ...words] = line.split(/\s+/);
    const rest = line.slice(command.length).trim();
    if (!(command in commands)) throw unknownName(command, "command", { name: command, names: Object.keys(commands) });
    const takesFile = command === "/image" || command === "/save";
    if (takesFile && rest === "") throw new UsageError(`${command}: found no file, expected one behind it.`);
    if (!takesFile && words.length > 0)
      throw new UsageError(`${command}: found "${rest}", expected nothing behind it.`);
    if (command === "/image") await this.#changeImage(rest);
    else if (command === "/save") await this.#save(rest);
    else if (command === "/reset") this.#reset();
    else if (command === "/undo") this.#undo();
    else if (command === "/help") this.#terminal.message(Object.values(commands).join("\n"));
    else this.isOver = true;
  }

  async #changeImage(path: string): Promise<void> {
    const { error, note } = await checkImage(path, this.#maxPixels);
    if (error !== null) throw new UsageError(error);
    if (note !== null) this.#terminal.note(note);
    this.#conversation.image(path);
    this.image = path;
    this.droppedTurns = 0;
    this.#terminal.note(`Now about ${path}; the turns before are forgotten.`);
  }

  async #save(path: string): Promise<void> {
    const turns = this.#conversation.turns.length;
    const content = `${JSON.stringify(this.#conversation, null, 2)}\n`;
    await writeFile(path, content, { flag: this.#saved.has(path) ? "w" : "wx" }).catch((cause: unknown) => {
      const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
      const why = isThere
        ? "is there already, and is not written over. Name another file."
        : `cannot be written (${String(cause)}).`;
      throw new UsageError(`/save: ${path} ${why}`, { cause });
    });
    this.#saved.add(path);
    this.#terminal.note(`${path}: ${turns} ${turns === 1 ? "turn" : "turns"}.`);
  }

  #reset(): void {
    this.#conversation.reset();
    this.droppedTurns = 0;
    this.#terminal.note("All turns are forgotten.");
  }

  #undo(): void {
    const turn = this.#conversation.undo();
    this.#terminal.note(turn === null ? "There is no turn to take back." : `Taken back: ${turn.question}`);
  }
}
