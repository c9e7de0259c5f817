/**
 * The longest match of several patterns at once: a deterministic automaton whose states are made when a text first leads to
 * them, by the subset construction (Rabin and Scott 1959; lazily as in Aho, Sethi and Ullman 1986, section 3.7). One table
 * look-up a character, and no text makes it go back.
 */
import type { Nfa } from "./pattern.ts";

/** A state from which nothing matches any more. */
const dead = -1;
/** A step that was not taken yet. */
const unknown = -2;

/** Classes of characters: characters that no pattern distinguishes are in one class. */
export class CharacterClasses {
  /** The class of every UTF-16 code unit. */
  readonly classOf = new Uint16Array(0x10000);
  readonly count: number;
  /** `[sets][classes]`: whether the set holds the class. */
  readonly members: readonly Uint8Array[];

  constructor(automaton: Nfa) {
    let count = 1;
    for (const ranges of automaton.sets) {
      const split = new Int32Array(count).fill(-1); // members of the set leave their old class together
      for (const [first, last] of ranges) {
        for (let code = first; code <= last; code += 1) {
          const old = this.classOf[code]!;
          if (split[old] === -1) split[old] = count++;
          this.classOf[code] = split[old]!;
        }
      }
    }
    this.count = count;
    this.members = automaton.sets.map((ranges) => {
      const members = new Uint8Array(count);
      for (const [first, last] of ranges) {
        for (let code = first; code <= last; code += 1) members[this.classOf[code]!] = 1;
      }
      return members;
    });
  }
}

/** Matches from one state of an automaton; each of the final states stands for what was matched, a smaller number first. */
export class LongestMatch {
  readonly #automaton: Nfa;
  readonly #classes: CharacterClasses;
  readonly #finals: ReadonlyMap<number, number>;
  /** For each state, the states of the automaton it stands for, sorted. */
  readonly #subsets: (readonly number[])[] = [];
  readonly #numbers = new Map<string, number>();
  /** `[states][classes]`: the next state. Grows by doubling. */
  #next = new Int32Array(0);
  /** For each state, the smallest of its finals; -1: not final. Grows by doubling. */
  #final = new Int32Array(0);
  readonly #start: number;

  constructor(automaton: Nfa, classes: CharacterClasses, ends: { start: number; finals: ReadonlyMap<number, number> }) {
    this.#automaton = automaton;
    this.#classes = classes;
    this.#finals = ends.finals;
    this.#start = this.#stateOf(this.#closure([ends.start]));
  }

  /**
   * The end of the longest match from `from`, and the smallest number of the patterns that match up to there; null:
   * none matches.
   */
  match(text: string, from: number): { readonly end: number; readonly final: number } | null {
    let end = -1;
    let final = -1;
    let state = this.#start;
    const { classOf, count } = this.#classes;
    for (let position = from; position < text.length; position += 1) {
      const characterClass = classOf[text.charCodeAt(position)]!;
      let next = this.#next[state * count + characterClass]!;
      if (next === unknown) next = this.#step(state, characterClass);
      if (next === dead) break;
      state = next;
      if (this.#final[state]! >= 0) {
        end = position + 1;
        final = this.#final[state]!;
      }
    }
    return final < 0 ? null : { end, final };
  }

  /** Every position up to `to` at which a match from `from` may end, the longest last. */
  ends(text: string, from: number, to: number): number[] {
    const ends = this.#final[this.#start]! >= 0 ? [from] : [];
    let state = this.#start;
    const { classOf, count } = this.#classes;
    for (let position = from; position < to; position += 1) {
      const characterClass = classOf[text.charCodeAt(position)]!;
      let next = this.#next[state * count + characterClass]!;
      if (next === unknown) next = this.#step(state, characterClass);
      if (next === dead) break;
      state = next;
      if (this.#final[state]! >= 0) ends.push(position + 1);
    }
    return ends;
  }

  #step(state: number, characterClass: number): number {
    const targets: number[] = [];
    for (const from of this.#subsets[state] ?? []) {
      for (const { set, to } of this.#automaton.edges[from] ?? []) {
        if (this.#classes.members[set]?.[characterClass] === 1) targets.push(to);
      }
    }
    const next = targets.length === 0 ? dead : this.#stateOf(this.#closure(targets));
    this.#next[state * this.#classes.count + characterClass] = next;
    return next;
  }

  /**
   * The states reachable from these without a character, these included; sorted. Only states with edges on characters
   * or that are final are kept.
   */
  #closure(states: readonly number[]): readonly number[] {
    const seen = new Set(states);
    for (const state of seen) {
      for (const next of this.#automaton.empty[state] ?? []) seen.add(next);
    }
    const telling = [...seen].filter((state) => this.#finals.has(state) || this.#automaton.edges[state]?.length !== 0);
    return telling.sort((a, b) => a - b);
  }

  #stateOf(subset: readonly number[]): number {
    const key = subset.join();
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#subsets.push(subset) - 1;
      this.#numbers.set(key, number);
      if (number >= this.#final.length) this.#grow();
      const finals = subset.flatMap((state) => this.#finals.get(state) ?? []);
      this.#final[number] = finals.length === 0 ? -1 : Math.min(...finals);
    }
    return number;
  }

  #grow(): void {
    const states = Math.max(64, 2 * this.#final.length);
    const next = new Int32Array(states * this.#classes.count).fill(unknown);
    next.set(this.#next);
    this.#next = next;
    const final = new Int32Array(states).fill(-1);
    final.set(this.#final);
    this.#final = final;
  }
}
