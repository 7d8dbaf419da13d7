/** One request on a shared pipe, which waits its turn to be written; the server is told that it was given up only if it was. */
import type { ManagerError } from "@mcp-manager/api";
import type { Outgoing } from "./pipe-writer.ts";
import { SharedCall } from "./shared-call.ts";

export class StdioCall extends SharedCall implements Outgoing {
  readonly outlastsStall = false;
  #isTaken = false;

  protected override get isWritten(): boolean {
    return this.#isTaken;
  }

  get size(): number {
    return this.request.bytes.length;
  }

  take(): Buffer | undefined {
    if (this.isOver) return undefined;
    this.#isTaken = true;
    return this.wireBytes();
  }

  unwritten(): void {
    this.#isTaken = false;
  }

  refuse(error: ManagerError): void {
    this.fail(error);
  }

  protected override onCancelled(reason: string): void {
    if (this.#isTaken) this.calls.withdraw(this, reason);
  }
}
