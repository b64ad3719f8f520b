import { fail } from '@caponier/protocol';
import type { JoinKind } from '@caponier/sdk';
import { parseCode } from '@caponier/session';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { nameOf } from '../home/device-name.ts';
import { signWithRoot } from '../home/hand.ts';
import { hasRoot } from '../home/root-key.ts';
import { readDeployment } from '../services/deployment.ts';
import { type Output, shown } from '../terminal/output.ts';
import { startProgress } from '../terminal/progress.ts';
import { compare } from './compare.ts';

interface Flags {
  readonly controller?: boolean;
  readonly approver?: boolean;
  readonly contact?: boolean;
  readonly name?: string;
  readonly words?: boolean;
  readonly yes?: boolean;
}

function kindOf({ controller, approver, contact }: Flags): JoinKind {
  const named = [controller && 'controller', approver && 'approver', contact && 'contact'].filter(Boolean);
  if (named.length > 1) throw fail('cli.usage', `--${named.join(' and --')} exclude each other`);
  return (named[0] as JoinKind | undefined) ?? 'member';
}

/** A code for somebody else; their answer; the owner's signature. */
export async function runAdd({ options, output }: Run): Promise<void> {
  const flags = options as Flags;
  const kind = kindOf(flags);
  const name = flags.name === undefined ? null : nameOf(flags.name, '--name');
  const { home, client } = hereDaemon();
  // Before a code is shown to anybody: without the owner key it would end in nothing.
  if (!hasRoot(home)) throw fail('cli.no_root');
  const tickets = kind === 'contact' && readDeployment(home)?.admission === 'ticket';
  const talk = await client.talk('add', { type: 'start', kind, name, tickets });
  const waiting = { stop: () => {} };
  try {
    for await (const event of talk.heard) {
      if (event instanceof Uint8Array) continue;
      waiting.stop();
      switch (event.type) {
        case 'code': {
          output.item(event);
          await showCode(event, flags, output);
          Object.assign(waiting, startProgress('waiting for the other side'));
          break;
        }
        case 'compare':
          talk.say({ type: 'confirm', yes: await compare(event, output, flags.yes === true) });
          Object.assign(waiting, startProgress('waiting for their answer'));
          break;
        case 'sign': {
          const { statements, tickets: signed } = await signWithRoot(home, event.need);
          const plain = statements.map(({ statement, cosigns }) => ({ statement, cosigns: [...cosigns] }));
          talk.say({ type: 'signed', signed: { statements: plain, tickets: [...signed] } });
          break;
        }
        case 'done':
          output.item({ type: 'done', kind: event.kind, name: event.peer.name, device: event.peer.device });
          output.line(`${output.style('green', '✓')} ${doneText(event.kind, name ?? event.peer.name)}`);
      }
    }
  } finally {
    waiting.stop();
    talk.close();
  }
}

async function showCode(
  { code, words, relay, expires }: { code: string; words: string; relay: string; expires: number },
  { words: wanted, contact }: Flags,
  output: Output,
): Promise<void> {
  if (output.tty) {
    const { renderUnicodeCompact } = await import('uqr');
    output.line(renderUnicodeCompact(code, { border: 2 }));
  }
  output.line('On the other machine: caponier join with this code, in quotes.');
  output.line();
  output.line(code);
  output.line();
  if (wanted) {
    const { pin } = parseCode(code);
    const flags = [`--relay ${relay}`, pin !== null && `--pin ${pin}`, contact && '--contact'].filter(Boolean);
    output.line(`or: caponier join ${words} ${flags.join(' ')}`);
    output.line();
  }
  output.line(
    `It is good until ${new Date(expires).toTimeString().slice(0, 5)}, once. Whoever has it can ask to join.`,
  );
}

function doneText(kind: JoinKind, name: string): string {
  const who = shown(name);
  if (kind === 'contact') return `${who} is a contact now: caponier send ${who} "hello"`;
  if (kind === 'approver') return `${who} joined, and may say yes: caponier asks shows what waits there.`;
  if (kind === 'controller') return `${who} joined as a controller: it reaches your members.`;
  return `${who} joined: caponier shell ${who}`;
}
