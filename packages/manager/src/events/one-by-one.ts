/**
 * Items that come in batches, one by one. What is there costs a promise and no more, which a generator's `yield` is several times: every
 * event goes this way once for each reader.
 */

/** The items of `batches`, in order; ends with them. Whoever leaves early ends them. */
export class OneByOne<Item> implements AsyncIterableIterator<Item, undefined, undefined> {
  readonly #batches: AsyncGenerator<readonly Item[], void, undefined>;
  #batch: readonly Item[] = [];
  #next = 0;

  constructor(batches: AsyncGenerator<readonly Item[], void, undefined>) {
    this.#batches = batches;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    const value = this.#batch[this.#next];
    if (value === undefined) return this.#more();
    this.#next += 1;
    return Promise.resolve({ done: false, value });
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#batch = [];
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #more(): Promise<IteratorResult<Item, undefined>> {
    for (;;) {
      const { done, value: batch } = await this.#batches.next();
      if (done === true) return { done, value: undefined };
      this.#batch = batch;
      this.#next = 1;
      const [value] = batch;
      if (value !== undefined) return { done: false, value };
    }
  }
}
