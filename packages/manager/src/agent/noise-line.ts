/** A line that came where only messages belong, as the log shows it. Pure. */

const lengthMax = 1_024;

/** Cut, and without what would drive a terminal: colours and the like are common there. */
export function noiseLine(line: string): string {
  const plain = line
    .slice(0, 2 * lengthMax)
    // oxlint-disable-next-line no-control-regex -- they are what is taken out
    .replace(/\u001B\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000B-\u001F\u007F]/g, "");
  return `[stdout] ${plain.length > lengthMax ? `${plain.slice(0, lengthMax)}…` : plain}`;
}
