import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { joinWithCode } from './joining.ts';
import { expect, rootFlag, type Stage } from './stage.ts';

interface Ask {
  id: string;
  agent: string;
  op: string;
  resource: string;
  purpose: string;
}

/** An agent uses a token it never has: the phone shows a card, one tap, the call goes out. Yields the request's id. */
export async function keyNeverHeld(stage: Stage): Promise<string> {
  const laptop = stage.machine('laptop');
  const phone = stage.machine('phone');
  await joinWithCode(laptop, phone, ['--approver', '--name', 'phone'], [...rootFlag]);
  stage.say('laptop  caponier add --approver    the phone joins, and may say yes');

  const token = `ghp_${randomBytes(18).toString('hex')}`;
  const seen: (string | undefined)[] = [];
  const upstream = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end(JSON.stringify({ created: 'issue 7' }));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  try {
    await laptop.runWith(token, 'secret', 'put', 'github', '--host', url);
    stage.say('laptop  caponier secret put github --host …    kept by the vault, for one host only');

    const heap = join(stage.folder, 'agent.heapsnapshot');
    const agent = laptop.start(
      'run',
      '--as',
      'claude',
      '--',
      process.execPath,
      fileURLToPath(new URL('agent.ts', import.meta.url)),
      `${url}/issues`,
      heap,
    );
    agent.endInput();

    const card = await untilAsked(() => phone.ask<{ asks: Ask[] }>('asks'));
    expect(
      card.agent === 'claude@laptop' && card.op === 'secret.use' && card.resource === 'github',
      'the card tells who asks for what',
    );
    stage.say(`phone   caponier asks   ${card.agent} wants ${card.op} ${card.resource}: “${card.purpose}”`);
    expect(seen.at(0) === undefined, 'nothing goes out before the yes');
    await phone.run('asks', '--approve', card.id);
    stage.say('phone   caponier asks --approve    one tap');

    const agentCode: number = await agent.exit;
    expect(agentCode === 0, `the agent got its answer\n${agent.output}${agent.errors}`);
    expect(agent.output.includes('issue 7'), 'the agent sees the answer of the call');
    expect(seen.length === 1 && seen[0] === `Bearer ${token}`, 'the outside saw the token, once');
    expect(!(agent.output + agent.errors).includes(token), 'the agent never printed the token');
    expect(!(await readFile(heap, 'utf8')).includes(token), 'the memory of the agent never held the token');
    stage.say('agent   secret_use                 the call went out with the token; the agent never had it');
    return card.id;
  } finally {
    upstream.close();
  }
}

async function untilAsked(look: () => Promise<{ asks: Ask[] }>): Promise<Ask> {
  const end = Date.now() + 30_000;
  for (;;) {
    const { asks } = await look();
    if (asks[0]) return asks[0];
    if (Date.now() > end) throw new Error('no card arrived within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
