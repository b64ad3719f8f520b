import { expect, type Machine } from './stage.ts';

/** `add` on one machine, `join` on another: the code goes across, both people compare the number and say yes. */
export async function joinWithCode(
  adder: Machine,
  joiner: Machine,
  addFlags: string[],
  joinFlags: string[] = [],
): Promise<string> {
  const adding = adder.start('add', ...addFlags);
  const code = await adding.until(/^\s*(https?:\/\/\S+#\S+)\s*$/m);
  const joining = joiner.start('join', code, ...joinFlags);
  const form = /safety number:?\s+((?:\d{5,6}[ -]?){6})/i;
  const [theirs, ours] = await Promise.all([adding.until(form), joining.until(form)]);
  expect(theirs.trim() === ours.trim(), 'both ends show the same safety number');
  adding.endInput('y\n');
  joining.endInput('y\n');
  const codes = await Promise.all([adding.exit, joining.exit]);
  expect(
    codes[0] === 0 && codes[1] === 0,
    `both ends succeed\n${adding.output}${adding.errors}\n${joining.output}${joining.errors}`,
  );
  return ours.trim();
}
