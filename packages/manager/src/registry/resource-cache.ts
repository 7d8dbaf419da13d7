/**
 * What an informer knows of one kind: its resources by name, in order, and by the server that they belong to. Lists are made when
 * they are asked for and kept until something in them changes. It never reads a store and tells nobody.
 */
import type { Parts } from "./codec.ts";
import type { AnyResource, Kind } from "./kinds.ts";

interface Entry<R extends AnyResource> {
  readonly parts: Parts;
  /** Undefined when it can't be read. */
  readonly resource: R | undefined;
}

export class ResourceCache<R extends AnyResource> {
  readonly #kind: Kind<R>;
  readonly #entries = new Map<string, Entry<R>>();
  /** No server is in it that nothing belongs to. */
  readonly #byServer = new Map<string, readonly R[]>();
  /** Every name in order; undefined since one came or went. */
  #order: readonly string[] | undefined;
  /** Undefined since the last change. */
  #list: readonly R[] | undefined;

  constructor(kind: Kind<R>) {
    this.#kind = kind;
  }

  get names(): Iterable<string> {
    return this.#entries.keys();
  }

  get(name: string): R | undefined {
    return this.#entries.get(name)?.resource;
  }

  parts(name: string): Parts | undefined {
    return this.#entries.get(name)?.parts;
  }

  /** All, in order of names; the same array until something changes. */
  list(): readonly R[] {
    this.#order ??= [...this.#entries.keys()].sort();
    return (this.#list ??= this.#order.flatMap((name) => this.get(name) ?? []));
  }

  /** Those of one server, in order of names; none of a kind whose resources belong to no server. */
  ofServer(server: string): readonly R[] {
    return this.#byServer.get(server) ?? [];
  }

  set(name: string, parts: Parts, resource: R | undefined): void {
    this.#regroup(this.get(name), resource);
    if (!this.#entries.has(name)) this.#order = undefined;
    this.#entries.set(name, { parts, resource });
    this.#list = undefined;
  }

  delete(name: string): void {
    this.#regroup(this.get(name), undefined);
    this.#entries.delete(name);
    this.#order = undefined;
    this.#list = undefined;
  }

  #regroup(before: R | undefined, after: R | undefined): void {
    const { serverOf } = this.#kind;
    if (serverOf === undefined) return;
    if (before !== undefined) {
      const server = serverOf(before.spec);
      const others = this.ofServer(server).filter((resource) => resource !== before);
      if (others.length > 0) this.#byServer.set(server, others);
      else this.#byServer.delete(server);
    }
    if (after === undefined) return;
    const server = serverOf(after.spec);
    this.#byServer.set(server, [...this.ofServer(server), after].sort(byName));
  }
}

function byName(a: AnyResource, b: AnyResource): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
