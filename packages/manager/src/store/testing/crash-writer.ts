/** A process that writes until it is killed, and tells its parent of each write that was acknowledged. Run by `sqlite.test.ts`. */
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { openSqliteStore } from "../sqlite.ts";

const directory = process.argv[2] ?? "";
const store = await openSqliteStore({ directory, clock: systemClock, random: systemRandom });
for (let i = 0; ; i += 1) {
  const value = Buffer.from(String(i));
  await store.txn({
    compare: [],
    success: [
      { op: "put", key: "a", value },
      { op: "put", key: "b", value },
    ],
  });
  process.send?.(i);
}
