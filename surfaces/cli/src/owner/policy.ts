import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fromUtf8, utf8 } from '@caponier/crypto';
import { systemRandom } from '@caponier/host/home';
import { compilePolicy, loadPolicyEngine, maxPolicyBytes } from '@caponier/policy';
import { digestBody, fail } from '@caponier/protocol';
import { printable } from '@caponier/sdk/printable';
import type { Run } from '../command.ts';
import { hereDaemon, hereIdentity } from '../home/context.ts';
import { nameOf } from '../home/device-name.ts';
import { extendChain } from '../home/hand.ts';
import { keepPolicyText, policyText } from '../home/policy-text.ts';
import { shown } from '../terminal/output.ts';

/** A file within bounds, as text. Throws `cli.no_file`, `policy.malformed`. */
async function readPolicy(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw fail('cli.no_file', file, cause);
  });
  if (bytes.length > maxPolicyBytes) throw fail('policy.malformed', `more than ${maxPolicyBytes} bytes`);
  try {
    return fromUtf8(new Uint8Array(bytes));
  } catch (cause) {
    throw fail('policy.malformed', 'not UTF-8', cause);
  }
}

async function compiled(file: string) {
  const text = await readPolicy(file);
  await loadPolicyEngine();
  return { text, rules: compilePolicy(text).rules };
}

export async function showPolicy({ output }: Run): Promise<void> {
  const text = policyText(hereIdentity().home);
  if (text === undefined) throw fail('cli.no_policy_text');
  output.document({ text });
  output.line(printable(text, { lines: true }).trimEnd());
}

export async function checkPolicy({ args: [file = ''], output }: Run): Promise<void> {
  const { rules } = await compiled(file);
  output.document({ ok: true, rules: rules.map(({ id }) => id) });
  output.line(`It would be taken: ${rules.length} rules (${rules.map(({ id }) => shown(id)).join(', ')}).`);
}

export async function setPolicy({ args: [file = ''], options, output }: Run): Promise<void> {
  const { text } = await compiled(file);
  const name = nameOf(
    options.name ??
      basename(file)
        .replace(/\.[^.]*$/, '')
        .toLowerCase(),
    '--name',
  );
  const here = hereDaemon();
  await extendChain(here, [{ kind: 'policy', members: { name, body: digestBody(utf8(text), systemRandom) } }]);
  const { policy } = await here.client.call('view', {});
  if (!policy) throw fail('host.internal', 'no policy after it was set');
  const { gates } = await here.client.call('tellPolicy', { policy: policy.id, text });
  keepPolicyText(here.home, text);
  output.document({ policy: policy.id, name, gates });
  output.line(`The policy ${name} is in force; ${gates === 1 ? 'the gate has' : `${gates} gates have`} its text.`);
}
