/**
 * Who wants to hear of which resource: reference counts per (client, server, URI). It says when a server's URI is wanted for the
 * first time and when it no longer is, and finds who hears of an update. It sends nothing and knows no rights. Pure.
 */

/** Hears when the first wants a URI of a server (`isWanted`), and when the last no longer does. */
export type InterestListener = (server: string, uri: string, isWanted: boolean) => void;

/** Clients of any kind; the same object is the same client. */
export class Interest<Who extends object> {
  readonly #onEdge: InterestListener;
  /** Server, URI, client: the URI as that client writes it. */
  readonly #servers = new Map<string, Map<string, Map<Who, string>>>();
  /** The other way round: client, server, URIs. */
  readonly #clients = new Map<Who, Map<string, Set<string>>>();
  #size = 0;

  constructor(onEdge: InterestListener) {
    this.#onEdge = onEdge;
  }

  /** Subscriptions of all clients. */
  get size(): number {
    return this.#size;
  }

  /** Subscriptions of one client. */
  countOf(who: Who): number {
    let count = 0;
    for (const uris of this.#clients.get(who)?.values() ?? []) count += uris.size;
    return count;
  }

  has(who: Who, server: string, uri: string): boolean {
    return this.#clients.get(who)?.get(server)?.has(uri) === true;
  }

  /** Twice is once. `shown` is the URI as this client writes it. */
  add(who: Who, server: string, uri: string, shown: string): void {
    if (this.has(who, server, uri)) return;
    const wanters = ensure(ensure(this.#servers, server, newMap<string, Map<Who, string>>), uri, newMap<Who, string>);
    wanters.set(who, shown);
    ensure(ensure(this.#clients, who, newMap<string, Set<string>>), server, newSet).add(uri);
    this.#size++;
    if (wanters.size === 1) this.#onEdge(server, uri, true);
  }

  /** Nothing when it was not there. */
  remove(who: Who, server: string, uri: string): void {
    const servers = this.#clients.get(who);
    const uris = servers?.get(server);
    if (servers === undefined || uris?.delete(uri) !== true) return;
    if (uris.size === 0) servers.delete(server);
    if (servers.size === 0) this.#clients.delete(who);
    this.#size--;
    const wanted = this.#servers.get(server);
    const wanters = wanted?.get(uri);
    wanters?.delete(who);
    if (wanters?.size !== 0) return;
    wanted?.delete(uri);
    if (wanted?.size === 0) this.#servers.delete(server);
    this.#onEdge(server, uri, false);
  }

  /** All of one client. */
  removeClient(who: Who): void {
    const servers = [...(this.#clients.get(who) ?? [])];
    for (const [server, uris] of servers) for (const uri of [...uris]) this.remove(who, server, uri);
  }

  /** All that is wanted of one server. */
  removeServer(server: string): void {
    const wanted = [...(this.#servers.get(server) ?? [])];
    for (const [uri, wanters] of wanted) for (const who of [...wanters.keys()]) this.remove(who, server, uri);
  }

  /** How many URIs are wanted of a server. */
  wantedOf(server: string): number {
    return this.#servers.get(server)?.size ?? 0;
  }

  /** What is wanted of a server. */
  urisOf(server: string): Iterable<string> {
    return this.#servers.get(server)?.keys() ?? [];
  }

  /**
   * Who hears that `uri` was updated, each with the URI as it writes it. An update may be of a part of what was subscribed to
   * (schema, `ResourceUpdatedNotification`): what stands below a URI at a slash belongs to it.
   */
  hearers(server: string, uri: string): ReadonlyMap<Who, string> {
    const wanted = this.#servers.get(server);
    const exact = wanted?.get(uri);
    const found = new Map(exact);
    if (wanted === undefined || wanted.size === (exact === undefined ? 0 : 1)) return found;
    for (const parent of parentsOf(uri)) {
      for (const [who, shown] of wanted.get(parent) ?? []) {
        if (!found.has(who)) found.set(who, shown + uri.slice(parent.length));
      }
    }
    return found;
  }
}

/** A URI of more levels than this is looked up by its nearest ones. */
const levelsMax = 32;

/** The URIs that `uri` lies below, the nearest first, each with and without its closing slash. */
function parentsOf(uri: string): string[] {
  const parents: string[] = [];
  const authorityAt = uri.indexOf("://");
  const pathAt = authorityAt < 0 ? uri.indexOf(":") + 1 : authorityAt + 3;
  let at = uri.lastIndexOf("/");
  for (let level = 0; level < levelsMax && at > pathAt; level++) {
    if (at + 1 < uri.length) parents.push(uri.slice(0, at + 1));
    parents.push(uri.slice(0, at));
    at = uri.lastIndexOf("/", at - 1);
  }
  return parents;
}

function ensure<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

function newMap<K, V>(): Map<K, V> {
  return new Map();
}

function newSet(): Set<string> {
  return new Set();
}
