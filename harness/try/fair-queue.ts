/**
 * A fair queue that does one piece of work at a time: clients take turns, each with its oldest work, so that a client
 * with many requests delays the next answer of another client by one piece of work only.
 */

export interface Place {
  /** Removes the work from the queue when aborted; work that has begun must watch the signal itself. */
  readonly signal: AbortSignal;
  /** Called at once and after every change with the number of pieces of work ahead, the running one included. */
  readonly onPlace: (before: number) => void;
}

interface Ticket extends Place {
  readonly begin: () => Promise<void>;
  before: number | null;
}

/** The work was cancelled before it ended. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
}

export class FairQueue {
  /** Waiting work by client, in the order in which clients get their next turn. */
  readonly #waiting = new Map<string, Ticket[]>();
  readonly #most: number;
  /** The client whose work is running; null: the queue is idle. */
  #served: string | null = null;

  /** @param most the most pieces of work that may wait */
  constructor({ most }: { readonly most: number }) {
    this.#most = most;
  }

  /** Number of pieces of work that wait. */
  get length(): number {
    return this.#inOrder().length;
  }

  /**
   * Returns the result of the work. Throws a CancelledError where the signal was aborted before the work began, a
   * QueueFullError where too many wait.
   */
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

  /** The waiting work in the order in which it will be done if no more is added. */
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
