/** The standard health service: serving as long as `/ready` says so. Knows this door's services by name and nothing of their state. */
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Watched } from "../../base/watched.ts";
import type { Health } from "./gen/grpc/health/v1/health_pb.ts";
import { HealthCheckResponse_ServingStatus as Status } from "./gen/grpc/health/v1/health_pb.ts";
import { MCPManager } from "./gen/mcpmanager/v1/service_pb.ts";

export interface HealthOptions {
  /** Undefined when traffic may come; otherwise why not. */
  readonly readiness: Watched<string | undefined>;
  /** Ends what is being watched. */
  readonly stopping: AbortSignal;
}

/** Watches at once: nobody shows a credential for one. */
const watchesMax = 1_000;

const services: readonly string[] = ["", MCPManager.typeName];

/** The implementation of the service. */
export function healthService({ readiness, stopping }: HealthOptions): ServiceImpl<typeof Health> {
  let watches = 0;
  const current = (): { readonly status: 1 | 2 } => ({
    status: readiness.current === undefined ? Status.SERVING : Status.NOT_SERVING,
  });
  return {
    check({ service }) {
      if (services.includes(service)) return current();
      throw new ConnectError(`there is no service "${service.slice(0, 100)}"`, Code.NotFound);
    },
    async *watch({ service }, context: HandlerContext) {
      if (watches >= watchesMax) {
        throw new ConnectError(`${watchesMax} watch already, and no more may: use Check`, Code.ResourceExhausted);
      }
      watches += 1;
      try {
        const ended = AbortSignal.any([context.signal, stopping]);
        if (!services.includes(service)) {
          yield { status: Status.SERVICE_UNKNOWN };
          return await aborted(ended);
        }
        while (!ended.aborted) {
          yield current();
          await changed(readiness, ended);
        }
        // Whoever watches learns that nothing serves any more, rather than that the stream is over.
        yield current();
      } finally {
        watches -= 1;
      }
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Resolves with the next change, or when the signal aborts. */
function changed(watched: Watched<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stop = watched.onChange(done);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}
