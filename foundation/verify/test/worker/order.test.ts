import { readFileSync } from 'node:fs';
import { approvalFor, makeApproval, makeLife, makeOwner } from '@caponier/testkit';
import { expect, test } from 'vitest';
import { checkOrder } from '../../src/worker/order.ts';
import { attacks } from './attacks.ts';
import { makeBench, servesSecret, show, textOf } from './bench.ts';

test('what is in order passes: a standing grant, an approval by a device, one by a passkey', async () => {
  const owner = await makeOwner();
  await show(await makeBench({ owner }), textOf(await makeLife(owner)));
  const change = { class: 'secret', op: 'secret.use', resource: 'bank', grant: owner.grants.guarded };
  const bench = await makeBench({ owner, me: servesSecret(owner) });
  await show(
    bench,
    textOf(
      await makeLife(owner, {
        request: { change },
        approvals: async (request) => [await makeApproval(owner, request)],
      }),
    ),
  );
  await show(
    bench,
    textOf(
      await makeLife(owner, {
        request: { change },
        approvals: async (request) => [owner.passkey.approve(approvalFor(owner, request))],
      }),
    ),
  );
});

test.each(attacks)('refused by $check: $name', async ({ code, make }) => {
  const { bench, text } = await make();
  await expect(show(bench, text)).rejects.toMatchObject({ code });
});

// Each attack is refused by its own check and by nothing else: delete that check, and the test above fails.
test.each(attacks)('only $check stands against: $name', async ({ check, make }) => {
  const rest = checkOrder.filter(({ name }) => name !== check);
  expect(rest).toHaveLength(checkOrder.length - 1);
  const { bench, text } = await make();
  await show(bench, text, rest);
});

test('every check has an attack, with each of its codes', () => {
  for (const { name, codes } of checkOrder) {
    const tried = attacks.filter((attack) => attack.check === name).map((attack) => attack.code);
    for (const code of codes) expect(tried, `${name} ${code}`).toContain(code);
  }
});

test('docs/checks.md lists the checks in their order, with codes and attacks', () => {
  const text = readFileSync(new URL('../../../../docs/checks.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| [0-9]/.test(line));
  const named = rows.map((row) => row.split('|')[2]!.trim().replaceAll('`', ''));
  const after = ['standing', 'ledger-ceilings', 'counter', 'uses'];
  expect(named).toEqual(['form', ...checkOrder.map(({ name }) => name), ...after]);
  for (const { check, name, code } of attacks) {
    const row = rows[named.indexOf(check)]!;
    expect(row, check).toContain(name);
    expect(row, check).toContain(`\`${code}\``);
  }
});
