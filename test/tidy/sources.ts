/**
 * The checkout as the house rules see it: its files, and of each source what it imports and where. It reads and parses; it judges
 * nothing.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Comment, Program, VisitorObject } from "oxc-parser";
import { parseSync, Visitor } from "oxc-parser";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file of the checkout, its path relative to the root and with `/`. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** One place that names another module: an import of any kind, a re-export, or the file of a worker. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The source of this checkout that it names by a relative path. */
  readonly target: string | undefined;
  readonly line: number;
}

/** A parsed TypeScript file. */
export interface Source extends TextFile {
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
  /** Of an offset; from 1. */
  lineAt(offset: number): number;
  visit(visitor: VisitorObject): void;
}

/** Every text file that git tracks or would, but for deleted ones; undefined outside of a git checkout. */
export function readFiles(): readonly TextFile[] | undefined {
  try {
    const list = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const paths = execFileSync("git", list, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return [...new Set(paths.split("\0"))]
      .filter((path) => path !== "" && existsSync(join(root, path)))
      .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }))
      .filter(({ text }) => !text.includes("\0"));
  } catch {
    return undefined;
  }
}

/** What `npm run proto` writes from the proto files: nobody reads it, and a test compares it with them. */
const generated = "packages/manager/src/api/grpc/gen/";

/** The TypeScript of the packages and of `test/` that people write, by path. */
export function parseSources(files: readonly TextFile[]): ReadonlyMap<string, Source> {
  const sources = files.filter(
    ({ path }) => /^(?:packages\/[^/]+\/src|test)\/.*\.ts$/.test(path) && !path.startsWith(generated),
  );
  const known = new Set(sources.map(({ path }) => path));
  return new Map(sources.map((file) => [file.path, parse(file, known)]));
}

function parse(file: TextFile, known: ReadonlySet<string>): Source {
  const { program, comments, errors } = parseSync(file.path, file.text);
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${file.path}: ${error.message}`);
  const breaks = [...file.text.matchAll(/\n/g)].map(({ index }) => index);
  const lineAt = (offset: number): number => {
    const line = breaks.findIndex((index) => index >= offset);
    return (line === -1 ? breaks.length : line) + 1;
  };
  const visit = (visitor: VisitorObject): void => new Visitor(visitor).visit(program);
  const imports: Import[] = [];
  visit({
    // Every kind of import has its module in a string, and so have `new Worker(new URL("./worker.ts", …))` and the like.
    Literal({ value, start }) {
      if (typeof value !== "string" || !/^(?:\.{1,2}\/|node:|@mcp-manager\/)|\.ts$/.test(value)) return;
      const isPackage = /^(?:node:|@)/.test(value);
      const target = isPackage ? undefined : normalize(join(dirname(file.path), value));
      if (target !== undefined && !known.has(target)) return;
      imports.push({ specifier: value, target, line: lineAt(start) });
    },
  });
  return { ...file, program, comments, imports, lineAt, visit };
}
