/**
 * Reads a Python pickle as torch.save writes it: protocol 2, and of its opcodes only those that torch's own safe reader
 * knows (torch/_weights_only_unpickler.py). Nothing is looked up, imported or called.
 */
import { built, knownName, PickleError, PickleTuple, storageOf } from "./pickle-values.ts";
import type { PickleValue } from "./pickle-values.ts";

const HIGHEST_PROTOCOL = 2;
/** The one object that a pickle holds. Throws a PickleError for one that is damaged, or not of this sort. */
export function readPickle(bytes: Buffer): PickleValue {
  return new Unpickler(bytes).read();
}

/** Python's pickle machine: a stack of values, marks in it, and a memo of values that are used again. */
class Unpickler {
  readonly #bytes: Buffer;
  readonly #memo = new Map<number, PickleValue>();
  /** Below each mark, the stack as it was. */
  readonly #below: PickleValue[][] = [];
  #stack: PickleValue[] = [];
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): PickleValue {
    for (;;) {
      const opcode = this.#take(1)[0]!;
      if (opcode === 0x2e) return this.#pop(); // STOP
      this.#perform(opcode);
    }
  }

  #perform(opcode: number): void {
    const value = this.#valueOf(opcode);
    if (value === undefined) this.#act(opcode);
    else this.#stack.push(value);
  }

  /** What an instruction pushes; undefined: it is none that does. Names of instructions as in Python's pickle.py. */
  #valueOf(opcode: number): PickleValue | undefined {
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4a: // BININT
        return this.#take(4).readInt32LE();
      case 0x4b: // BININT1
        return this.#take(1)[0]!;
      case 0x4d: // BININT2
        return this.#take(2).readUInt16LE();
      case 0x8a: // LONG1
        return wholeNumber(this.#take(this.#take(1)[0]!));
      case 0x47: // BINFLOAT
        return this.#take(8).readDoubleBE();
      case 0x58: // BINUNICODE
        return this.#take(this.#take(4).readUInt32LE()).toString("utf8");
      case 0x55: // SHORT_BINSTRING
        return this.#take(this.#take(1)[0]!).toString("latin1");
      case 0x7d: // EMPTY_DICT
        return new Map();
      case 0x5d: // EMPTY_LIST
        return [];
      case 0x29: // EMPTY_TUPLE
        return new PickleTuple([]);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return new PickleTuple(this.#popMany(opcode - 0x84));
      case 0x74: // TUPLE
        return new PickleTuple(this.#popToMark());
      case 0x68: // BINGET
        return this.#remembered(this.#take(1)[0]!);
      case 0x6a: // LONG_BINGET
        return this.#remembered(this.#take(4).readUInt32LE());
      case 0x63: // GLOBAL
        return knownName(this.#line(), this.#line(), this.#at);
      case 0x51: // BINPERSID
        return storageOf(this.#pop());
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [callee, given] = this.#popMany(2);
        return built(callee, given);
      }
      default:
        return undefined;
    }
  }

  #act(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.#checkProtocol(this.#take(1)[0]!);
        break;
      case 0x28: // MARK
        this.#below.push(this.#stack);
        this.#stack = [];
        break;
      case 0x61: // APPEND
        this.#append(this.#popMany(1));
        break;
      case 0x65: // APPENDS
        this.#append(this.#popToMark());
        break;
      case 0x73: // SETITEM
        this.#setItems(this.#popMany(2));
        break;
      case 0x75: // SETITEMS
        this.#setItems(this.#popToMark());
        break;
      case 0x71: // BINPUT
        this.#memo.set(this.#take(1)[0]!, this.#top());
        break;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#take(4).readUInt32LE(), this.#top());
        break;
      case 0x62: // BUILD: only torch's _metadata of an OrderedDict, versions of layers, which no tensor depends on
        this.#pop();
        this.#top();
        break;
      default:
        throw new PickleError(
          `at byte ${this.#at - 1} stands the instruction 0x${opcode.toString(16).padStart(2, "0")}, ` +
            "which torch.save does not write",
        );
    }
  }

  #checkProtocol(protocol: number): void {
    if (protocol <= HIGHEST_PROTOCOL) return;
    throw new PickleError(`it has pickle protocol ${protocol}, expected ${HIGHEST_PROTOCOL}, which torch.save writes`);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length)
      throw new PickleError(`it ends at byte ${this.#bytes.length}, in the middle of a value`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Up to the next line feed, which is not part of it. */
  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end === -1) throw new PickleError(`the name at byte ${this.#at} has no end`);
    const line = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return line;
  }

  #top(): PickleValue {
    const top = this.#stack.at(-1);
    if (top === undefined) throw this.#empty();
    return top;
  }

  #pop(): PickleValue {
    const top = this.#stack.pop();
    if (top === undefined) throw this.#empty();
    return top;
  }

  /** In the order in which they were pushed. */
  #popMany(count: number): PickleValue[] {
    if (this.#stack.length < count) throw this.#empty();
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #popToMark(): PickleValue[] {
    const popped = this.#stack;
    const below = this.#below.pop();
    if (below === undefined) throw this.#empty();
    this.#stack = below;
    return popped;
  }

  #empty(): PickleError {
    return new PickleError(`at byte ${this.#at} it takes a value that it has not given`);
  }

  #append(values: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new PickleError(`at byte ${this.#at} it appends to what is no list`);
    for (const value of values) list.push(value);
  }

  #setItems(values: readonly PickleValue[]): void {
    const dictionary = this.#top();
    if (!(dictionary instanceof Map)) throw new PickleError(`at byte ${this.#at} it sets a key of what is no dict`);
    if (values.length % 2 !== 0) throw new PickleError(`at byte ${this.#at} the last key of a dict has no value`);
    for (let i = 0; i < values.length; i += 2) dictionary.set(values[i]!, values[i + 1]!);
  }

  #remembered(place: number): PickleValue {
    const value = this.#memo.get(place);
    if (value === undefined)
      throw new PickleError(`at byte ${this.#at} it repeats value ${place}, which it has not given`);
    return value;
  }
}

/** Little endian, two's complement. */
function wholeNumber(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0;
  const digits = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
  const value = BigInt.asIntN(8 * bytes.length, digits);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
