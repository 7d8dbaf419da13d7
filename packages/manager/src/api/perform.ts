/**
 * One asked operation from its permission to its audit entry, the same whichever door it came through. Doors read what was sent and
 * write out what is answered; they decide nothing that stands here.
 */
import { eventStreamType, ManagerError, operations as table } from "@mcp-manager/api";
import type { OperationName, Principal } from "@mcp-manager/api";
import type { Audit } from "../telemetry/audit.ts";
import { auditEntry } from "./audit-entry.ts";
import type { Operations } from "./operations.ts";
import type { Authorizer } from "./ports.ts";
import type { OperationReply, OperationRequest } from "./request.ts";
import { demand } from "./request.ts";
import { Vouched, type Vouching } from "./vouched.ts";

/** What every door shares. */
export interface PerformOptions {
  readonly operations: Operations;
  readonly authorizer: Authorizer;
  /** Where changes, and what was refused, are noted. Default: nowhere. */
  readonly audit?: Pick<Audit, "record">;
  /** Ends what goes on once no key stands for who asked. Default: only they do. */
  readonly vouching?: Vouching;
  /** Hears of failures that are ours (`internal`): the caller is only told that there was one. */
  readonly onFailure: (operation: OperationName, error: ManagerError) => void;
}

/** Who asks for what. */
export interface Asking {
  readonly name: OperationName;
  /** Path parameters, decoded. */
  readonly path: Readonly<Record<string, string>>;
  readonly principal: Principal;
  /** Where from, for the audit. */
  readonly address: string | undefined;
}

/**
 * Does the operation when the principal may: reads what else was sent by `read` only then, and gives the reply to `send`, whose end
 * is the operation's. Notes the outcome. Rejects with a ManagerError, noted and reported already.
 */
export async function perform(
  asking: Asking,
  read: () => Promise<Omit<OperationRequest, "path" | "principal">>,
  send: (reply: OperationReply) => Promise<void> | void,
  options: PerformOptions,
): Promise<void> {
  const { name, path, principal } = asking;
  const operation = table[name];
  const note = (failure?: ManagerError): void => {
    const entry = auditEntry({ ...asking, operation }, failure);
    if (entry !== undefined) options.audit?.record(entry);
  };
  try {
    const { permission, summary } = operation;
    if (permission !== undefined) demand(options.authorizer, principal, permission, `do this: ${summary}`);
    const given = await read();
    const goesOn = operation.answers.some(({ types }) => types?.includes(eventStreamType));
    if (!goesOn || options.vouching === undefined)
      await send(await options.operations[name]({ ...given, path, principal }));
    else {
      using vouched = new Vouched(options.vouching, principal, given.signal);
      await send(await options.operations[name]({ ...given, path, principal, signal: vouched.signal }));
      vouched.check();
    }
  } catch (error) {
    const failure = ManagerError.from(error);
    note(failure);
    if (failure.code === "internal") options.onFailure(name, failure);
    throw failure;
  }
  note();
}
