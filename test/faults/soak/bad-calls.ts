/** Calls after which something is wrong, by the kind of fault and by how the server is reached: what the fake server's tool `fault` is told. */
import type { FaultKind, Place } from "./schedule.ts";

const bombs = ["deep", "wide", "proto", "twice", "huge", "surrogates"].map((kind) => ({ do: "bomb", kind }));
const progress = { do: "progress", count: 3_000 };

const overStdio: Partial<Record<FaultKind, readonly object[]>> = {
  hang: [{ do: "hang" }],
  garbage: [{ do: "noise" }, { do: "ids" }, { do: "noise", lines: 20 }, ...bombs],
  oversize: [
    { do: "frame", bytes: 25_165_824 },
    { do: "endless", bytes: 33_554_432 },
  ],
  "half-close": [{ do: "half-close" }, { do: "close-input" }],
  slow: [
    { do: "spin", ms: 500 },
    { do: "spin", ms: 1_500 },
  ],
  flood: [progress, { do: "stderr", lines: 20_000 }, { do: "stderr", lines: 50, bytes: 100_000 }],
  crash: [{ do: "crash" }, { do: "exit", code: 0 }, { do: "exit", code: 7 }],
};

const overHttp: Partial<Record<FaultKind, readonly object[]>> = {
  hang: [{ do: "hang" }, { do: "stall" }, { do: "stall-json" }],
  garbage: [
    ...["wrong-type", "html", "html-as-json", "wrong-id"].map((name) => ({ do: name })),
    { do: "status", status: 502 },
    ...bombs,
  ],
  oversize: [{ do: "long-event", bytes: 70_254_592 }, { do: "gzip" }],
  "half-close": [{ do: "cut-event" }, { do: "cut-json" }, { do: "reset" }],
  slow: [{ do: "drip", ms: 100 }, { do: "comments" }],
  flood: [progress],
};

/** The arguments that a kind has for such a server; undefined when it is no matter of one call. */
export function badCallsOf(kind: FaultKind, place: Place): readonly object[] | undefined {
  return (place === "stdio" ? overStdio : overHttp)[kind];
}
