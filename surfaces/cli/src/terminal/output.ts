import { styleText } from 'node:util';
import { printable } from '@caponier/sdk/printable';

type Style = Parameters<typeof styleText>[0];

/** Standard output of one command: lines for a person, or JSON for a program. Never both. */
export interface Output {
  readonly json: boolean;
  /** Whether a person watches: progress and colours only then. */
  readonly tty: boolean;
  /** A line for a person; nothing with `--json`. Text of ours only: what a peer said goes through `shown` first. */
  line(text?: string): void;
  /** Something to mind, in full sentences. */
  warning(text: string): void;
  /** More about the line before. */
  note(text: string): void;
  /** One point of a list, in full sentences. */
  point(text: string): void;
  /** The one document of a command; nothing without `--json`. */
  document(value: unknown): void;
  /** One line of a stream of documents; nothing without `--json`. */
  item(value: unknown): void;
  /** Rows in columns, the last cut to the width of the terminal. Cells are escaped here. */
  table(rows: readonly (readonly string[])[]): void;
  style(style: Style, text: string): string;
}

/** Text of a peer or file, safe to show: on one line. */
export const shown = (text: string): string => printable(text);

const smallestLastColumn = 10;
/** Width of sentences where nobody says how wide it is. */
const plainColumns = 80;

export function createOutput(json: boolean): Output {
  const tty = process.stdout.isTTY === true;
  const write = (text: string) => process.stdout.write(`${text}\n`);
  const style = (kind: Style, text: string) =>
    tty && !json ? styleText(kind, text, { stream: process.stdout }) : text;
  const columns = () => (tty ? (process.stdout.columns ?? plainColumns) : plainColumns);
  const hanging = (mark: string, kind: Style, text: string) => {
    if (json) return;
    const [first = '', ...rest] = wrapped(text, columns() - mark.length);
    write(`${style(kind, mark)}${first}`);
    for (const line of rest) write(`${' '.repeat(mark.length)}${line}`);
  };
  return {
    json,
    tty: tty && !json,
    line: (text = '') => void (json || write(text)),
    warning: (text) => hanging('warning: ', 'yellow', text),
    note: (text) => hanging('    ', 'dim', text),
    point: (text) => hanging('  - ', 'dim', text),
    document: (value) => void (json && write(JSON.stringify(value, null, tty ? 2 : undefined))),
    item: (value) => void (json && write(JSON.stringify(value))),
    table(rows) {
      if (json) return;
      for (const line of layout(rows, tty ? columns() : Number.POSITIVE_INFINITY)) write(line);
    },
    style,
  };
}

function layout(rows: readonly (readonly string[])[], width: number): string[] {
  const cells = rows.map((row) => row.map(shown));
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: columns - 1 }, (_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const before = widths.reduce((sum, w) => sum + w + 2, 2);
  const last = Math.max(smallestLastColumn, width - before);
  return cells.map((row) => {
    const padded = row.map((cell, i) => (i < columns - 1 ? cell.padEnd(widths[i] ?? 0) : cut(cell, last)));
    return `  ${padded.join('  ')}`.trimEnd();
  });
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Broken between words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
