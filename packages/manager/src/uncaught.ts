/**
 * Errors that nobody caught, and rejections that nobody handled: after one, nothing is certain any more, so the manager has to stop.
 * It only hears of them; what to do is up to the run.
 */
export class UncaughtErrors implements Disposable {
  /** Resolves with the first one; the others are likely to follow from it. */
  readonly first: Promise<Error>;
  readonly #heard: (error: unknown) => void;

  /** Listens from here on; Node would end the process at once. */
  constructor() {
    const first = Promise.withResolvers<Error>();
    this.first = first.promise;
    this.#heard = (error) => first.resolve(error instanceof Error ? error : new Error(String(error)));
    // Rejections come here too, since nobody listens for them alone.
    process.on("uncaughtException", this.#heard);
  }

  [Symbol.dispose](): void {
    process.off("uncaughtException", this.#heard);
  }
}
