/** What a shell would make of an example: the words of each mcp-manager in it. */

/** Knows quotes, pipes, `$(…)`, `<(…)` and redirection, and no more. */
export function commandLinesOf(example: string): readonly (readonly string[])[] {
  return example
    .split(/ \| |[$<]\(|\)/)
    .filter((part) => part.startsWith("mcp-manager "))
    .map((part) => part.replace(/ > \S+$/, ""))
    .map((part) => [...part.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "").slice(1));
}
