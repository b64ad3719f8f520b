import { createInterface } from 'node:readline';
import { fail } from '@caponier/protocol';

/** Bytes read from standard input at most: a secret, a policy, a message. */
const maxInput = 1024 * 1024;

/** One answer typed, or piped: the next line of standard input; undefined where it ended. */
export async function readLine(): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    for await (const line of lines) return line;
    return undefined;
  } finally {
    lines.close();
    // Otherwise an open pipe would keep the process alive.
    process.stdin.unref?.();
  }
}

/** Asks on standard error, so that standard output stays what the command prints. Only `y` or `yes` is a yes. */
export async function askYes(question: string): Promise<boolean> {
  process.stderr.write(`${question} [y/n] `);
  const answer = await readLine();
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

/** Everything on standard input. Throws `host.body_too_large`. */
export async function readAll(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxInput) throw fail('host.body_too_large', 'standard input');
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Something secret: typed without an echo on a terminal, else everything on standard input without its last line end. */
export async function readSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY)
    return Buffer.from(await readAll())
      .toString('utf8')
      .replace(/\r?\n$/, '');
  const { password, isCancel } = await import('@clack/prompts');
  const answer = await password({ message: question });
  if (isCancel(answer)) throw fail('cli.usage', 'nothing was typed');
  return answer;
}
