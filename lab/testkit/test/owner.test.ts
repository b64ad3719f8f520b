import { expect, test } from 'vitest';
import { bundleOf, makeLife, makeOwner } from '../src/index.ts';

test('the same seed gives the same owner, down to the last byte', async () => {
  const [one, two, other] = [await makeOwner('ada'), await makeOwner('ada'), await makeOwner('bob')];
  expect(one.chain.wire()).toEqual(two.chain.wire());
  expect(other.id).not.toBe(one.id);
  expect(bundleOf(await makeLife(one))).toEqual(bundleOf(await makeLife(two)));
});
