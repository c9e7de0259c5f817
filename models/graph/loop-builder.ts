/**
 * Builds a graph with a loop in it: the operators that compare, choose and repeat, besides those of layers in builder.ts.
 * All are of the ONNX standard.
 */
import { broadcast, GraphBuilder } from "./builder.ts";
import type { Shape, Value } from "./graph.ts";
import type { Dimension } from "./onnx.ts";

/** What goes from one round of a loop to the next. */
export interface Carried {
  readonly initial: Value;
  /** As the body sees it; lengths of named axes may differ from round to round. */
  readonly shape: Shape;
}

/** Carried values by name, and as many more as there are layers. */
export interface Carry<Name extends string, Item> {
  readonly named: Readonly<Record<Name, Item>>;
  readonly listed: readonly Item[];
}

export class LoopBuilder extends GraphBuilder {
  // Comparisons, with numpy's broadcasting, and choices.

  equal(a: Value, b: Value): Value {
    return this.node("Equal", [a, b], "bool", broadcast(a.shape, b.shape));
  }

  less(a: Value, b: Value): Value {
    return this.node("Less", [a, b], "bool", broadcast(a.shape, b.shape));
  }

  and(a: Value, b: Value): Value {
    return this.node("And", [a, b], "bool", broadcast(a.shape, b.shape));
  }

  or(a: Value, b: Value): Value {
    return this.node("Or", [a, b], "bool", broadcast(a.shape, b.shape));
  }

  not(x: Value): Value {
    return this.node("Not", [x], "bool", x.shape);
  }

  /** `a` where the condition holds, else `b`. */
  where(condition: Value, a: Value, b: Value): Value {
    return this.node("Where", [condition, a, b], a.type, broadcast(condition.shape, broadcast(a.shape, b.shape)));
  }

  /** Whether any of these is true: bool [] */
  any(x: Value): Value {
    const most = this.node("ReduceMax", [this.cast(x, "int32")], "int32", [], { keepdims: 0 });
    return this.cast(most, "bool");
  }

  minimum(a: Value, b: Value): Value {
    return this.node("Min", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  subtract(a: Value, b: Value): Value {
    return this.node("Sub", [a, b], a.type, broadcast(a.shape, b.shape));
  }

  // Taking by index.

  /** Along the last axis: x [..., n], indices [..., k] → [..., k] */
  take(x: Value, indices: Value): Value {
    return this.node("GatherElements", [x, indices], x.type, indices.shape, { axis: -1 });
  }

  /** Along the last axis, the values at these indices replaced: x [..., n], indices and values [..., k] → [..., n] */
  replace(x: Value, indices: Value, values: Value): Value {
    return this.node("ScatterElements", [x, indices, values], x.type, x.shape, { axis: -1 });
  }

  /** Rows of each sequence: x [batch, rows, ...], indices [batch, k] → [batch, k, ...] */
  takeRows(x: Value, indices: Value): Value {
    const each = this.reshape(indices, [...indices.shape, 1]);
    return this.node("GatherND", [x, each], x.type, [...indices.shape, ...x.shape.slice(2)], { batch_dims: 1 });
  }

  /** The first `count` of an axis; int64 [1] */
  first(x: Value, axis: number, count: Value, length: Dimension): Value {
    const shape = x.shape.map((own, index) => (index === axis ? length : own));
    return this.node("Slice", [x, this.integers([0]), count, this.integers([axis])], x.type, shape);
  }

  // Repeating.

  /**
   * Rounds of `body` while what it gives as `goOn` (bool []) holds, at least one and at most `rounds` (int64 [1]). `round`
   * is a round's number from 0, int64 []. Gives what the last round carried, in the shapes it had there.
   */
  loop<Name extends string>(
    rounds: Value,
    start: Carry<Name, Carried>,
    body: (g: LoopBuilder, round: Value, carry: Carry<Name, Value>) => Carry<Name, Value> & { readonly goOn: Value },
  ): Carry<Name, Value> {
    const name = this.fresh("Loop");
    const g = new LoopBuilder(name, this);
    const round = g.input(`${name}.round`, [], "int64");
    g.input(`${name}.went_on`, [], "bool");
    const entering = mapCarry(inOrder(start), ({ initial, shape }, own) =>
      g.input(`${name}.${own}`, shape, initial.type),
    );
    const end = body(g, round, entering);

    const last = mapCarry(end, ({ type, shape }, own): Value => ({ name: `${name}.last.${own}`, type, shape }));
    const begin = this.any(this.integers([1]));
    const initials = allOf(start).map(({ initial }) => initial);
    const graph = g.asBody([end.goOn, ...allOf(end)]);
    this.push("Loop", [rounds, begin, ...initials], allOf(last), { body: { graph } }, name);
    return last;
  }

  /** What `then` gives if the condition (bool [1]) holds, else what `otherwise` gives, which has the same names and types. */
  choose<Name extends string>(
    condition: Value,
    then: (g: LoopBuilder) => Readonly<Record<Name, Value>>,
    otherwise: (g: LoopBuilder) => Readonly<Record<Name, Value>>,
  ): Readonly<Record<Name, Value>> {
    const name = this.fresh("If");
    const branch = (part: string, build: typeof then) => {
      const g = new LoopBuilder(`${name}.${part}`, this);
      const carry = { named: build(g), listed: [] };
      return { carry, graph: g.asBody(allOf(carry)) };
    };
    const [yes, no] = [branch("then", then), branch("else", otherwise)];
    const chosen = mapCarry(inOrder(no.carry), ({ type, shape }, own): Value => ({
      name: `${name}.${own}`,
      type,
      shape,
    }));
    const branches = { then_branch: { graph: yes.graph }, else_branch: { graph: no.graph } };
    this.push("If", [condition], allOf(chosen), branches, name);
    return chosen.named;
  }
}

function mapCarry<Name extends string, From, To>(
  { named, listed }: Carry<Name, From>,
  map: (item: From, name: string) => To,
): Carry<Name, To> {
  const entries = Object.entries<From>(named).map(([name, item]) => [name, map(item, name)]);
  return {
    named: Object.fromEntries(entries) as Record<Name, To>,
    listed: listed.map((item, index) => map(item, `listed.${index}`)),
  };
}

/** A loop knows what it carries by its place: the same order in and out, however the records were written down. */
function inOrder<Name extends string, Item>({ named, listed }: Carry<Name, Item>): Carry<Name, Item> {
  const entries = Object.entries<Item>(named).sort(([a], [b]) => (a < b ? -1 : 1));
  return { named: Object.fromEntries(entries) as Record<Name, Item>, listed };
}

function allOf<Item>(carry: Carry<string, Item>): readonly Item[] {
  const { named, listed } = inOrder(carry);
  return [...Object.values(named), ...listed];
}
