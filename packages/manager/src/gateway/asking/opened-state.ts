/** What the `requestState` of a client that comes again says: where it goes, and what its server is to be given back. No more than that. */

/** What a state says. */
export type RequestState =
  | {
      readonly kind: "upstream";
      readonly server: string;
      /** The server's `uid`: the state is nothing to one that is made again under its name. */
      readonly uid: string;
      readonly revision: string;
      /** The server's own state as a JSON string token; undefined when it gave none. */
      readonly state: string | undefined;
    }
  | { readonly kind: "parked"; readonly server: string; readonly revision: string | undefined; readonly name: string };

/** What a state says that comes back; `expired`: it was good once. */
export type OpenedState = RequestState | "expired";
