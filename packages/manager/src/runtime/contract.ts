/**
 * What every runtime must do, as tests that each implementation declares for itself. A harness gives a runtime and a source that runs
 * until it is ended. It knows no implementation.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Running, Runtime, StartRequest } from "./runtime.ts";

/** A runtime of its own for one test; disposing ends what it needed. */
interface RuntimeUnderTest<Source> extends AsyncDisposable {
  readonly runtime: Runtime<Source>;
  /** Runs until it is ended, and ends when it is asked to. */
  readonly source: Source;
}

/** One implementation, to the suite. */
export interface RuntimeHarness<Source> {
  readonly name: string;
  /** Why it can't be tested here; undefined when it can. */
  readonly skip: string | undefined;
  open(): Promise<RuntimeUnderTest<Source>>;
}

/** Declares the whole contract for one implementation. */
export function declareRuntimeContract<Source>(harness: RuntimeHarness<Source>): void {
  const declare = (title: string, run: (sut: RuntimeUnderTest<Source>) => Promise<void>): void => {
    test(`${harness.name}: ${title}`, { skip: harness.skip ?? false }, async () => {
      await using sut = await harness.open();
      await run(sut);
    });
  };

  declare("runs until it is stopped, and both who stopped it and who watched hear the same", async (sut) => {
    const running = await start(sut);
    assert.equal(await hasEnded(running), false);
    const exit = await running.stop();
    assert.deepEqual(await running.exited, exit);
  });

  declare("stopping twice is once, also afterwards", async (sut) => {
    const running = await start(sut);
    const [first, second] = await Promise.all([running.stop(), running.stop()]);
    assert.deepEqual(second, first);
    assert.deepEqual(await running.stop(), first);
  });

  declare("killing ends it, and again does nothing", async (sut) => {
    const running = await start(sut);
    running.kill();
    running.kill();
    const exit = await running.exited;
    running.kill();
    assert.deepEqual(await running.stop(), exit);
  });

  declare("a kill cuts a stop short", async (sut) => {
    const running = await start(sut);
    const stopping = running.stop();
    running.kill();
    assert.deepEqual(await stopping, await running.exited);
  });

  declare("two runs may have one name, and end apart", async (sut) => {
    const [one, other] = await Promise.all([start(sut), start(sut)]);
    await one.stop();
    assert.equal(await hasEnded(other), false);
    await other.stop();
  });

  declare("says what holds it, and of its memory only where that is ours to bound", async (sut) => {
    const running = await start(sut);
    assert.notEqual(running.isolation.level, "");
    assert.equal(running.memory === undefined, running.pid === undefined);
    assert.equal(running.channel.kind === "stdio", running.pid !== undefined);
    await running.stop();
  });

  declare("a sweep finds nothing where nothing was left", async (sut) => {
    assert.equal(await sut.runtime.sweep(), 0);
    await (await start(sut)).stop();
    assert.equal(await sut.runtime.sweep(), 0);
  });
}

function start<Source>({ runtime, source }: RuntimeUnderTest<Source>): Promise<Running> {
  const request: StartRequest<Source> = {
    name: "replica-1",
    server: "weather",
    source,
    limits: { memoryBytes: 512 * 1024 * 1024, processesMax: 64, cpu: undefined },
    sandbox: "trusted",
    stderr: { write: () => undefined },
  };
  return runtime.start(request);
}

async function hasEnded({ exited }: Running): Promise<boolean> {
  const turn = new Promise<false>((resolve) => {
    setImmediate(() => resolve(false));
  });
  return Promise.race([exited.then(() => true), turn]);
}
