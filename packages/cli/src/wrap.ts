/** Fitting text into the width of a terminal: at the spaces, so that a path or a command can still be copied in one piece. */

/** The lines of `text`, none longer than `width` unless a single word is. At least one line. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** `text` in lines of `width`, all but the first behind `indent` spaces. */
export function hang(text: string, indent: number, width: number): string {
  return wrap(text, width - indent).join(`\n${" ".repeat(indent)}`);
}

/** The beginning of `text`, with a mark where it was cut. */
export function cutEnd(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).toWellFormed()}…`;
}

/** The first word of `text` and its end: of a command, the program and the file that it runs. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const first = text.indexOf(" ") + 1;
  const head = first < width / 2 ? text.slice(0, first) : "";
  return `${head}…${text.slice(text.length - (width - head.length - 1))}`;
}
