/**
 * Cursors of the manager's own lists: where a page ended, sealed, so that it comes back as it was given, to the same principal,
 * for the same list of the same endpoint, within an hour. They say a place in an order and nothing of what is kept, so any
 * instance can open them and they stay right when lists change. Nothing is kept.
 * Source: specification 2026-07-28, server/utilities/pagination.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { ListMember } from "../../protocol/methods.ts";
import type { Principal } from "../../security/principal.ts";
import type { Sealer } from "../../security/seal.ts";
import { type View, viewKey } from "../view.ts";

/** A place in a list: behind this item of this server, whether it is still there or not. */
export interface Position {
  readonly server: string;
  /** The revision whose list that is; undefined for a server without a route. */
  readonly revision?: string | undefined;
  /** `placeOf` the item's own name or URI. */
  readonly place: string;
}

/** The list that a cursor belongs to, and whose it is. */
interface CursorOwner {
  readonly view: View;
  readonly member: ListMember;
  readonly principal: Principal;
}

/** As it is sealed; short names because it travels. */
interface Sealed {
  readonly w: string;
  readonly m: ListMember;
  readonly p: string;
  readonly s: string;
  readonly r?: string | undefined;
  readonly k: string;
}

const sealContext = "mcp-cursor";
/** Long enough for somebody who looks at one page before asking for the next. */
const cursorLifeMs = 60 * 60_000;
/** Of a longer name the beginning and a digest say the place, so that every cursor stays short. */
const placeLengthMax = 1_024;

/** Where an item stands among the items of its server: text that orders them, the same on every instance. */
export function placeOf(key: string): string {
  if (key.length <= placeLengthMax) return key;
  return `${key.slice(0, placeLengthMax)} ${createHash("sha256").update(key).digest("base64url")}`;
}

/** Seals and opens cursors; both take some ten microseconds. */
export class ListCursors {
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor(sealer: Sealer, clock: Clock) {
    this.#sealer = sealer;
    this.#clock = clock;
  }

  /** Letters, digits, `-` and `_`. */
  seal({ view, member, principal }: CursorOwner, { server, revision, place }: Position): string {
    const sealed: Sealed = { w: viewKey(view), m: member, p: principal.hash, s: server, r: revision, k: place };
    return this.#sealer.seal(sealContext, sealed, this.#clock.wallMs() + cursorLifeMs);
  }

  /** Undefined for whatever was not given to this principal for this list within the hour. */
  open({ view, member, principal }: CursorOwner, text: string): Position | undefined {
    const sealed = this.#sealer.open(sealContext, text) as Sealed | undefined;
    if (sealed?.w !== viewKey(view) || sealed.m !== member || sealed.p !== principal.hash) return undefined;
    return { server: sealed.s, revision: sealed.r, place: sealed.k };
  }
}
