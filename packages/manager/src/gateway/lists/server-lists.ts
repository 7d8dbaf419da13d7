/**
 * The lists of one server by revision, and which of them stands for the server where no revision is named: the stable one's while it has
 * a route, else the newest one's whose replicas are there. Where there is no route, what is shown stays until what is to be shown in its
 * place is known, so that a list never empties. Fetches nothing itself.
 */
import type { Route } from "@mcp-manager/api";
import type { ListMember } from "../../protocol/methods.ts";
import { hasLeft } from "../routing/revision-of.ts";
import { hasSameItems, KeptList, type ListKeeper, type ListSource } from "./kept-list.ts";
import { newestRevision } from "./newest-revision.ts";

type Lists = Readonly<Record<ListMember, KeptList>>;

/** Every list that a server can have. */
export const listMembers: readonly ListMember[] = ["tools", "prompts", "resources", "resourceTemplates"];

export class ServerLists implements Disposable {
  readonly #server: string;
  readonly #source: ListSource;
  readonly #keeper: ListKeeper;
  readonly #byRevision = new Map<string, Lists>();
  #route: Route | undefined;
  /** What stands for the server. */
  readonly #shown: Record<ListMember, KeptList>;

  constructor(server: string, route: Route | undefined, source: ListSource, keeper: ListKeeper) {
    this.#server = server;
    this.#source = source;
    this.#keeper = keeper;
    this.#route = route;
    this.#shown = { ...this.#make(undefined) };
    this.reseat();
  }

  /** The route that was followed last. */
  get route(): Route | undefined {
    return this.#route;
  }

  /** Follows another route: what stands for the server may be another list. Gives those that offer something else than what did. */
  follow(route: Route | undefined): readonly KeptList[] {
    this.#route = route;
    const others = this.reseat();
    this.tidy();
    return others;
  }

  /** Revisions of which something is kept. */
  get revisions(): Iterable<string> {
    return this.#byRevision.keys();
  }

  /** The list of a revision, else the one that stands for the server; undefined when nothing was ever known of that revision. */
  find(member: ListMember, revision: string | undefined): KeptList | undefined {
    return revision === undefined ? this.#shown[member] : this.#byRevision.get(revision)?.[member];
  }

  /** The same, begun when it is not there. */
  of(member: ListMember, revision: string | undefined): KeptList {
    return revision === undefined ? this.#shown[member] : this.#of(revision)[member];
  }

  /** The one to be asked for: where none stands for the server that should, that. */
  wanted(member: ListMember, revision: string | undefined): KeptList {
    const current = revision ?? this.#current();
    return current === undefined ? this.#shown[member] : this.#of(current)[member];
  }

  /** Sees again what stands for the server; gives those lists that took the place of one that offered something else. */
  reseat(): readonly KeptList[] {
    const current = this.#current();
    if (current === undefined) return [];
    return listMembers.flatMap((member) => {
      const shown = this.#shown[member];
      const next = this.#of(current)[member];
      const isAwaited = this.#route === undefined && next.whole === undefined && shown.whole !== undefined;
      if (next === shown || isAwaited) return [];
      this.#shown[member] = next;
      return next.whole === undefined || hasSameItems(shown.byKey, next.whole) ? [] : [next];
    });
  }

  /** Forgets revisions that nobody is sent to, of which no replica is left, and which stand for nothing. */
  tidy(): void {
    const attached = new Set(this.#source.upstreams.replicas(this.#server).map(({ revision }) => revision));
    const route = this.#route;
    const shown = new Set(Object.values(this.#shown));
    for (const [revision, lists] of this.#byRevision) {
      const isRouted = route !== undefined && !hasLeft({ revisions: route }, revision);
      if (isRouted || attached.has(revision) || listMembers.some((member) => shown.has(lists[member]))) continue;
      this.#byRevision.delete(revision);
      for (const member of listMembers) lists[member][Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    for (const lists of this.#byRevision.values()) for (const member of listMembers) lists[member][Symbol.dispose]();
  }

  #current(): string | undefined {
    return this.#route?.stable ?? newestRevision(this.#source.upstreams.replicas(this.#server));
  }

  #of(revision: string): Lists {
    let lists = this.#byRevision.get(revision);
    if (lists === undefined) this.#byRevision.set(revision, (lists = this.#make(revision)));
    return lists;
  }

  #make(revision: string | undefined): Lists {
    const make = (member: ListMember): KeptList =>
      new KeptList({ server: this.#server, revision, member }, this.#source, this.#keeper);
    return {
      tools: make("tools"),
      prompts: make("prompts"),
      resources: make("resources"),
      resourceTemplates: make("resourceTemplates"),
    };
  }
}
