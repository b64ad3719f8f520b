import { fail } from '@caponier/protocol';

/** Bytes read from standard input at most: a secret, a policy, a message. */
const maxInput = 1024 * 1024;

/** What came in and was not asked for yet: several answers may be piped in one go. */
let waiting = '';

/** The next piece of standard input; null at its end. Between two pieces it is not read, and holds up no exit. */
function nextPiece(): Promise<string | null> {
  const { stdin } = process;
  if (stdin.readableEnded || stdin.destroyed) return Promise.resolve(null);
  return new Promise((resolve) => {
    const done = (piece: string | null) => {
      stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
      stdin.pause();
      stdin.unref?.();
      resolve(piece);
    };
    const onData = (piece: Buffer | string) => done(String(piece));
    const onEnd = () => done(null);
    stdin.ref?.();
    stdin.setEncoding('utf8').on('data', onData).once('end', onEnd).once('error', onEnd).resume();
  });
}

/** One answer typed, or piped: the next line of standard input; undefined where it ended. */
async function readLine(): Promise<string | undefined> {
  for (;;) {
    const end = waiting.indexOf('\n');
    if (end >= 0) {
      const line = waiting.slice(0, end);
      waiting = waiting.slice(end + 1);
      return line.replace(/\r$/, '');
    }
    const piece = await nextPiece();
    if (piece === null) {
      const last = waiting;
      waiting = '';
      return last === '' ? undefined : last;
    }
    waiting += piece;
    if (waiting.length > maxInput) throw fail('host.body_too_large', 'standard input');
  }
}

/** Asks on standard error, so that standard output stays what the command prints. Only `y` or `yes` is a yes. */
export async function askYes(question: string): Promise<boolean> {
  process.stderr.write(`${question} [y/n] `);
  const answer = await readLine();
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

/** Everything on standard input, as text. Throws `host.body_too_large`. */
export async function readAll(): Promise<string> {
  for (;;) {
    const piece = await nextPiece();
    if (piece === null) break;
    waiting += piece;
    if (waiting.length > maxInput) throw fail('host.body_too_large', 'standard input');
  }
  const text = waiting;
  waiting = '';
  return text;
}

async function typed(question: string): Promise<string> {
  const { password, isCancel } = await import('@clack/prompts');
  const answer = await password({ message: question });
  if (isCancel(answer)) throw fail('cli.usage', 'nothing was typed');
  return answer;
}

/** Something secret: typed without an echo on a terminal, else everything on standard input without its last line end. */
export async function readSecret(question: string): Promise<string> {
  return process.stdin.isTTY ? typed(question) : (await readAll()).replace(/\r?\n$/, '');
}

/** A passphrase: typed without an echo on a terminal, else one line, so that other answers may follow it. */
export async function readPassphrase(question: string): Promise<string> {
  return process.stdin.isTTY ? typed(question) : ((await readLine()) ?? '');
}
