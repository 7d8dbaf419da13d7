/** Composition of the configuration file while the manager runs: who watches it, who reads it, who applies it. Decides nothing. */
import { ConfigReload } from "../api/config-reload.ts";
import { type Admission, admitConfigured } from "../api/configured.ts";
import type { ServerWrites } from "../api/operations/server-writes.ts";
import { FileWatch } from "../config/file-watch.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";

/** The file; undefined where there is none. It is read again when asked for, and not watched yet. */
export function openReloading(
  { source, clock, random }: ManagerOptions,
  { registry, events }: State,
  { writes, admitted }: { readonly writes: ServerWrites; readonly admitted: readonly Admission[] },
  scope: AsyncDisposableStack,
): ConfigReload | undefined {
  if (source.file === undefined) return undefined;
  const { file } = source;
  return scope.use(
    new ConfigReload({
      file,
      admit: (servers) => admitConfigured(registry, writes, { servers, file: file.path }),
      admitted,
      events,
      clock,
      random,
    }),
  );
}

/** Has it read again whenever it is another, first of all for what came between its first reading and now. */
export function watchFile(
  { source, clock }: ManagerOptions,
  reload: ConfigReload | undefined,
  scope: AsyncDisposableStack,
): void {
  if (source.file === undefined || reload === undefined) return;
  scope.use(new FileWatch({ path: source.file.path, clock, onChange: () => reload.ask() }));
  reload.ask();
}
