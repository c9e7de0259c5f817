/**
 * Work one at a time, and fair: clients take turns, each with its oldest work, so that whoever asks a lot holds up nobody
 * else's next answer.
 */

export interface Place {
  /** Ends the wait; work that has begun looks after it itself. */
  readonly signal: AbortSignal;
  /** Told at once and whenever it changes: how many come first, the one that is worked on included. */
  readonly onPlace: (before: number) => void;
}

interface Ticket extends Place {
  readonly begin: () => Promise<void>;
  before: number | null;
}

/** Why work never began. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
}

export class FairQueue {
  /** By client, in the order of their next turns. */
  readonly #waiting = new Map<string, Ticket[]>();
  readonly #most: number;
  /** The client whose work is done now; null: nobody's. */
  #served: string | null = null;

  /** @param most that may wait */
  constructor({ most }: { readonly most: number }) {
    this.#most = most;
  }

  /** Those that wait. */
  get length(): number {
    return this.#inOrder().length;
  }

  /** Gives what the work gives. Throws a CancelledError where the signal came first, a QueueFullError where too many wait. */
  add<Result>(client: string, place: Place, work: () => Promise<Result>): Promise<Result> {
    if (place.signal.aborted) return Promise.reject(new CancelledError("cancelled before it was queued"));
    if (this.length >= this.#most) {
      return Promise.reject(new QueueFullError(`${this.#most} answers are waited for already. Try again later.`));
    }
    return new Promise((resolve, refuse) => {
      const ticket: Ticket = {
        ...place,
        before: null,
        begin: () => {
          place.signal.removeEventListener("abort", leave);
          return work().then(resolve, refuse);
        },
      };
      const leave = (): void => {
        this.#remove(client, ticket);
        refuse(new CancelledError("cancelled while it waited"));
        this.#tellPlaces();
      };
      place.signal.addEventListener("abort", leave, { once: true });
      this.#waiting.set(client, [...(this.#waiting.get(client) ?? []), ticket]);
      this.#advance();
    });
  }

  #advance(): void {
    const [next] = this.#waiting;
    if (this.#served === null && next !== undefined) {
      const [client, [ticket, ...others]] = next;
      if (others.length > 0) this.#waiting.set(client, others);
      else this.#waiting.delete(client);
      this.#served = client;
      void ticket?.begin().finally(() => {
        const more = this.#waiting.get(client);
        if (more !== undefined && this.#waiting.delete(client)) this.#waiting.set(client, more); // behind all others
        this.#served = null;
        this.#advance();
      });
    }
    this.#tellPlaces();
  }

  #tellPlaces(): void {
    for (const [index, ticket] of this.#inOrder().entries()) {
      const before = index + (this.#served === null ? 0 : 1);
      if (ticket.before !== before) ticket.onPlace(before);
      ticket.before = before;
    }
  }

  /** As they will be worked on, if nobody else comes. */
  #inOrder(): readonly Ticket[] {
    const entries = [...this.#waiting];
    const isServed = ([client]: (typeof entries)[number]): boolean => client === this.#served;
    const clients = [...entries.filter((each) => !isServed(each)), ...entries.filter(isServed)].map(([, all]) => all);
    const rounds = Math.max(0, ...clients.map((tickets) => tickets.length));
    return Array.from({ length: rounds }, (_, round) => clients.flatMap((tickets) => tickets[round] ?? [])).flat();
  }

  #remove(client: string, ticket: Ticket): void {
    const left = (this.#waiting.get(client) ?? []).filter((each) => each !== ticket);
    if (left.length > 0) this.#waiting.set(client, left);
    else this.#waiting.delete(client);
  }
}
